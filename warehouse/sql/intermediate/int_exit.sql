-- One row per treatment journey with structured treatment that has ended: how, what the person said
-- in the last exit profile beside the first start profile, and when they came back.
-- check: unique person_id, journey_number
-- check: not_null person_id, journey_number, end_date, is_successful_completion
-- check: rows = SELECT count(*) FROM int_treatment_journey WHERE structured_start_date IS NOT NULL AND end_date IS NOT NULL
WITH start_profile AS (
    SELECT person_id, journey_number,
           arg_min_null(quality_of_life, (profile_date, outcomes_profile_key)) AS quality_at_start
    FROM int_journey_profile
    WHERE stage = 'S'
    GROUP BY person_id, journey_number
),

exit_profile AS (
    SELECT *
    FROM int_journey_profile
    WHERE stage = 'E'
    QUALIFY row_number() OVER (
        PARTITION BY person_id, journey_number
        ORDER BY profile_date DESC, outcomes_profile_key DESC
    ) = 1
)

SELECT journey.person_id, journey.journey_number, journey.start_date, journey.end_date,
       journey.substance_group, journey.opiate_or_crack, journey.end_kind,
       journey.is_successful_completion,
       journey.next_start_date - journey.end_date AS days_to_return,
       exit_profile.has_housing_problem,
       exit_profile.work_days,
       start_profile.quality_at_start, exit_profile.quality_of_life AS quality_at_exit,
       exit_profile.quality_of_life - start_profile.quality_at_start AS quality_change,
       100.0 * (exit_profile.quality_of_life - start_profile.quality_at_start)
           / nullif(start_profile.quality_at_start, 0) AS quality_change_percent
FROM int_treatment_journey AS journey
LEFT JOIN start_profile USING (person_id, journey_number)
LEFT JOIN exit_profile USING (person_id, journey_number)
WHERE journey.structured_start_date IS NOT NULL AND journey.end_date IS NOT NULL
