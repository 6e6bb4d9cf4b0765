-- One row per stretch of a structured treatment journey between two outcomes profiles: what was
-- known of the person from the day of the one to the day before the other. The last in a period is
-- how the person stood at its end.
-- check: unique person_id, journey_number, from_date
-- check: not_null person_id, journey_number, from_date
-- check: holds to_date IS NULL OR to_date >= from_date
-- check: holds (SELECT count(DISTINCT (person_id, journey_number)) FROM int_treatment_standing) = (SELECT count(structured_start_date) FROM int_treatment_journey)
WITH journey AS (
    SELECT journey.*, need.has_housing_need
    FROM int_treatment_journey AS journey
    LEFT JOIN (
        SELECT belongs.person_id, belongs.journey_number,
               arg_max(episode.accommodation_need IN ('1', '2'), (episode.triage_date, episode_key))
                   FILTER (episode.accommodation_need IS NOT NULL) AS has_housing_need
        FROM int_episode_journey AS belongs
        INNER JOIN stg_episode AS episode USING (episode_key)
        GROUP BY belongs.person_id, belongs.journey_number
    ) AS need USING (person_id, journey_number)
    WHERE journey.structured_start_date IS NOT NULL
),

-- The start of structured treatment is a turning point with nothing said yet. A profile taken
-- before it, or after its end, counts as taken on that day.
turn AS (
    SELECT person_id, journey_number, structured_start_date AS from_date, NULL AS said_on,
           NULL AS outcomes_profile_key, NULL AS stage, NULL AS is_using_less,
           NULL AS has_acute_housing_problem, NULL AS has_housing_problem
    FROM journey
    UNION ALL
    SELECT profile.person_id, profile.journey_number,
           least(greatest(profile.profile_date, journey.structured_start_date),
                 coalesce(journey.structured_end_date, DATE '9999-12-31')),
           profile.profile_date, profile.outcomes_profile_key, profile.stage,
           profile.is_using_less, profile.has_acute_housing_problem, profile.has_housing_problem
    FROM int_journey_profile AS profile
    INNER JOIN journey USING (person_id, journey_number)
),

-- Of use, the latest review or exit profile speaks, even if it does not say; of housing, the latest
-- that does.
known AS (
    SELECT person_id, journey_number, from_date, said_on, outcomes_profile_key,
           last_value(CASE WHEN stage <> 'S' THEN {'less': is_using_less} END IGNORE NULLS)
               OVER so_far AS latest_use,
           last_value(has_acute_housing_problem IGNORE NULLS) OVER so_far
               AS has_acute_housing_problem,
           last_value(has_housing_problem IGNORE NULLS) OVER so_far AS has_housing_problem
    FROM turn
    WINDOW so_far AS (
        PARTITION BY person_id, journey_number
        ORDER BY said_on NULLS FIRST, outcomes_profile_key NULLS FIRST
        ROWS UNBOUNDED PRECEDING
    )
),

stretch AS (
    SELECT *
    FROM known
    QUALIFY row_number() OVER (
        PARTITION BY person_id, journey_number, from_date
        ORDER BY said_on DESC NULLS LAST, outcomes_profile_key DESC NULLS LAST
    ) = 1
)

SELECT stretch.person_id, stretch.journey_number, stretch.from_date,
       coalesce(lead(stretch.from_date) OVER (
           PARTITION BY stretch.person_id, stretch.journey_number ORDER BY stretch.from_date
       ) - 1, journey.structured_end_date) AS to_date,
       journey.is_community, journey.end_date, journey.end_kind, journey.substance_group, journey.opiate_or_crack,
       stretch.latest_use.less AS is_using_less, stretch.has_acute_housing_problem,
       coalesce(stretch.has_housing_problem, journey.has_housing_need) AS has_housing_problem
FROM stretch
INNER JOIN journey USING (person_id, journey_number)
