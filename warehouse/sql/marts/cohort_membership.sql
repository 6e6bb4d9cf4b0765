-- One row per cohort, quarter and person: who is in the cohort, from the first day in the quarter that satisfied its entry rules. Only quarters whose whole follow-up lies before the data end; cohort_period says which.
-- column cohort: The cohort, as in cohort.
-- column period_id: The quarter of the index day, as in period.
-- column person_id: The person, as in person.
-- column index_week: Monday of the week of the index day.
-- column stages_reached: How many stages the person passed, the index event among them and parts left out.
-- column furthest_stage: The last stage passed, as in cohort_stage.
-- exact index_date: The index day.
-- check: unique cohort, period_id, person_id
-- check: not_null cohort, period_id, person_id, index_week, stages_reached, furthest_stage
-- check: related person_id -> person.person_id
-- check: related cohort -> cohort.cohort
-- check: related period_id -> period.period_id
-- check: rows = SELECT count(*) FROM int_cohort_stage WHERE stage_number = 1
-- check: rows = SELECT sum(people) FROM cohort_period
SELECT reached.cohort, reached.period_id, reached.person_id,
       own_week(any_value(reached.index_date), any_value(clock.days_off)) AS index_week,
       count(*) AS stages_reached,
       arg_max(reached.stage, reached.stage_number) AS furthest_stage,
       any_value(reached.index_date) AS index_date
FROM int_cohort_stage AS reached
INNER JOIN cohort_stage_given AS stage USING (cohort, stage_number)
INNER JOIN clock_given AS clock USING (person_id)
WHERE reached.is_reached AND NOT stage.is_part
GROUP BY reached.cohort, reached.period_id, reached.person_id
ORDER BY reached.cohort, reached.period_id, reached.person_id
