-- One row per person, kind of step and day, up to each partner's own date: the named moments that
-- cohorts start from and journeys are told by (list step in code). How a journey ended is a step
-- of its own: treatment completed or ended only where structured treatment had begun. is_journey
-- is false for a step that says of another what it was (a sentence with a DRR), so that journeys
-- tell nothing twice. details holds the partners' codes for it; the keys tell which steps are
-- stages of one custody or one sentence.
-- check: unique person_id, step, step_date
-- check: not_null person_id, partner, step, step_date, step_rank, is_journey
-- check: holds step IN (SELECT code FROM seed_code WHERE list = 'step')
-- check: holds (step, partner) IN (SELECT (code, category) FROM seed_code WHERE list = 'step_partner')
-- check: holds step NOT IN ('arrest', 'positive_test', 'negative_test') OR len(custody_keys) > 0
-- check: holds (SELECT count(*) FROM int_step WHERE step = 'arrest') = (SELECT count(DISTINCT (person_id, arrest_date)) FROM stg_custody INNER JOIN extract ON partner = 'police' AND arrest_date <= data_as_at)
-- check: holds (SELECT count(*) FROM int_step WHERE step = 'sentence') = (SELECT count(DISTINCT (person_id, sentence_date)) FROM stg_sentence INNER JOIN extract ON partner = 'probation' AND sentence_date <= data_as_at)
-- check: holds (SELECT count(*) FROM int_step WHERE step = 'treatment_presentation') = (SELECT count(DISTINCT (person_id, start_date)) FROM int_treatment_journey INNER JOIN extract ON partner = 'treatment' AND start_date <= data_as_at)
-- check: holds (SELECT count(*) FROM int_step WHERE step = 'homelessness_application') = (SELECT count(DISTINCT (person_id, application_date)) FROM stg_application INNER JOIN extract ON partner = 'housing' AND application_date <= data_as_at)
WITH ended AS (
    SELECT journey.person_id, journey.end_date, journey.end_reason,
           CASE
               WHEN code.category = 'died' AND deaths_are_told() THEN 'death_in_treatment'
               WHEN journey.structured_start_date IS NULL THEN 'discharge_untreated'
               WHEN journey.is_successful_completion THEN 'treatment_completed'
               ELSE 'treatment_ended'
           END AS step
    FROM int_treatment_journey AS journey
    LEFT JOIN seed_code AS code ON code.list = 'discharge' AND code.code = journey.end_reason
),

step AS (
    SELECT person_id, 'police' AS partner, 'arrest' AS step, arrest_date AS step_date,
           offence_class AS detail, custody_key, NULL AS sentence_key
    FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', result_category || '_test', test_date, result, custody_key, NULL
    FROM stg_drug_test
    WHERE result_category IN ('positive', 'negative')
    UNION ALL
    SELECT person_id, 'police', 'intensive_programme_start', start_date, programme, NULL, NULL
    FROM stg_intensive_programme
    UNION ALL
    SELECT person_id, 'police', 'suspected_drug_death', death_date, death_status, NULL, NULL
    FROM stg_suspected_drug_death
    WHERE death_status IS DISTINCT FROM 'not_drug_related'
    UNION ALL
    SELECT person_id, 'probation', 'sentence', sentence_date, sentence_type, NULL, sentence_key
    FROM stg_sentence
    UNION ALL
    SELECT requirement.person_id, 'probation', lower(requirement.category) || '_sentence',
           sentence.sentence_date, sentence.sentence_type, NULL, requirement.sentence_key
    FROM stg_requirement AS requirement
    INNER JOIN stg_sentence AS sentence USING (sentence_key)
    WHERE requirement.category IN ('DRR', 'ATR')
    UNION ALL
    SELECT person_id, 'probation',
           unnest(CASE
               WHEN has_treatment_need THEN ['prison_release', 'release_with_need']
               ELSE ['prison_release']
           END),
           release_date, discharge_accommodation, NULL, sentence_key
    FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'probation', 'recall', recall_date, NULL, NULL, NULL FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'treatment', 'referral', referral_date, referral_source, NULL, NULL
    FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment', unnest(['assessment', 'treatment_presentation']), start_date,
           substance_group, NULL, NULL
    FROM int_treatment_journey
    UNION ALL
    SELECT person_id, 'treatment', 'treatment_start', structured_start_date, substance_group,
           NULL, NULL
    FROM int_treatment_journey
    UNION ALL
    SELECT person_id, 'treatment', step, end_date, end_reason, NULL, NULL FROM ended
    UNION ALL
    SELECT person_id, 'treatment', 'cj_assessment', assessed_date, NULL, NULL, NULL
    FROM stg_cj_assessment
    UNION ALL
    SELECT person_id, 'treatment', 'caseload_start', taken_on_date, NULL, NULL, NULL
    FROM stg_cj_caseload
    UNION ALL
    SELECT person_id, 'treatment', 'prison_referral', referral_date, referral_outcome, NULL, NULL
    FROM stg_prison_referral
    UNION ALL
    SELECT person_id, 'treatment', 'secure_treatment_start', start_date, NULL, NULL, NULL
    FROM stg_secure_treatment
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_application', application_date,
           accommodation_at_application, NULL, NULL
    FROM stg_application
    UNION ALL
    -- The need is the household's; a child of it is not the one who has it.
    SELECT person_id, 'housing', 'duty_with_drug_or_alcohol_need', start_date, duty, NULL, NULL
    FROM stg_duty
    WHERE (has_drug_need OR has_alcohol_need) AND role IS DISTINCT FROM 'child'
    UNION ALL
    SELECT person_id, 'housing', 'rough_sleeping', sighting_date, NULL, NULL, NULL
    FROM stg_rough_sleeping
    UNION ALL
    SELECT person_id, 'housing', 'temporary_accommodation_start', start_date, accommodation_type,
           NULL, NULL
    FROM stg_temporary_accommodation
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_start', start_date, tenancy_type, NULL, NULL
    FROM stg_tenancy
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_end', end_date, end_reason, NULL, NULL FROM stg_tenancy
)

SELECT step.person_id, step.partner, step.step, step.step_date,
       code."rank"::INTEGER AS step_rank, code.category = 'journey' AS is_journey,
       list_sort(list_distinct(list(step.detail))) AS details,
       list_sort(list_distinct(list(step.custody_key))) AS custody_keys,
       list_sort(list_distinct(list(step.sentence_key))) AS sentence_keys
FROM step
INNER JOIN extract ON extract.partner = step.partner AND step.step_date <= extract.data_as_at
LEFT JOIN seed_code AS code ON code.list = 'step' AND code.code = step.step
GROUP BY step.person_id, step.partner, step.step, step.step_date, step_rank, is_journey
