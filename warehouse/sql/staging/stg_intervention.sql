-- One row per treatment intervention, by person, with its episode's dates beside its own.
-- check: unique intervention_key
-- check: not_null person_id, intervention_key, episode_key
-- check: rows = SELECT count(*) FROM treatment_intervention SEMI JOIN treatment_episode USING (episode_key)
SELECT episode.person_id, intervention.intervention_key, intervention.episode_key,
       intervention.modal AS modality,
       coalesce(code.category = 'structured', FALSE) AS is_structured,
       intervention.setting, intervention.refmoddt AS referral_date,
       intervention.faomoddt AS offered_date, intervention.modst AS start_date,
       -- An intervention left open when its episode was closed ended with the episode.
       coalesce(intervention.modend, episode.discharge_date) AS end_date,
       intervention.modexit AS exit_status
FROM treatment_intervention AS intervention
INNER JOIN stg_episode AS episode USING (episode_key)
LEFT JOIN seed_code AS code ON code.list = 'intervention' AND code.code = intervention.modal
