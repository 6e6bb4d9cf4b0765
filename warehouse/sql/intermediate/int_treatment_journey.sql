-- One row per treatment journey of a person, with its structured treatment and how it ended.
-- check: unique person_id, journey_number
-- check: holds end_date IS NULL OR end_date >= start_date
-- check: holds is_effective IS NULL OR structured_start_date IS NOT NULL
WITH episode AS (
    SELECT journey.person_id, journey.journey_number, stg_episode.*
               EXCLUDE (person_id),
           int_episode_substance.substance_group
    FROM int_episode_journey AS journey
    INNER JOIN stg_episode USING (episode_key)
    LEFT JOIN int_episode_substance USING (episode_key)
),

whole AS (
    SELECT person_id, journey_number,
           min(triage_date) AS start_date,
           CASE WHEN bool_and(discharge_date IS NOT NULL) THEN max(discharge_date) END AS end_date,
           count(*) AS episodes,
           arg_max(discharge_reason, (discharge_date, episode_key)) AS last_reason,
           CASE
               WHEN bool_or(substance_group = 'Opiate') THEN 'Opiate'
               WHEN bool_or(substance_group = 'Non-opiate & alcohol')
                   OR (bool_or(substance_group = 'Non-opiate only')
                       AND bool_or(substance_group = 'Alcohol only'))
                   THEN 'Non-opiate & alcohol'
               WHEN bool_or(substance_group = 'Non-opiate only') THEN 'Non-opiate only'
               WHEN bool_or(substance_group = 'Alcohol only') THEN 'Alcohol only'
           END AS substance_group,
           arg_min(referral_source, (triage_date, episode_key)) AS referral_source
    FROM episode
    GROUP BY person_id, journey_number
),

structured AS (
    SELECT journey.person_id, journey.journey_number,
           min(intervention.start_date) AS structured_start_date,
           CASE
               WHEN bool_and(intervention.end_date IS NOT NULL) THEN max(intervention.end_date)
           END AS structured_end_date
    FROM stg_intervention AS intervention
    INNER JOIN int_episode_journey AS journey USING (episode_key)
    WHERE intervention.is_structured AND intervention.start_date IS NOT NULL
    GROUP BY journey.person_id, journey.journey_number
),

described AS (
    SELECT whole.person_id, whole.journey_number, whole.start_date, whole.end_date, whole.episodes,
           whole.substance_group, whole.referral_source,
           CASE WHEN whole.end_date IS NOT NULL THEN whole.last_reason END AS end_reason,
           whole.end_date IS NOT NULL AND coalesce(code.category = 'success', FALSE)
               AS is_successful_completion,
           structured.structured_start_date, structured.structured_end_date,
           coalesce(structured.structured_end_date, int_as_at.treatment)
               - structured.structured_start_date AS structured_days
    FROM whole
    CROSS JOIN int_as_at
    LEFT JOIN structured USING (person_id, journey_number)
    LEFT JOIN seed_code AS code
        ON code.list = 'discharge' AND code.code = whole.last_reason
)

SELECT *,
       CASE
           WHEN structured_start_date IS NULL THEN NULL
           WHEN structured_days >= policy('effective') OR is_successful_completion THEN TRUE
           WHEN structured_end_date IS NULL THEN NULL -- still open: too early to say
           ELSE FALSE
       END AS is_effective
FROM described
