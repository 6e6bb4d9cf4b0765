-- One row per record by which treatment has met a person: the day, and of an episode the days of its
-- assessment and discharge, between which it is contact with mainstream treatment. Treatment in
-- prison, the criminal-justice team and a referral from a prison make a person known, no more.
-- check: not_null person_id
-- check: rows = SELECT (SELECT count(*) FROM stg_episode) + (SELECT count(*) FROM stg_secure_treatment) + (SELECT count(*) FROM stg_cj_assessment) + (SELECT count(*) FROM stg_prison_referral)
SELECT person_id, least(referral_date, triage_date) AS met_date, triage_date, discharge_date
FROM stg_episode
UNION ALL
SELECT person_id, start_date, NULL, NULL FROM stg_secure_treatment
UNION ALL
SELECT person_id, least(initial_assessment_date, assessed_date), NULL, NULL FROM stg_cj_assessment
UNION ALL
SELECT person_id, referral_date, NULL, NULL FROM stg_prison_referral
