-- One row per treatment episode, by person. A discharge before the triage is not believed: the episode ends on the day of the triage.
-- check: unique episode_key
-- check: not_null person_id, episode_key
-- check: holds discharge_date IS NULL OR triage_date IS NULL OR discharge_date >= triage_date
-- check: rows = SELECT count(*) FROM treatment_episode
SELECT record_person.person_id, episode.episode_key, episode.agncy AS agency,
       episode.service_type,
       episode.refld AS referral_date, episode.triaged AS triage_date,
       episode.cplandt AS care_plan_date,
       CASE WHEN episode.disd < episode.triaged THEN episode.triaged ELSE episode.disd END
           AS discharge_date,
       coalesce(episode.disd < episode.triaged, FALSE) AS is_discharged_early,
       episode.disrsn AS discharge_reason, episode.rfls AS referral_source,
       episode.drug1, episode.drug2, episode.drug3, episode.route,
       episode.accmneed AS accommodation_need, episode.injstat AS injecting_status,
       episode.religion, episode.sexual_orientation, episode.disability, episode.employment,
       episode.children_living_with, episode.mental_health_need, episode.mental_health_treatment,
       episode.hepbstat AS hepatitis_b_status, episode.hepcstat AS hepatitis_c_status,
       episode.hepbvac AS hepatitis_b_vaccination
FROM treatment_episode AS episode
LEFT JOIN record_person USING (record_id)
