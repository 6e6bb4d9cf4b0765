-- One row per person, quarter and kind of step: the whole path from the person's first such step in the quarter, over 180 days. path counts the people by path.
-- column period_id: The quarter of the first step, as in period. Only quarters that ended 180 days or more before the earliest of the extracts' dates.
-- column person_id: The person, as in person.
-- column step: Kind of the first step (list step in code).
-- column path: The first step and up to four kinds of step that followed, joined by arrows; … when there were more. A kind that comes several times running is told once; a drug test is not told after the arrest of its own custody, nor a release after its own sentence.
-- column steps: How many steps follow the first in path, 0 to 4.
-- column is_longer: True when more steps followed than path tells.
-- column days_to_first: Days from the first step to the one after it; missing when none followed.
-- column days_to_last: Days from the first step to the last that path tells; missing when none followed.
-- check: unique person_id, period_id, step
-- check: not_null period_id, person_id, step, path, steps, is_longer
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: rows = SELECT count(*) FROM int_journey_path
-- check: holds (days_to_last IS NULL) = (steps = 0)
-- check: holds days_to_last IS NULL OR days_to_last BETWEEN days_to_first AND policy('path')
SELECT period_id, person_id, step, path, steps, is_longer, days_to_first, days_to_last
FROM int_journey_path
ORDER BY person_id, period_id, step
