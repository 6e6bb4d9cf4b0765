-- One row per person and kind of step: the first such step in the period, and the step after it.
-- A drug test does not follow the arrest of the same custody, nor a release its own sentence: they
-- are stages of one thing.
-- check: unique person_id, step
-- check: not_null person_id, step, step_date
-- check: holds next_step IS NULL OR days_to_next BETWEEN 0 AND policy('next_contact')
WITH period AS (
    SELECT (earliest - policy('next_contact') - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           earliest - policy('next_contact') AS period_end
    FROM int_as_at
),

index_step AS (
    SELECT period.period_start, period.period_end, step.*
    FROM int_step AS step
    INNER JOIN period ON step.step_date BETWEEN period.period_start AND period.period_end
    -- These two end a journey: nothing is looked for after them.
    WHERE step.is_journey AND step.step NOT IN ('discharge_untreated', 'death_in_treatment')
    QUALIFY row_number() OVER (PARTITION BY step.person_id, step.step ORDER BY step.step_date) = 1
),

following AS (
    SELECT index_step.person_id, index_step.step,
           later.step AS next_step, later.step_date - index_step.step_date AS days_to_next
    FROM index_step
    INNER JOIN int_step AS later
        ON later.person_id = index_step.person_id AND later.is_journey
        AND later.step_date - index_step.step_date BETWEEN 0 AND policy('next_contact')
        AND (later.step_date, later.step_rank) > (index_step.step_date, index_step.step_rank)
        AND NOT coalesce(list_has_any(later.custody_keys, index_step.custody_keys), FALSE)
        AND NOT coalesce(list_has_any(later.sentence_keys, index_step.sentence_keys), FALSE)
    QUALIFY row_number() OVER (
        PARTITION BY index_step.person_id, index_step.step
        ORDER BY later.step_date, later.step_rank
    ) = 1
)

SELECT index_step.period_start, index_step.period_end, index_step.person_id, index_step.step,
       index_step.step_date, following.next_step, following.days_to_next
FROM index_step
LEFT JOIN following USING (person_id, step)
