-- One row per treatment journey of a person, with its structured treatment and how it ended.
-- Effective is as NDTMS has it: 84 days from the journey's start to its discharge, or a successful
-- completion sooner, of a journey with structured treatment. structured_days are those of stretches
-- that have ended, ended_days, and of the one that is open, if any, since open_since.
-- check: unique person_id, journey_number
-- check: holds (open_since IS NULL) = (structured_start_date IS NULL OR structured_end_date IS NOT NULL)
-- check: holds end_date IS NULL OR end_date >= start_date
-- check: holds is_effective IS NULL OR structured_start_date IS NOT NULL
-- check: holds NOT is_successful_completion OR structured_start_date IS NOT NULL
-- check: holds structured_days IS NULL OR structured_days >= 0
WITH episode AS (
    SELECT journey.person_id, journey.journey_number, stg_episode.*
               EXCLUDE (person_id),
           int_episode_substance.substance_group, int_episode_substance.is_opiate_or_crack
    FROM int_episode_journey AS journey
    INNER JOIN stg_episode USING (episode_key)
    LEFT JOIN int_episode_substance USING (episode_key)
),

whole AS (
    SELECT person_id, journey_number,
           min(triage_date) AS start_date,
           CASE WHEN bool_and(discharge_date IS NOT NULL) THEN max(discharge_date) END AS end_date,
           count(*) AS episodes,
           arg_max_null(discharge_reason, (discharge_date, episode_key)) AS last_reason,
           CASE
               WHEN bool_or(substance_group = 'Opiate') THEN 'Opiate'
               WHEN bool_or(substance_group = 'Non-opiate & alcohol')
                   OR (bool_or(substance_group = 'Non-opiate only')
                       AND bool_or(substance_group = 'Alcohol only'))
                   THEN 'Non-opiate & alcohol'
               WHEN bool_or(substance_group = 'Non-opiate only') THEN 'Non-opiate only'
               WHEN bool_or(substance_group = 'Alcohol only') THEN 'Alcohol only'
           END AS substance_group,
           bool_or(is_opiate_or_crack) AS is_opiate_or_crack,
           arg_min_null(referral_source, (triage_date, episode_key)) AS referral_source
    FROM episode
    GROUP BY person_id, journey_number
),

taken AS (
    SELECT journey.person_id, journey.journey_number, intervention.start_date,
           intervention.end_date,
           greatest(coalesce(intervention.end_date, int_as_at.treatment), intervention.start_date)
               AS reached,
           intervention.setting IS DISTINCT FROM 'secure' AS is_community
    FROM stg_intervention AS intervention
    INNER JOIN int_episode_journey AS journey USING (episode_key)
    CROSS JOIN int_as_at
    WHERE intervention.is_structured AND intervention.start_date IS NOT NULL
),

-- Interventions that overlap, or follow each other from one day to the next, are one stretch.
marked AS (
    SELECT *,
           start_date - max(reached) OVER (
               PARTITION BY person_id, journey_number ORDER BY start_date, reached
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) > 1 AS is_after_gap
    FROM taken
),

stretch AS (
    SELECT person_id, journey_number, max(reached) - min(start_date) AS days,
           CASE WHEN bool_or(end_date IS NULL) THEN min(start_date) END AS open_since
    FROM (
        SELECT *,
               count(*) FILTER (is_after_gap) OVER (
                   PARTITION BY person_id, journey_number ORDER BY start_date, reached
                   ROWS UNBOUNDED PRECEDING
               ) AS stretch_number
        FROM marked
    )
    GROUP BY person_id, journey_number, stretch_number
),

spent AS (
    SELECT person_id, journey_number, sum(days)::BIGINT AS structured_days,
           coalesce(sum(days) FILTER (open_since IS NULL), 0)::BIGINT AS ended_days,
           max(open_since) AS open_since
    FROM stretch
    GROUP BY person_id, journey_number
),

structured AS (
    SELECT person_id, journey_number, min(start_date) AS structured_start_date,
           CASE WHEN bool_and(end_date IS NOT NULL) THEN max(reached) END AS structured_end_date,
           bool_or(is_community) AS is_community
    FROM taken
    GROUP BY person_id, journey_number
),

described AS (
    SELECT whole.person_id, whole.journey_number, whole.start_date, whole.end_date, whole.episodes,
           whole.substance_group, whole.referral_source,
           CASE WHEN whole.end_date IS NOT NULL THEN whole.last_reason END AS end_reason,
           whole.end_date IS NOT NULL
               AND structured.structured_start_date IS NOT NULL
               AND coalesce(code.category = 'success', FALSE) AS is_successful_completion,
           coalesce(whole.end_date, int_as_at.treatment) - whole.start_date AS journey_days,
           structured.structured_start_date, structured.structured_end_date,
           spent.structured_days, spent.ended_days, spent.open_since,
           whole.is_opiate_or_crack, coalesce(structured.is_community, FALSE) AS is_community,
           CASE WHEN whole.end_date IS NOT NULL THEN code.category END AS end_kind,
           lead(whole.start_date) OVER (
               PARTITION BY whole.person_id ORDER BY whole.journey_number
           ) AS next_start_date,
           death.death_date
    FROM whole
    CROSS JOIN int_as_at
    LEFT JOIN structured USING (person_id, journey_number)
    LEFT JOIN spent USING (person_id, journey_number)
    -- What a metric of deaths counts is what was reported.
    LEFT JOIN int_death_report AS death USING (person_id)
    LEFT JOIN seed_code AS code
        ON code.list = 'discharge' AND code.code = whole.last_reason
)

SELECT *,
       CASE WHEN is_opiate_or_crack THEN 'Opiate or crack' ELSE 'Neither' END AS opiate_or_crack,
       CASE
           WHEN structured_start_date IS NULL THEN NULL
           WHEN journey_days >= policy('effective') OR is_successful_completion THEN TRUE
           WHEN end_date IS NULL THEN NULL -- still open: too early to say
           ELSE FALSE
       END AS is_effective
FROM described
