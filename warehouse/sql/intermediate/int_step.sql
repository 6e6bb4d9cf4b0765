-- One row per person, kind of step and day: the steps that a journey is made of, up to each
-- partner's own date. How a journey ended is a step of its own: treatment completed or ended only
-- where structured treatment had begun.
-- check: unique person_id, step, step_date
-- check: not_null person_id, step, step_date, step_rank
-- check: accepted step: arrest, positive_test, sentence, prison_release, assessment, treatment_start, treatment_completed, treatment_ended, discharge_untreated, death_in_treatment, homelessness_application, tenancy_start
-- check: holds step NOT IN ('arrest', 'positive_test') OR len(custody_keys) > 0
WITH step AS (
    SELECT person_id, 'police' AS partner, 'arrest' AS step, arrest_date AS step_date, custody_key,
           NULL AS sentence_key
    FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', 'positive_test', test_date, custody_key, NULL FROM stg_drug_test
    WHERE result_category = 'positive'
    UNION ALL
    SELECT person_id, 'probation', 'sentence', sentence_date, NULL, sentence_key FROM stg_sentence
    UNION ALL
    SELECT person_id, 'probation', 'prison_release', release_date, NULL, sentence_key
    FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'treatment', 'assessment', start_date, NULL, NULL FROM int_treatment_journey
    UNION ALL
    SELECT person_id, 'treatment', 'treatment_start', structured_start_date, NULL, NULL
    FROM int_treatment_journey
    UNION ALL
    SELECT journey.person_id, 'treatment',
           CASE
               WHEN code.category = 'died' THEN 'death_in_treatment'
               WHEN journey.structured_start_date IS NULL THEN 'discharge_untreated'
               WHEN journey.is_successful_completion THEN 'treatment_completed'
               ELSE 'treatment_ended'
           END,
           journey.end_date, NULL, NULL
    FROM int_treatment_journey AS journey
    LEFT JOIN seed_code AS code ON code.list = 'discharge' AND code.code = journey.end_reason
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_application', application_date, NULL, NULL
    FROM stg_application
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_start', start_date, NULL, NULL FROM stg_tenancy
)

SELECT step.person_id, step.step, step.step_date, code."rank"::INTEGER AS step_rank,
       list(DISTINCT step.custody_key) FILTER (step.custody_key IS NOT NULL) AS custody_keys,
       list(DISTINCT step.sentence_key) FILTER (step.sentence_key IS NOT NULL) AS sentence_keys
FROM step
INNER JOIN extract ON extract.partner = step.partner AND step.step_date <= extract.data_as_at
LEFT JOIN seed_code AS code ON code.list = 'step' AND code.code = step.step
GROUP BY step.person_id, step.step, step.step_date, step_rank
