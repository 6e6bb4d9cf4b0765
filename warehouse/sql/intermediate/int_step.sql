-- One row per person, kind of step and day: the contacts that a journey is made of.
-- check: unique person_id, step, step_date
-- check: not_null person_id, step, step_date
-- check: accepted step: arrest, positive_test, sentence, prison_release, assessment, treatment_start, treatment_completed, treatment_ended, homelessness_application, tenancy_start
WITH step AS (
    SELECT person_id, 'arrest' AS step, arrest_date AS step_date FROM stg_custody
    UNION ALL
    SELECT person_id, 'positive_test', test_date FROM stg_drug_test
    WHERE result_category = 'positive'
    UNION ALL
    SELECT person_id, 'sentence', sentence_date FROM stg_sentence
    UNION ALL
    SELECT person_id, 'prison_release', release_date FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'assessment', start_date FROM int_treatment_journey
    UNION ALL
    SELECT person_id, 'treatment_start', structured_start_date FROM int_treatment_journey
    UNION ALL
    SELECT person_id,
           CASE WHEN is_successful_completion THEN 'treatment_completed' ELSE 'treatment_ended' END,
           end_date
    FROM int_treatment_journey
    UNION ALL
    SELECT person_id, 'homelessness_application', application_date FROM stg_application
    UNION ALL
    SELECT person_id, 'tenancy_start', start_date FROM stg_tenancy
)

SELECT DISTINCT step.person_id, step.step, step.step_date, code.category::INTEGER AS step_rank
FROM step
LEFT JOIN seed_code AS code ON code.list = 'step' AND code.code = step.step
WHERE step.step_date IS NOT NULL
