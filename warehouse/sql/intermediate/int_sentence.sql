-- One row per sentence: its kind, and when the person was first in breach of it.
-- check: unique sentence_key
-- check: not_null person_id, sentence_key, sentence, is_community
-- check: rows = SELECT count(*) FROM stg_sentence
WITH breached AS (
    SELECT sentence.sentence_key,
           min(enforcement.enforcement_date - sentence.sentence_date) AS days_to_breach
    FROM stg_sentence AS sentence
    INNER JOIN stg_enforcement AS enforcement USING (sentence_key)
    WHERE enforcement.enforcement_category = 'breach'
        AND enforcement.enforcement_date >= sentence.sentence_date
    GROUP BY sentence.sentence_key
)

SELECT sentence.person_id, sentence.sentence_key, sentence.sentence_date,
       coalesce(code.label, 'Not known') AS sentence,
       coalesce(sentence.sentence_category = 'community', FALSE) AS is_community,
       breached.days_to_breach
FROM stg_sentence AS sentence
LEFT JOIN seed_code AS code ON code.list = 'sentence' AND code.code = sentence.sentence_type
LEFT JOIN breached USING (sentence_key)
