-- One row per cohort and step: the people who reached it, those it is a share of, and what it is
-- a part of, by which a count that is nearly all of it is masked.
WITH reached AS (
    SELECT cohort, step_number, step, is_part, of_step,
           count(*) FILTER (is_reached) AS people,
           count(*) AS in_cohort
    FROM cohort_step
    GROUP BY ALL
),

period AS (
    SELECT cohort, any_value(period_start) AS period_start, any_value(period_end) AS period_end
    FROM cohort_membership
    GROUP BY cohort
)

SELECT reached.cohort, period.period_start, period.period_end, reached.step_number, reached.step,
       reached.is_part, reached.people, base.people AS denominator,
       -- The first step is the total itself.
       CASE WHEN reached.step_number > 1 THEN base.people END AS people_total,
       CASE WHEN reached.of_step > 1 THEN reached.in_cohort END AS denominator_total
FROM reached
INNER JOIN reached AS base
    ON base.cohort = reached.cohort AND base.step_number = reached.of_step
LEFT JOIN period ON period.cohort = reached.cohort
ORDER BY reached.cohort, reached.step_number
