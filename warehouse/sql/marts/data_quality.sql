-- One row per table that a partner sends: every row that was staged is either used or left out for a reason that is named here. What is wrong with rows that are used is in data_issue.
-- column partner: The partner.
-- column table_name: The table of its extract.
-- column rows_staged: Rows that passed validation and are in the staging store; none of suspected_drug_death where no metric of deaths is asked for, as they are then not read.
-- column rows_used: Of these, rows that the release is made from.
-- column rows_unplaced: Rows left out because nothing says whose they are: the row that names the person was rejected or not sent.
-- column rows_undated: Rows left out of everything that is counted by day, because they have none; a person on an application is dated by it.
-- column rows_ahead: Rows left out because they are dated after the partner's extract.
-- column people: Distinct people behind the rows that were placed; of a row of several people, one of them.
-- column data_as_at: The day up to which the partner's extract is complete; missing when it has sent none.
-- column extract_rows: Rows the partner sent over all its tables, rejected ones included.
-- column extract_run_id: The run that brought the extract.
-- check: unique partner, table_name
-- check: not_null partner, table_name, rows_staged, rows_used, rows_unplaced, rows_undated, rows_ahead, people
-- check: rows = SELECT 23
-- check: holds rows_staged = rows_used + rows_unplaced + rows_undated + rows_ahead
WITH told (partner, table_name, dated, person_id) AS (
    -- What is told of a household is one row, however many of its people are told of.
    SELECT 'police', 'custody', arrest_date, person_id FROM stg_custody
    UNION ALL
    SELECT 'police', 'drug_test', test_date, person_id FROM stg_drug_test
    UNION ALL
    SELECT 'police', 'intensive_programme', start_date, person_id FROM stg_intensive_programme
    UNION ALL
    SELECT 'police', 'suspected_drug_death', death_date, person_id FROM stg_suspected_drug_death
    UNION ALL
    SELECT 'probation', 'sentence', sentence_date, person_id FROM stg_sentence
    UNION ALL
    SELECT 'probation', 'requirement', start_date, person_id FROM stg_requirement
    UNION ALL
    SELECT 'probation', 'release', release_date, person_id FROM stg_prison_release
    UNION ALL
    SELECT 'probation', 'enforcement', enforcement_date, person_id FROM stg_enforcement
    UNION ALL
    SELECT 'probation', 'accommodation', start_date, person_id FROM stg_accommodation
    UNION ALL
    SELECT 'treatment', 'episode', coalesce(referral_date, triage_date), person_id FROM stg_episode
    UNION ALL
    SELECT 'treatment', 'intervention', coalesce(referral_date, offered_date, start_date), person_id FROM stg_intervention
    UNION ALL
    SELECT 'treatment', 'outcomes_profile', profile_date, person_id FROM stg_outcomes_profile
    UNION ALL
    SELECT 'treatment', 'secure_treatment', start_date, person_id FROM stg_secure_treatment
    UNION ALL
    SELECT 'treatment', 'transfer', release_date, person_id FROM stg_transfer
    UNION ALL
    SELECT 'treatment', 'cj_assessment', initial_assessment_date, person_id FROM stg_cj_assessment
    UNION ALL
    SELECT 'treatment', 'cj_caseload', taken_on_date, person_id FROM stg_cj_caseload
    UNION ALL
    SELECT 'treatment', 'prison_referral', referral_date, person_id FROM stg_prison_referral
    UNION ALL
    SELECT 'housing', 'application', any_value(application_date), min(person_id) FROM stg_application SEMI JOIN housing_application USING (case_key)
    GROUP BY case_key
    UNION ALL
    SELECT 'housing', 'person', application_date, person_id FROM stg_application
    UNION ALL
    SELECT 'housing', 'duty', any_value(start_date), min(person_id) FROM stg_duty
    GROUP BY duty_key
    UNION ALL
    SELECT 'housing', 'tenancy', start_date, person_id FROM stg_tenancy
    UNION ALL
    SELECT 'housing', 'temporary_accommodation', any_value(start_date), min(person_id) FROM stg_temporary_accommodation
    GROUP BY temporary_accommodation_key
    UNION ALL
    SELECT 'housing', 'rough_sleeping', sighting_date, person_id FROM stg_rough_sleeping
),

unplaced (partner, table_name, rows_unplaced) AS (
    SELECT 'police', 'drug_test', count(*) FROM police_drug_test
    ANTI JOIN police_custody USING (custody_key)
    UNION ALL
    SELECT 'probation', 'requirement', count(*) FROM probation_requirement
    ANTI JOIN probation_sentence USING (sentence_key)
    UNION ALL
    SELECT 'probation', 'release', count(*) FROM probation_release
    ANTI JOIN probation_sentence USING (sentence_key)
    UNION ALL
    SELECT 'probation', 'enforcement', count(*) FROM probation_enforcement
    ANTI JOIN probation_sentence USING (sentence_key)
    UNION ALL
    SELECT 'probation', 'accommodation', count(*) FROM probation_accommodation
    ANTI JOIN probation_sentence USING (sentence_key)
    UNION ALL
    SELECT 'treatment', 'intervention', count(*) FROM treatment_intervention
    ANTI JOIN treatment_episode USING (episode_key)
    UNION ALL
    SELECT 'treatment', 'outcomes_profile', count(*) FROM treatment_outcomes_profile
    ANTI JOIN treatment_episode USING (episode_key)
    UNION ALL
    SELECT 'treatment', 'transfer', count(*) FROM treatment_transfer
    ANTI JOIN treatment_secure_treatment USING (secure_treatment_key)
    UNION ALL
    SELECT 'treatment', 'cj_caseload', count(*) FROM treatment_cj_caseload
    ANTI JOIN treatment_cj_assessment USING (cj_assessment_key)
    UNION ALL
    SELECT 'housing', 'application', count(*) FROM housing_application
    ANTI JOIN housing_person USING (case_key)
    UNION ALL
    SELECT 'housing', 'duty', count(*) FROM housing_duty
    ANTI JOIN housing_person USING (case_key)
    UNION ALL
    SELECT 'housing', 'tenancy', count(*) FROM housing_tenancy
    ANTI JOIN housing_person USING (person_key)
    UNION ALL
    SELECT 'housing', 'temporary_accommodation', count(*) FROM housing_temporary_accommodation
    ANTI JOIN housing_person USING (case_key)
),

counted AS (
    SELECT told.partner, told.table_name,
           count(*) FILTER (told.dated <= extract.data_as_at) AS rows_used,
           count(*) FILTER (told.dated IS NULL) AS rows_undated,
           count(*) FILTER (told.dated > extract.data_as_at) AS rows_ahead,
           count(DISTINCT told.person_id) AS people
    FROM told
    LEFT JOIN extract USING (partner)
    GROUP BY told.partner, told.table_name
)

SELECT staged.partner, staged.table_name, staged.rows_staged,
       coalesce(counted.rows_used, 0) AS rows_used,
       coalesce(unplaced.rows_unplaced, 0) AS rows_unplaced,
       coalesce(counted.rows_undated, 0) AS rows_undated,
       coalesce(counted.rows_ahead, 0) AS rows_ahead,
       coalesce(counted.people, 0) AS people,
       extract.data_as_at, extract."rows" AS extract_rows, extract.run_id AS extract_run_id
FROM stg_rows AS staged
LEFT JOIN counted USING (partner, table_name)
LEFT JOIN unplaced USING (partner, table_name)
LEFT JOIN extract USING (partner)
ORDER BY staged.partner, staged.table_name
