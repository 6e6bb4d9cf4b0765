-- One row per treatment journey with structured treatment: its first structured intervention and how
-- long the person waited for it, from the day it was asked for to the day it started.
-- check: unique person_id, journey_number
-- check: not_null person_id, journey_number, start_date
-- check: rows = SELECT count(structured_start_date) FROM int_treatment_journey
-- check: holds wait_days IS NULL OR wait_days >= 0
WITH placed AS (
    SELECT journey.person_id, journey.journey_number, intervention.start_date,
           intervention.referral_date, intervention.modality,
           row_number() OVER (
               PARTITION BY journey.person_id, journey.journey_number
               ORDER BY intervention.start_date, intervention.referral_date,
                        intervention.intervention_key
           ) AS place
    FROM stg_intervention AS intervention
    INNER JOIN int_episode_journey AS journey USING (episode_key)
    WHERE intervention.is_structured AND intervention.start_date IS NOT NULL
)

SELECT placed.person_id, placed.journey_number, placed.start_date, placed.referral_date,
       placed.modality,
       CASE WHEN placed.referral_date <= placed.start_date
           THEN placed.start_date - placed.referral_date END AS wait_days,
       journey.substance_group, journey.opiate_or_crack
FROM placed
INNER JOIN int_treatment_journey AS journey USING (person_id, journey_number)
WHERE placed.place = 1
