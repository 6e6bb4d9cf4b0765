-- One row per dated contact between a person and a partner. Events without a date are left out.
-- column event_id: Number of the row in this release; it changes from release to release.
-- column person_id: The person, as in person.
-- column partner: police, probation, treatment or housing.
-- column event_type: Kind of contact; code lists each kind under the list event.
-- column event_date: The day it happened.
-- column detail_list: The list in code that explains detail, when there is one.
-- column detail: What kind it was, as the partner coded it: offence class, test result, sentence type, modality and so on.
-- column detail_label: What the code in detail means, when the code list knows it.
-- check: unique event_id
-- check: not_null event_id, person_id, partner, event_type, event_date
-- check: related person_id -> person.person_id
-- check: accepted partner: police, probation, treatment, housing
-- check: accepted event_type: arrest, drug_test, sentence, requirement_start, requirement_end, prison_release, recall, referral, triage, care_plan, intervention_start, intervention_end, discharge, homelessness_application, duty_start, duty_end, tenancy_start, tenancy_end
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
    SELECT person_id, 'probation', 'requirement_end', end_date, NULL, outcome FROM stg_requirement
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
           NULL, accommodation_at_application
    FROM stg_application
    UNION ALL
    SELECT person_id, 'housing', 'duty_start', start_date, NULL, duty FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'duty_end', end_date, NULL, end_reason FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_start', start_date, NULL, tenancy_type FROM stg_tenancy
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_end', end_date, NULL, end_reason FROM stg_tenancy
)

SELECT row_number() OVER (
           ORDER BY event.person_id, event.event_date, event.event_type, event.detail
       ) AS event_id,
       event.person_id, event.partner, event.event_type, event.event_date,
       event.detail_list, event.detail, code.label AS detail_label
FROM event
LEFT JOIN seed_code AS code ON code.list = event.detail_list AND code.code = event.detail
WHERE event.event_date IS NOT NULL
ORDER BY event_id
