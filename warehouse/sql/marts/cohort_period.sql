-- One row per cohort and quarter: whether it is reported, and if not, why. What is not reported has no row in cohort_membership, cohort_stage or funnel.
-- column cohort: The cohort, as in cohort.
-- column period_id: The quarter of the index days, as in period.
-- column start_date: First day of the quarter.
-- column end_date: Last day of the quarter.
-- column complete_on: The day on which everyone in it has had their whole follow-up.
-- column is_reported: True when the data of every partner it needs reach to complete_on and go back to the entry rules' look-back.
-- column reason: Why it is not: partner not sent, before the data (they do not go back that far) or unfinished; missing when it is.
-- column people: People in the cohort in that quarter; missing when it is not reported.
-- check: unique cohort, period_id
-- check: not_null cohort, period_id, start_date, end_date, complete_on, is_reported
-- check: related cohort -> cohort.cohort
-- check: related period_id -> period.period_id
-- check: holds is_reported = (people IS NOT NULL)
WITH counted AS (
    SELECT cohort, period_id, count(*) AS people
    FROM int_cohort_stage
    WHERE stage_number = 1
    GROUP BY cohort, period_id
)

SELECT quarter.cohort, quarter.period_id, quarter.start_date, quarter.end_date,
       quarter.complete_on, quarter.is_reported, quarter.reason,
       CASE WHEN quarter.is_reported THEN coalesce(counted.people, 0) END AS people
FROM int_cohort_quarter AS quarter
LEFT JOIN counted USING (cohort, period_id)
ORDER BY quarter.cohort, quarter.start_date
