-- One row per quarter, kind of first step and whole path: how many people took it. The people of all paths of a step and quarter are everybody with the step in it.
-- column period_id: The quarter of the first step, as in period.
-- column step: Kind of the first step (list step in code).
-- column path: The path, as in journey_path.
-- column steps: How many steps follow the first in path, 0 to 4.
-- column is_longer: True when more steps followed than path tells.
-- column people: Distinct people who took it from their first such step in the quarter; over several quarters a person may count once in each.
-- column share: Their share of all with the step in the quarter, from 0 to 1.
-- column median_days: Median days from the first step to the last that path tells; missing when none followed.
-- check: unique period_id, step, path
-- check: not_null period_id, step, path, people, share
-- check: related period_id -> period.period_id
-- check: holds (SELECT coalesce(sum(people), 0) FROM path) = (SELECT count(*) FROM int_journey_path)
SELECT period_id, step, path, steps, is_longer,
       count(*) AS people,
       count(*) / sum(count(*)) OVER (PARTITION BY period_id, step) AS share,
       median(days_to_last) AS median_days
FROM int_journey_path
GROUP BY period_id, step, path, steps, is_longer
ORDER BY period_id, step, people DESC, path
