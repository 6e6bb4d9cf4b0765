-- One row per cohort and step: the people who reached it, and those in the cohort.
WITH reached AS (
    SELECT cohort, step_number, step, is_part,
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

SELECT cohort, period.period_start, period.period_end,
       row_number() OVER (PARTITION BY cohort ORDER BY step_number) AS step_number,
       step, is_part, people,
       -- The first step is the total itself.
       CASE WHEN step_number > 1 THEN in_cohort END AS in_cohort
FROM reached
LEFT JOIN period USING (cohort)
ORDER BY cohort, step_number
