-- One row per positive drug test on arrest: what treatment followed it.
-- check: unique drug_test_key
-- check: not_null person_id, test_date, was_in_treatment
-- check: rows = SELECT count(*) FROM stg_drug_test WHERE result_category = 'positive' AND test_date IS NOT NULL
WITH positive AS (
    SELECT person_id, drug_test_key, test_date, result
    FROM stg_drug_test
    WHERE result_category = 'positive' AND test_date IS NOT NULL
),

treated AS (
    SELECT positive.drug_test_key,
           coalesce(bool_or(
               intervention.start_date < positive.test_date
               AND coalesce(intervention.end_date, DATE '9999-12-31') >= positive.test_date
           ), FALSE) AS was_in_treatment,
           min(intervention.start_date) FILTER (
               intervention.start_date >= positive.test_date
           ) - any_value(positive.test_date) AS days_to_start
    FROM positive
    LEFT JOIN stg_intervention AS intervention
        ON intervention.person_id = positive.person_id AND intervention.is_structured
    GROUP BY positive.drug_test_key
),

known AS (
    -- Days until a treatment service was in contact: 0 when an assessed episode was open already.
    SELECT positive.drug_test_key,
           greatest(min(episode.triage_date - positive.test_date), 0) AS days_to_contact
    FROM positive
    INNER JOIN stg_episode AS episode
        ON episode.person_id = positive.person_id
        AND coalesce(episode.discharge_date, DATE '9999-12-31') >= positive.test_date
        AND episode.triage_date IS NOT NULL
    GROUP BY positive.drug_test_key
)

SELECT positive.*, coalesce(code.label, positive.result) AS test_result,
       treated.was_in_treatment, treated.days_to_start, known.days_to_contact
FROM positive
INNER JOIN treated USING (drug_test_key)
LEFT JOIN known USING (drug_test_key)
LEFT JOIN seed_code AS code ON code.list = 'drug_test' AND code.code = positive.result
