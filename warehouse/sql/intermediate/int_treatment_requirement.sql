-- One row per drug rehabilitation or alcohol treatment requirement: what treatment followed the sentence, and how the requirement ended.
-- check: unique requirement_key
-- check: not_null person_id, requirement_key, requirement, is_in_treatment_after_sentence, is_ended, is_completed
-- check: accepted requirement: Drug rehabilitation requirement, Alcohol treatment requirement
-- check: rows = SELECT count(*) FROM stg_requirement WHERE category IN ('DRR', 'ATR')
WITH required AS (
    SELECT * FROM stg_requirement WHERE category IN ('DRR', 'ATR')
),

treated AS (
    -- Nought days when structured treatment was open on the day of the sentence.
    SELECT required.requirement_key,
           min(greatest(intervention.start_date - required.sentence_date, 0))
               AS days_to_structured,
           bool_or(
               intervention.start_date <= required.sentence_date + policy('after_sentence')
               AND coalesce(intervention.end_date, DATE '9999-12-31')
               >= required.sentence_date + policy('after_sentence')
           ) AS is_in_treatment
    FROM required
    INNER JOIN stg_intervention AS intervention
        ON intervention.person_id = required.person_id
        AND intervention.is_structured
        AND intervention.setting IS DISTINCT FROM 'secure'
        AND coalesce(intervention.end_date, DATE '9999-12-31') >= required.sentence_date
    WHERE intervention.start_date IS NOT NULL
    GROUP BY required.requirement_key
)

SELECT required.person_id, required.requirement_key, required.sentence_date,
       required.start_date, required.end_date, kind.label AS requirement,
       coalesce(ending.label, 'Not ended, or not known') AS outcome,
       required.start_date - required.sentence_date AS days_to_start,
       treated.days_to_structured,
       coalesce(treated.is_in_treatment, FALSE) AS is_in_treatment_after_sentence,
       ending.category IS NOT NULL AND required.end_date IS NOT NULL AS is_ended,
       coalesce(ending.category = 'completed', FALSE) AS is_completed,
       required.end_date - required.sentence_date AS days_to_end
FROM required
INNER JOIN seed_code AS kind ON kind.list = 'requirement' AND kind.code = required.category
LEFT JOIN seed_code AS ending
    ON ending.list = 'requirement_outcome' AND ending.code = required.outcome
LEFT JOIN treated USING (requirement_key)
