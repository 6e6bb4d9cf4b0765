-- One row per date that a partner recorded of a person, those that lie ahead included.
-- check: not_null person_id, partner, event_type
-- check: holds event_type IN (SELECT code FROM seed_code WHERE list = 'event')
-- check: holds (SELECT count(*) FROM int_event WHERE partner = 'police') = (SELECT (SELECT count(arrest_date) + count(release_date) + count(outcome_date) FROM stg_custody) + (SELECT count(test_date) FROM stg_drug_test) + (SELECT count(referral_date) + count(start_date) + count(end_date) FROM stg_intensive_programme) + (SELECT count(death_date) FROM stg_suspected_drug_death))
-- check: holds (SELECT count(*) FROM int_event WHERE partner = 'probation') = (SELECT (SELECT count(sentence_date) FROM stg_sentence) + (SELECT count(start_date) + count(end_date) FROM stg_requirement) + (SELECT count(enforcement_date) FROM stg_enforcement) + (SELECT count(start_date) + count(end_date) FROM stg_accommodation) + (SELECT count(release_date) + count(recall_date) FROM stg_prison_release))
-- check: holds (SELECT count(*) FROM int_event WHERE partner = 'treatment') = (SELECT (SELECT count(referral_date) + count(triage_date) + count(care_plan_date) + count(discharge_date) FROM stg_episode) + (SELECT count(referral_date) + count(offered_date) + count(start_date) + count(end_date) FROM stg_intervention) + (SELECT count(profile_date) FROM stg_outcomes_profile) + (SELECT count(start_date) + count(end_date) FROM stg_secure_treatment) + (SELECT count(referral_date) + count(first_seen_date) FROM stg_transfer) + (SELECT count(initial_assessment_date) + count(assessed_date) FROM stg_cj_assessment) + (SELECT count(taken_on_date) + count(closed_date) FROM stg_cj_caseload) + (SELECT count(referral_date) + count(reported_date) FROM stg_prison_referral))
-- check: holds (SELECT count(*) FROM int_event WHERE partner = 'housing') = (SELECT (SELECT count(application_date) + count(main_duty_decision_date) FROM stg_application) + (SELECT count(start_date) + count(end_date) FROM stg_duty) + (SELECT count(start_date) + count(end_date) FROM stg_temporary_accommodation) + (SELECT count(start_date) + count(end_date) FROM stg_tenancy) + (SELECT count(sighting_date) FROM stg_rough_sleeping))
WITH event AS (
    SELECT person_id, 'police' AS partner, 'arrest' AS event_type, arrest_date AS event_date,
           'offence_class' AS detail_list, offence_class AS detail
    FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', 'custody_release', release_date, NULL, NULL FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', 'police_outcome', outcome_date, 'police_outcome', outcome
    FROM stg_custody
    UNION ALL
    SELECT person_id, 'police', 'drug_test', test_date, 'drug_test', result FROM stg_drug_test
    UNION ALL
    SELECT person_id, 'police', 'programme_referral', referral_date, 'programme', programme
    FROM stg_intensive_programme
    UNION ALL
    SELECT person_id, 'police', 'programme_start', start_date, 'programme', programme
    FROM stg_intensive_programme
    UNION ALL
    SELECT person_id, 'police', 'programme_end', end_date, 'programme_end_reason', end_reason
    FROM stg_intensive_programme
    UNION ALL
    SELECT person_id, 'police', 'suspected_drug_death', death_date, 'death_status', death_status
    FROM stg_suspected_drug_death
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
    SELECT person_id, 'probation', 'enforcement', enforcement_date, 'enforcement',
           enforcement_type
    FROM stg_enforcement
    UNION ALL
    SELECT person_id, 'probation', 'accommodation_start', start_date, 'accommodation',
           accommodation_type
    FROM stg_accommodation
    UNION ALL
    SELECT person_id, 'probation', 'accommodation_end', end_date, 'accommodation',
           accommodation_type
    FROM stg_accommodation
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
    SELECT person_id, 'treatment', 'intervention_referral', referral_date,
           'intervention', modality
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'treatment', 'intervention_offer', offered_date, 'intervention', modality
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'treatment', 'intervention_start', start_date, 'intervention', modality
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'treatment', 'intervention_end', end_date, 'intervention_exit', exit_status
    FROM stg_intervention
    UNION ALL
    SELECT person_id, 'treatment', 'outcomes_profile', profile_date, 'top_stage', stage
    FROM stg_outcomes_profile
    UNION ALL
    SELECT person_id, 'treatment', 'secure_treatment_start', start_date, 'substance', drug1
    FROM stg_secure_treatment
    UNION ALL
    SELECT person_id, 'treatment', 'secure_treatment_end', end_date, 'discharge', end_reason
    FROM stg_secure_treatment
    UNION ALL
    SELECT person_id, 'treatment', 'transfer_referral', referral_date, NULL, NULL
    FROM stg_transfer
    UNION ALL
    SELECT person_id, 'treatment', 'transfer_seen', first_seen_date, NULL, NULL
    FROM stg_transfer
    UNION ALL
    SELECT person_id, 'treatment', 'initial_assessment', initial_assessment_date, NULL, NULL
    FROM stg_cj_assessment
    UNION ALL
    SELECT person_id, 'treatment', 'cj_assessment', assessed_date, NULL, NULL
    FROM stg_cj_assessment
    UNION ALL
    SELECT person_id, 'treatment', 'caseload_start', taken_on_date, NULL, NULL
    FROM stg_cj_caseload
    UNION ALL
    SELECT person_id, 'treatment', 'caseload_end', closed_date, 'caseload_close_reason',
           close_reason
    FROM stg_cj_caseload
    UNION ALL
    SELECT person_id, 'treatment', 'prison_referral', referral_date, NULL, NULL
    FROM stg_prison_referral
    UNION ALL
    SELECT person_id, 'treatment', 'prison_referral_report', reported_date,
           'prison_referral_outcome', referral_outcome
    FROM stg_prison_referral
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_application', application_date,
           'accommodation_at_application', accommodation_at_application
    FROM stg_application
    UNION ALL
    SELECT person_id, 'housing', 'main_duty_decision', main_duty_decision_date,
           'main_duty_decision', main_duty_decision
    FROM stg_application
    UNION ALL
    SELECT person_id, 'housing', 'duty_start', start_date, 'duty', duty FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'duty_end', end_date, 'duty_end_reason', end_reason FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'temporary_accommodation_start', start_date,
           'temporary_accommodation_type', accommodation_type
    FROM stg_temporary_accommodation
    UNION ALL
    SELECT person_id, 'housing', 'temporary_accommodation_end', end_date,
           'temporary_accommodation_type', accommodation_type
    FROM stg_temporary_accommodation
    UNION ALL
    SELECT person_id, 'housing', 'rough_sleeping', sighting_date, NULL, NULL
    FROM stg_rough_sleeping
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_start', start_date, 'tenancy_type', tenancy_type
    FROM stg_tenancy
    UNION ALL
    SELECT person_id, 'housing', 'tenancy_end', end_date, 'tenancy_end_reason', end_reason
    FROM stg_tenancy
)

SELECT event.* REPLACE (coalesce(untold.told_as, event.detail) AS detail),
       kind."rank"::INTEGER AS event_rank, code.label AS detail_label,
       coalesce(event.event_date <= extract.data_as_at, FALSE) AS has_happened
FROM event
LEFT JOIN extract USING (partner)
LEFT JOIN seed_code AS kind ON kind.list = 'event' AND kind.code = event.event_type
LEFT JOIN seed_untold_reason AS untold
    ON untold.list = event.detail_list AND untold.code = event.detail AND NOT deaths_are_told()
LEFT JOIN seed_code AS code
    ON code.list = event.detail_list AND code.code = coalesce(untold.told_as, event.detail)
WHERE event.event_date IS NOT NULL
