-- One row per treatment journey with structured treatment: which of the substances that prevalence is estimated for it names.
-- check: unique person_id, journey_number
-- check: not_null person_id, start_date, uses_opiate, uses_crack, uses_alcohol
-- check: rows = SELECT count(*) FROM int_treatment_journey WHERE structured_start_date IS NOT NULL
WITH drug AS (
    UNPIVOT (
        SELECT journey.person_id, journey.journey_number,
               episode.drug1, episode.drug2, episode.drug3
        FROM int_episode_journey AS journey
        INNER JOIN stg_episode AS episode USING (episode_key)
    )
    ON drug1, drug2, drug3 INTO NAME place VALUE drug_code
),

named AS (
    SELECT drug.person_id, drug.journey_number,
           bool_or(code.category = 'opiate') AS uses_opiate,
           bool_or(code.category = 'crack') AS uses_crack,
           bool_or(code.category = 'alcohol') AS uses_alcohol
    FROM drug
    INNER JOIN seed_code AS code
        ON code.list = 'profile_answer' AND code.code = drug.drug_code
    GROUP BY drug.person_id, drug.journey_number
)

SELECT journey.person_id, journey.journey_number,
       journey.structured_start_date AS start_date, journey.structured_end_date AS end_date,
       coalesce(named.uses_opiate, FALSE) AS uses_opiate,
       coalesce(named.uses_crack, FALSE) AS uses_crack,
       coalesce(named.uses_alcohol, FALSE) AS uses_alcohol
FROM int_treatment_journey AS journey
LEFT JOIN named USING (person_id, journey_number)
WHERE journey.structured_start_date IS NOT NULL
