-- One row per person, quarter and kind of step: the first such step in the quarter, and the step
-- after it within policy('next_contact') days. Only quarters whose last day's follow-up lies before
-- the earliest data, so that nobody counts as lost because the data stop.
-- check: unique person_id, period_id, step
-- check: not_null person_id, period_id, step, step_date
-- check: holds next_step IS NULL OR days_to_next BETWEEN 0 AND policy('next_contact')
-- check: rows = SELECT count(*) FROM int_index_step CROSS JOIN int_as_at WHERE period_end + policy('next_contact') <= earliest
WITH index_step AS (
    SELECT int_index_step.*
    FROM int_index_step
    CROSS JOIN int_as_at
    WHERE int_index_step.period_end + policy('next_contact') <= int_as_at.earliest
),

following AS (
    SELECT index_step.person_id, index_step.period_id, index_step.step,
           arg_min(later.step, later.place) AS next_step,
           min(later.step_date) - any_value(index_step.step_date) AS days_to_next
    FROM index_step
    INNER JOIN int_journey_step AS later
        ON later.person_id = index_step.person_id
        AND later.place > index_step.place
        AND later.step_date <= index_step.step_date + policy('next_contact')
        AND coalesce(later.stage_of < index_step.place, TRUE)
    GROUP BY index_step.person_id, index_step.period_id, index_step.step
)

SELECT index_step.period_id, index_step.person_id, index_step.step, index_step.step_date,
       following.next_step, following.days_to_next
FROM index_step
LEFT JOIN following USING (person_id, period_id, step)
