-- One row per person, quarter and kind of step: the person's first such step in the quarter. What
-- came next is told from here; the steps that end a journey are followed by nothing. Only quarters
-- that begin on or after the first day of every partner's data.
-- check: unique person_id, period_id, step
-- check: not_null person_id, period_id, step, place, step_date
SELECT period.period_id, period.start_date AS period_start, period.end_date AS period_end,
       step.person_id, step.step, step.place, step.step_date
FROM int_journey_step AS step
INNER JOIN int_period AS period ON step.step_date BETWEEN period.start_date AND period.end_date
WHERE step.step NOT IN ('discharge_untreated', 'death_in_treatment')
    AND period.start_date >= coalesce(
        (SELECT max(data_from) FROM data_from_given), period.start_date
    )
QUALIFY row_number() OVER (
    PARTITION BY step.person_id, period.period_id, step.step ORDER BY step.place
) = 1
