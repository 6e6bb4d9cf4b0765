-- One row per treatment journey with structured treatment: what the person's latest episode in it
-- that says tells of disability, religion and sexual orientation.
-- check: unique person_id, journey_number
-- check: not_null person_id, journey_number, structured_start_date, disability, religion, sexual_orientation
-- check: rows = SELECT count(structured_start_date) FROM int_treatment_journey
WITH said AS (
    UNPIVOT (
        SELECT belongs.person_id, belongs.journey_number, episode.triage_date, episode.episode_key,
               episode.disability, episode.religion, episode.sexual_orientation
        FROM int_episode_journey AS belongs
        INNER JOIN stg_episode AS episode USING (person_id, episode_key)
    ) ON disability, religion, sexual_orientation INTO NAME question VALUE answer
),

latest AS (
    SELECT said.person_id, said.journey_number, said.question,
           arg_max(code.label, (said.triage_date, said.episode_key)) AS answer
    FROM said
    INNER JOIN seed_code AS code ON code.list = said.question AND code.code = said.answer
    WHERE code.category <> 'not known'
    GROUP BY said.person_id, said.journey_number, said.question
)

SELECT journey.person_id, journey.journey_number, journey.structured_start_date,
       journey.structured_end_date,
       coalesce(any_value(answer) FILTER (question = 'disability'), 'Not known') AS disability,
       coalesce(any_value(answer) FILTER (question = 'religion'), 'Not known') AS religion,
       coalesce(any_value(answer) FILTER (question = 'sexual_orientation'), 'Not known')
           AS sexual_orientation
FROM int_treatment_journey AS journey
LEFT JOIN latest USING (person_id, journey_number)
WHERE journey.structured_start_date IS NOT NULL
GROUP BY journey.person_id, journey.journey_number, journey.structured_start_date,
         journey.structured_end_date
