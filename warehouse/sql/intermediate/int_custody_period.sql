-- One row per time in prison on a sentence: from the sentence to the first release, and from each
-- recall to the next release. Where no release is recorded it ends with the sentence, after which
-- nobody is kept on it; that day may lie ahead.
-- check: unique sentence_key, start_date, begins_with
-- check: not_null person_id, sentence_key, start_date, begins_with
-- check: accepted begins_with: sentence, recall
-- check: accepted ends_with: release, sentence end
-- check: holds (ends_with IS NULL) = (recorded_end IS NULL)
-- check: rows = SELECT (SELECT count(sentence_date) FROM stg_sentence WHERE sentence_category = 'custody') + (SELECT count(DISTINCT (sentence_key, recall_date)) FROM stg_prison_release SEMI JOIN (SELECT sentence_key FROM stg_sentence WHERE sentence_category = 'custody' AND sentence_date IS NOT NULL) USING (sentence_key) WHERE recall_date IS NOT NULL)
WITH sentence AS (
    SELECT person_id, sentence_key, sentence_type, sentence_date, sentence_end_date
    FROM stg_sentence
    WHERE sentence_category = 'custody' AND sentence_date IS NOT NULL
),

begun AS (
    SELECT sentence_key, sentence_date AS start_date, 'sentence' AS begins_with,
           NULL::DATE AS free_from, sentence_end_date
    FROM sentence
    UNION ALL
    -- A recall that is written down with two releases is one.
    SELECT sentence_key, release.recall_date, 'recall', max(release.release_date),
           coalesce(max(release.sentence_expiry_date), any_value(sentence.sentence_end_date))
    FROM stg_prison_release AS release
    INNER JOIN sentence USING (sentence_key)
    WHERE release.recall_date IS NOT NULL
    GROUP BY sentence_key, release.recall_date
),

released AS (
    SELECT begun.sentence_key, begun.start_date, begun.begins_with,
           min(release.release_date) AS release_date
    FROM begun
    INNER JOIN stg_prison_release AS release
        ON release.sentence_key = begun.sentence_key
        AND release.release_date >= begun.start_date
        AND coalesce(release.release_date > begun.free_from, TRUE)
    GROUP BY begun.sentence_key, begun.start_date, begun.begins_with
)

SELECT sentence.person_id, sentence_key, sentence.sentence_type, begun.start_date,
       begun.begins_with, coalesce(released.release_date, begun.sentence_end_date) AS recorded_end,
       CASE
           WHEN released.release_date IS NOT NULL THEN 'release'
           WHEN begun.sentence_end_date IS NOT NULL THEN 'sentence end'
       END AS ends_with
FROM begun
INNER JOIN sentence USING (sentence_key)
LEFT JOIN released USING (sentence_key, start_date, begins_with)
