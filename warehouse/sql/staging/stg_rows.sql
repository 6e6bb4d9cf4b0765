-- One row per table that a partner may send: how many rows of it are staged, nought where none was sent.
-- check: unique partner, table_name
-- check: not_null partner, table_name, rows_staged
-- check: rows = SELECT 23
SELECT 'police' AS partner, 'custody' AS table_name, count(*) AS rows_staged FROM police_custody
UNION ALL
SELECT 'police', 'drug_test', count(*) FROM police_drug_test
UNION ALL
SELECT 'police', 'intensive_programme', count(*) FROM police_intensive_programme
UNION ALL
SELECT 'police', 'suspected_drug_death', count(*) FROM police_suspected_drug_death
UNION ALL
SELECT 'probation', 'sentence', count(*) FROM probation_sentence
UNION ALL
SELECT 'probation', 'requirement', count(*) FROM probation_requirement
UNION ALL
SELECT 'probation', 'release', count(*) FROM probation_release
UNION ALL
SELECT 'probation', 'enforcement', count(*) FROM probation_enforcement
UNION ALL
SELECT 'probation', 'accommodation', count(*) FROM probation_accommodation
UNION ALL
SELECT 'treatment', 'episode', count(*) FROM treatment_episode
UNION ALL
SELECT 'treatment', 'intervention', count(*) FROM treatment_intervention
UNION ALL
SELECT 'treatment', 'outcomes_profile', count(*) FROM treatment_outcomes_profile
UNION ALL
SELECT 'treatment', 'secure_treatment', count(*) FROM treatment_secure_treatment
UNION ALL
SELECT 'treatment', 'transfer', count(*) FROM treatment_transfer
UNION ALL
SELECT 'treatment', 'cj_assessment', count(*) FROM treatment_cj_assessment
UNION ALL
SELECT 'treatment', 'cj_caseload', count(*) FROM treatment_cj_caseload
UNION ALL
SELECT 'treatment', 'prison_referral', count(*) FROM treatment_prison_referral
UNION ALL
SELECT 'housing', 'application', count(*) FROM housing_application
UNION ALL
SELECT 'housing', 'person', count(*) FROM housing_person
UNION ALL
SELECT 'housing', 'duty', count(*) FROM housing_duty
UNION ALL
SELECT 'housing', 'tenancy', count(*) FROM housing_tenancy
UNION ALL
SELECT 'housing', 'temporary_accommodation', count(*) FROM housing_temporary_accommodation
UNION ALL
SELECT 'housing', 'rough_sleeping', count(*) FROM housing_rough_sleeping
