-- One row per treatment journey: what the person said when they came (of the journey's first
-- episode) and what was recorded of hepatitis (the latest of the journey's episodes that says).
-- An answer that was declined, not known or not recorded is missing.
-- check: unique person_id, journey_number
-- check: not_null person_id, journey_number, start_date, referral_route
-- check: rows = SELECT count(*) FROM int_treatment_journey
WITH episode AS (
    SELECT belongs.journey_number, stg_episode.*, substance.substances
    FROM int_episode_journey AS belongs
    INNER JOIN stg_episode USING (person_id, episode_key)
    INNER JOIN int_episode_substance AS substance USING (episode_key)
),

first_episode AS (
    SELECT *
    FROM episode
    QUALIFY row_number() OVER (
        PARTITION BY person_id, journey_number ORDER BY triage_date, episode_key
    ) = 1
),

screened AS (
    SELECT person_id, journey_number,
           arg_max(injecting_status, (triage_date, episode_key))
               FILTER (injecting_status <> 'Z') AS injecting_status,
           arg_max(hepatitis_b_status, (triage_date, episode_key)) AS hepatitis_b,
           arg_max(hepatitis_c_status, (triage_date, episode_key)) AS hepatitis_c,
           bool_or(hepatitis_b_vaccination IS NOT NULL) AS is_vaccinated
    FROM episode
    GROUP BY person_id, journey_number
)

SELECT journey.person_id, journey.journey_number, journey.start_date,
       journey.structured_start_date, journey.structured_start_date IS NOT NULL AS is_structured,
       journey.substance_group, journey.opiate_or_crack, journey.is_effective,
       coalesce(referral.label, 'Other or not known') AS referral_source,
       coalesce(referral.category, 'other or not known') AS referral_route,
       first_episode.substances,
       CASE
           WHEN first_episode.children_living_with IN ('all', 'some', 'other') THEN TRUE
           WHEN first_episode.children_living_with = 'none' THEN FALSE
       END AS has_children,
       CASE first_episode.mental_health_need WHEN 'Y' THEN TRUE WHEN 'N' THEN FALSE END
           AS has_mental_health_need,
       CASE
           WHEN first_episode.mental_health_treatment IN ('none', 'declined') THEN FALSE
           WHEN first_episode.mental_health_treatment <> 'not_known' THEN TRUE
       END AS has_mental_health_treatment,
       screened.injecting_status IN ('C', 'P') AS has_injected,
       -- Somebody immune already (C, E) has nothing to be offered.
       CASE WHEN screened.hepatitis_b IN ('A', 'B') THEN TRUE
           WHEN screened.hepatitis_b = 'D' THEN FALSE END AS is_offered_hepatitis_b,
       screened.hepatitis_b = 'A' AS has_accepted_hepatitis_b,
       screened.is_vaccinated AS is_vaccinated_hepatitis_b,
       CASE WHEN screened.hepatitis_c IN ('A', 'B') THEN TRUE
           WHEN screened.hepatitis_c = 'D' THEN FALSE END AS is_offered_hepatitis_c,
       screened.hepatitis_c = 'A' AS has_accepted_hepatitis_c
FROM int_treatment_journey AS journey
INNER JOIN first_episode USING (person_id, journey_number)
INNER JOIN screened USING (person_id, journey_number)
LEFT JOIN seed_code AS referral
    ON referral.list = 'referral' AND referral.code = first_episode.referral_source
