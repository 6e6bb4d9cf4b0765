-- One row per step of a person's journey across all four partners, in the order they happened, up to the date of each partner's extract. Several of one kind on one day are one step. What came next within 90 days, as published, is in transition.
-- column person_id: The person, as in person.
-- column step_number: 1 for the person's first step in the data, 2 for the next, and so on.
-- column step: Kind of step (list step in code).
-- column step_date: The day it happened. On one day, steps follow the rank of the list step in code.
-- column next_step: Kind of the step after it, the drug test of the same custody included; missing for the last.
-- column days_to_next: Days from this step to the next; missing for the last.
-- check: unique person_id, step_number
-- check: unique person_id, step, step_date
-- check: not_null person_id, step_number, step, step_date
-- check: related person_id -> person.person_id
-- check: rows = SELECT count(*) FROM int_step WHERE is_journey
-- check: holds days_to_next IS NULL OR days_to_next >= 0
SELECT person_id,
       row_number() OVER journey AS step_number,
       step, step_date,
       lead(step) OVER journey AS next_step,
       lead(step_date) OVER journey - step_date AS days_to_next
FROM int_step
WHERE is_journey
WINDOW journey AS (PARTITION BY person_id ORDER BY step_date, step_rank)
ORDER BY person_id, step_number
