-- One row per outcomes profile of a treatment journey with structured treatment, with whether the
-- person then used less than at the start: of their main substance, of opiates and of crack where
-- they came with them, each not used at all or on fewer days of 28 by policy('progress_…').
-- check: unique outcomes_profile_key
-- check: not_null person_id, journey_number, profile_date, stage
WITH profile AS (
    SELECT journey.journey_number, journey.structured_start_date, profile.*
    FROM stg_outcomes_profile AS profile
    INNER JOIN int_episode_journey AS belongs USING (person_id, episode_key)
    INNER JOIN int_treatment_journey AS journey USING (person_id, journey_number)
    WHERE journey.structured_start_date IS NOT NULL
),

drug AS (
    UNPIVOT (
        SELECT belongs.person_id, belongs.journey_number, episode.triage_date, belongs.episode_key,
               episode.drug1, episode.drug2, episode.drug3
        FROM int_episode_journey AS belongs
        INNER JOIN stg_episode AS episode USING (episode_key)
    ) ON drug1, drug2, drug3 INTO NAME place VALUE drug_code
),

named AS (
    SELECT drug.*, coalesce(code.category, 'other drug') AS answer,
           drug.place = 'drug1' AND row_number() OVER (
               PARTITION BY drug.person_id, drug.journey_number
               ORDER BY drug.triage_date, drug.episode_key, drug.place
           ) = 1 AS is_main
    FROM drug
    LEFT JOIN seed_code AS code ON code.list = 'profile_answer' AND code.code = drug.drug_code
),

judged AS (
    SELECT DISTINCT person_id, journey_number, answer
    FROM named
    WHERE is_main OR answer IN ('opiate', 'crack')
),

used AS (
    SELECT outcomes_profile_key, replace(replace(question, '_days', ''), '_', ' ') AS answer, days
    FROM (
        UNPIVOT (
            SELECT outcomes_profile_key, alcohol_days, opiate_days, crack_days, cocaine_days,
                   amphetamine_days, cannabis_days, other_drug_days
            FROM profile
        ) ON COLUMNS(* EXCLUDE outcomes_profile_key) INTO NAME question VALUE days
    )
),

first_profile AS (
    SELECT person_id, journey_number,
           arg_min(outcomes_profile_key, (profile_date, outcomes_profile_key))
               AS outcomes_profile_key
    FROM profile
    WHERE stage = 'S'
    GROUP BY person_id, journey_number
),

compared AS (
    SELECT profile.outcomes_profile_key,
           later.days = 0
               OR earlier.days - later.days >= policy('progress_' || replace(judged.answer, ' ', '_'))
               AS is_less
    FROM profile
    INNER JOIN judged USING (person_id, journey_number)
    LEFT JOIN first_profile USING (person_id, journey_number)
    LEFT JOIN used AS later
        ON later.outcomes_profile_key = profile.outcomes_profile_key
        AND later.answer = judged.answer
    LEFT JOIN used AS earlier
        ON earlier.outcomes_profile_key = first_profile.outcomes_profile_key
        AND earlier.answer = judged.answer
    WHERE profile.stage <> 'S'
),

answered AS (
    SELECT outcomes_profile_key,
           CASE
               WHEN bool_or(NOT is_less) THEN FALSE
               WHEN bool_and(is_less IS NOT NULL) THEN TRUE
           END AS is_using_less
    FROM compared
    GROUP BY outcomes_profile_key
)

SELECT profile.*, answered.is_using_less,
       profile.has_acute_housing_problem OR profile.has_eviction_risk AS has_housing_problem
FROM profile
LEFT JOIN answered USING (outcomes_profile_key)
