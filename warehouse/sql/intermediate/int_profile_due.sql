-- One row per outcomes profile that a structured treatment journey calls for: at its start, for
-- review every policy('profile_review') days while structured treatment goes on, and at its end
-- unless the person died.
-- check: unique person_id, journey_number, stage, due_date
-- check: not_null person_id, journey_number, stage, due_date, is_done
-- check: accepted stage: Start, Review, Exit
WITH journey AS (
    SELECT *, coalesce(structured_end_date, end_date, int_as_at.treatment) AS reached
    FROM int_treatment_journey
    CROSS JOIN int_as_at
    WHERE structured_start_date IS NOT NULL
),

due AS (
    SELECT person_id, journey_number, 'Start' AS stage, structured_start_date AS due_date,
           structured_start_date - policy('profile_window') AS from_date,
           structured_start_date + policy('profile_window') AS to_date
    FROM journey
    UNION ALL
    SELECT person_id, journey_number, 'Exit', end_date,
           end_date - policy('profile_window'), end_date + policy('profile_window')
    FROM journey
    WHERE end_date IS NOT NULL AND end_kind IS DISTINCT FROM 'died'
    UNION ALL
    SELECT person_id, journey_number, 'Review',
           structured_start_date + (number * policy('profile_review'))::INTEGER,
           structured_start_date + ((number - 1) * policy('profile_review'))::INTEGER + 1,
           structured_start_date + (number * policy('profile_review'))::INTEGER
    FROM journey,
        unnest(range(1, (reached - structured_start_date) // policy('profile_review') + 1))
            AS review(number)
)

SELECT due.person_id, due.journey_number, due.stage, due.due_date,
       bool_or(profile.outcomes_profile_key IS NOT NULL) AS is_done
FROM due
LEFT JOIN int_journey_profile AS profile
    ON profile.person_id = due.person_id
    AND profile.journey_number = due.journey_number
    AND profile.stage = left(due.stage, 1)
    AND profile.profile_date BETWEEN due.from_date AND due.to_date
GROUP BY due.person_id, due.journey_number, due.stage, due.due_date
