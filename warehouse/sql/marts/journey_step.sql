-- One row per step of a person's journey across all four partners, in the order they happened, up to the date of each partner's extract. Several of one kind on one day are one step. What came next within 90 days, as published, is in transition; whole paths are in journey_path.
-- column person_id: The person, as in person.
-- column step_number: 1 for the person's first step in the data, 2 for the next, and so on.
-- column partner: The partner whose data tell the step.
-- column step: Kind of step (list step in code).
-- column step_week: Monday of the week it happened in. On one day, steps follow the rank of the list step in code.
-- exact step_date: The day it happened.
-- column days_from_first: Days from the person's first step to this one; 0 for the first.
-- column days_from_previous: Days from the step before to this one, the gap between them; missing for the first.
-- column next_step: Kind of the step after it, the drug test of the same custody included; missing for the last.
-- column days_to_next: Days from this step to the next; missing for the last.
-- column stage_of: step_number of the earlier step of the same custody or sentence that this one is a stage of, such as the arrest of a drug test; missing for other steps.
-- check: unique person_id, step_number
-- check: not_null person_id, step_number, partner, step, step_week, days_from_first
-- check: related person_id -> person.person_id
-- check: rows = SELECT count(*) FROM int_journey_step
-- check: holds days_to_next IS NULL OR days_to_next >= 0
-- check: holds stage_of IS NULL OR stage_of < step_number
-- check: holds (SELECT sum(days_to_next) FROM journey_step) IS NOT DISTINCT FROM (SELECT sum(days_from_previous) FROM journey_step)
SELECT person_id, place AS step_number, partner, step,
       own_week(step_date, clock.days_off) AS step_week, step_date,
       step_date - first_value(step_date) OVER journey AS days_from_first,
       step_date - lag(step_date) OVER journey AS days_from_previous,
       lead(step) OVER journey AS next_step,
       lead(step_date) OVER journey - step_date AS days_to_next,
       stage_of
FROM int_journey_step
INNER JOIN clock_given AS clock USING (person_id)
WINDOW journey AS (PARTITION BY person_id ORDER BY place)
ORDER BY person_id, step_number
