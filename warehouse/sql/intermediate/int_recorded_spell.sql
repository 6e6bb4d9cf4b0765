-- One row per period under something, with its days as recorded: an end may be missing, lie ahead,
-- or lie before the start. A household's duties and placements are told of each of its people once,
-- however often linkage finds the same person among them.
-- check: unique spell_type, spell_key, person_id, start_date, begins_with
-- check: not_null person_id, partner, spell_type, spell_key
-- check: accepted spell_type: supervision, licence, custody, structured_treatment, community_treatment, treatment_journey, structured_journey, secure_treatment, caseload, homelessness_duty, temporary_accommodation, tenancy, intensive_programme
-- check: rows = SELECT (SELECT count(*) FROM stg_sentence WHERE sentence_category IS DISTINCT FROM 'custody') + (SELECT count(*) FROM stg_prison_release SEMI JOIN int_custody_period USING (sentence_key)) + (SELECT count(*) FROM int_custody_period) + (SELECT count(*) + count(*) FILTER (setting IS DISTINCT FROM 'secure') FROM stg_intervention WHERE is_structured) + (SELECT count(*) + count(structured_start_date) FROM int_treatment_journey) + (SELECT count(DISTINCT (duty_key, person_id)) FROM stg_duty) + (SELECT count(DISTINCT (temporary_accommodation_key, person_id)) FROM stg_temporary_accommodation) + (SELECT count(*) FROM stg_tenancy) + (SELECT count(*) FROM stg_intensive_programme) + (SELECT count(*) FROM stg_secure_treatment) + (SELECT count(*) FROM stg_cj_caseload)
SELECT person_id, 'probation' AS partner, 'supervision' AS spell_type, sentence_key AS spell_key,
       sentence_date AS start_date, sentence_end_date AS recorded_end,
       'sentence' AS detail_list, sentence_type AS detail,
       NULL AS begins_with, NULL::BOOLEAN AS ended_well
FROM stg_sentence
WHERE sentence_category IS DISTINCT FROM 'custody'
UNION ALL
-- On licence until recalled, else until the licence or the sentence ends.
SELECT sentence.person_id, 'probation', 'licence', release.release_key, release.release_date,
       coalesce(
           release.recall_date, release.licence_expiry_date, release.sentence_expiry_date,
           sentence.sentence_end_date
       ),
       'sentence', sentence.sentence_type, NULL, NULL
FROM stg_prison_release AS release
INNER JOIN stg_sentence AS sentence USING (sentence_key)
SEMI JOIN int_custody_period USING (sentence_key)
UNION ALL
SELECT person_id, 'probation', 'custody', sentence_key, start_date, recorded_end,
       'sentence', sentence_type, begins_with, NULL
FROM int_custody_period
UNION ALL
SELECT person_id, 'treatment', 'structured_treatment', intervention_key, start_date, end_date,
       'intervention', modality, NULL, NULL
FROM stg_intervention
WHERE is_structured
UNION ALL
-- The same again outside a secure setting, for what care in the community is asked of.
SELECT person_id, 'treatment', 'community_treatment', intervention_key, start_date, end_date,
       'intervention', modality, NULL, NULL
FROM stg_intervention
WHERE is_structured AND setting IS DISTINCT FROM 'secure'
UNION ALL
SELECT person_id, 'treatment', 'treatment_journey', journey_number, start_date, end_date,
       'discharge', end_reason, NULL, NULL
FROM int_treatment_journey
UNION ALL
-- Staying is to the discharge, as effective treatment is counted, not to the last intervention.
SELECT person_id, 'treatment', 'structured_journey', journey_number, structured_start_date,
       end_date, 'discharge', end_reason, NULL, is_successful_completion
FROM int_treatment_journey
WHERE structured_start_date IS NOT NULL
UNION ALL
SELECT DISTINCT person_id, 'housing', 'homelessness_duty', duty_key, start_date, end_date,
       'duty', duty, NULL, NULL::BOOLEAN
FROM stg_duty
UNION ALL
SELECT DISTINCT person_id, 'housing', 'temporary_accommodation', temporary_accommodation_key,
       start_date, end_date, 'temporary_accommodation_type', accommodation_type, NULL, NULL::BOOLEAN
FROM stg_temporary_accommodation
UNION ALL
SELECT person_id, 'housing', 'tenancy', tenancy_key, start_date, end_date,
       'tenancy_type', tenancy_type, NULL, NULL
FROM stg_tenancy
UNION ALL
SELECT person_id, 'police', 'intensive_programme', intensive_programme_key, start_date, end_date,
       'programme', programme, NULL, NULL
FROM stg_intensive_programme
UNION ALL
SELECT person_id, 'treatment', 'secure_treatment', secure_treatment_key, start_date, end_date,
       NULL, prison, NULL, NULL
FROM stg_secure_treatment
UNION ALL
SELECT person_id, 'treatment', 'caseload', cj_caseload_key, taken_on_date, closed_date,
       'caseload_close_reason', close_reason, NULL, NULL
FROM stg_cj_caseload
