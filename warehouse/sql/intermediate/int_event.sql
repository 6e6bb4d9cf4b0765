-- One row per date that a partner recorded of a person, those that lie ahead included.
-- check: not_null person_id, partner, event_type
-- check: rows = SELECT (SELECT count(arrest_date) FROM stg_custody) + (SELECT count(test_date) FROM stg_drug_test) + (SELECT count(sentence_date) FROM stg_sentence) + (SELECT count(start_date) + count(end_date) FROM stg_requirement) + (SELECT count(release_date) + count(recall_date) FROM stg_prison_release) + (SELECT count(referral_date) + count(triage_date) + count(care_plan_date) + count(discharge_date) FROM stg_episode) + (SELECT count(start_date) + count(end_date) FROM stg_intervention) + (SELECT count(application_date) FROM stg_application) + (SELECT count(start_date) + count(end_date) FROM stg_duty) + (SELECT count(start_date) + count(end_date) FROM stg_tenancy)
WITH event AS (
    SELECT person_id, 'police' AS partner, 'arrest' AS event_type, arrest_date AS event_date,
           'offence_class' AS detail_list, offence_class AS detail
    FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', 'drug_test', test_date, 'drug_test', result FROM stg_drug_test
    UNION ALL
    SELECT person_id, 'probation', 'sentence', sentence_date, 'sentence', sentence_type
    FROM stg_sentence
    UNION ALL
    SELECT person_id, 'probation', 'requirement_start', start_date, 'requirement', category
    FROM stg_requirement
    UNION ALL
    SELECT person_id, 'probation', 'requirement_end', end_date, 'requirement_outcome', outcome
    FROM stg_requirement
    UNION ALL
    SELECT person_id, 'probation', 'prison_release', release_date,
           'discharge_accommodation', discharge_accommodation
    FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'probation', 'recall', recall_date, NULL, NULL FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'treatment', 'referral', referral_date, 'referral', referral_source
    FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment', 'triage', triage_date, 'substance', drug1 FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment', 'care_plan', care_plan_date, NULL, NULL FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment', 'discharge', discharge_date, 'discharge', discharge_reason
    FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment', 'intervention_start', start_date, 'intervention', modality
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'treatment', 'intervention_end', end_date, 'intervention_exit', exit_status
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_application', application_date,
           'accommodation_at_application', accommodation_at_application
    FROM stg_application
    UNION ALL
    SELECT person_id, 'housing', 'duty_start', start_date, 'duty', duty FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'duty_end', end_date, 'duty_end_reason', end_reason FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_start', start_date, 'tenancy_type', tenancy_type
    FROM stg_tenancy
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_end', end_date, 'tenancy_end_reason', end_reason
    FROM stg_tenancy
)

SELECT event.*, kind."rank"::INTEGER AS event_rank, code.label AS detail_label,
       coalesce(event.event_date <= extract.data_as_at, FALSE) AS has_happened
FROM event
LEFT JOIN extract USING (partner)
LEFT JOIN seed_code AS kind ON kind.list = 'event' AND kind.code = event.event_type
LEFT JOIN seed_code AS code ON code.list = event.detail_list AND code.code = event.detail
WHERE event.event_date IS NOT NULL
