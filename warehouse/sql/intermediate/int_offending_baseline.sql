-- One row per quarter and person who is managed as an offender on its last day, or was arrested in the 12 months to it: how often they were arrested in the 12 months before and after.
-- check: unique person_id, baseline_date
-- check: not_null person_id, baseline_date, is_iom, is_repeat, is_prolific, arrests_before, arrests_after
WITH arrest AS (
    -- Arrests of one day are one occasion.
    SELECT DISTINCT person_id, arrest_date FROM stg_custody WHERE arrest_date IS NOT NULL
),

managed AS (
    SELECT DISTINCT period.end_date AS baseline_date, sentence.person_id
    FROM int_period AS period
    INNER JOIN stg_sentence AS sentence
        ON sentence.sentence_date <= period.end_date
        AND coalesce(sentence.sentence_end_date, DATE '9999-12-31') >= period.end_date
    WHERE sentence.iom IS NOT NULL
),

around AS (
    SELECT period.end_date AS baseline_date, arrest.person_id,
           count(*) FILTER (arrest.arrest_date <= period.end_date) AS arrests_before,
           count(*) FILTER (arrest.arrest_date > period.end_date) AS arrests_after
    FROM int_period AS period
    INNER JOIN arrest
        ON arrest.arrest_date > period.end_date - policy('reoffending')
        AND arrest.arrest_date <= period.end_date + policy('reoffending')
    GROUP BY period.end_date, arrest.person_id
)

SELECT person_id, baseline_date, managed.person_id IS NOT NULL AS is_iom,
       coalesce(around.arrests_before, 0) >= policy('repeat_arrests') AS is_repeat,
       coalesce(around.arrests_before, 0) >= policy('prolific_arrests') AS is_prolific,
       coalesce(around.arrests_before, 0) AS arrests_before,
       coalesce(around.arrests_after, 0) AS arrests_after,
       coalesce(around.arrests_after, 0) - coalesce(around.arrests_before, 0) AS arrests_change
FROM managed
FULL JOIN around USING (baseline_date, person_id)
WHERE managed.person_id IS NOT NULL OR around.arrests_before > 0
