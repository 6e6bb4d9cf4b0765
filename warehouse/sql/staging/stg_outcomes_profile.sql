-- One row per Treatment Outcomes Profile, by person: what the client said of the last 28 days.
-- check: unique outcomes_profile_key
-- check: not_null person_id, outcomes_profile_key, episode_key
-- check: rows = SELECT count(*) FROM treatment_outcomes_profile SEMI JOIN treatment_episode USING (episode_key)
SELECT episode.person_id, profile.outcomes_profile_key, profile.episode_key,
       profile.topdate AS profile_date, profile.trstage AS stage,
       profile.alcuse AS alcohol_days, profile.opiuse AS opiate_days,
       profile.crause AS crack_days, profile.cocause AS cocaine_days,
       profile.amphuse AS amphetamine_days, profile.cannuse AS cannabis_days,
       profile.otdrguse AS other_drug_days, profile.ivdrguse AS injecting_days,
       profile.sharing = 'Y' AS has_shared_equipment,
       profile.shotheft AS shop_theft_days, profile.drgsell AS drug_selling_days,
       profile.oththeft = 'Y' AS has_other_theft, profile.assault = 'Y' AS has_assault,
       profile.psyhstat AS psychological_health, profile.phstat AS physical_health,
       profile.pwork AS work_days, profile.educat AS education_days,
       profile.acuthpbm = 'Y' AS has_acute_housing_problem, profile.hrisk = 'Y' AS has_eviction_risk,
       profile.quallife AS quality_of_life
FROM treatment_outcomes_profile AS profile
INNER JOIN stg_episode AS episode USING (episode_key)
