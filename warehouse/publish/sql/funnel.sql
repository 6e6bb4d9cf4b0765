-- One row per published cohort and stage, over its latest twelve months: who reached it, of all in
-- the cohort, and the different people behind each count, because one may count in several quarters.
SELECT funnel.cohort, funnel.start_date AS period_start, funnel.end_date AS period_end,
       funnel.stage_number AS step_number, funnel.title AS step, funnel.is_part,
       funnel.reached AS people, funnel.in_cohort AS denominator,
       -- The first stage is the total itself.
       CASE WHEN funnel.stage_number > 1 THEN funnel.in_cohort END AS people_total,
       CASE WHEN funnel.stage_number > 1 THEN funnel.in_cohort_people - funnel.reached_people END
           AS rest_people,
       funnel.reached_people, funnel.in_cohort_people
FROM funnel
INNER JOIN cohort USING (cohort)
WHERE cohort.is_published AND funnel.period_kind = 'twelve months'
QUALIFY funnel.end_date = max(funnel.end_date) OVER (PARTITION BY funnel.cohort)
ORDER BY funnel.cohort, funnel.stage_number
