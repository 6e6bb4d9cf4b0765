-- One row per cohort and quarter that is counted: when everyone in it has had their follow-up, and whether the data reach that far.
-- check: unique cohort, period_id
-- check: accepted reason: partner not sent, before the data, unfinished
-- check: holds is_reported = (reason IS NULL)
WITH needed AS (
    SELECT cohort, unnest(partners) AS partner FROM cohort_given
),

reach AS (
    SELECT needed.cohort, min(extract.data_as_at) AS as_at,
           max(data_from_given.data_from) AS data_from,
           bool_and(extract.partner IS NOT NULL) AS is_sent
    FROM needed
    LEFT JOIN extract USING (partner)
    LEFT JOIN data_from_given USING (partner)
    GROUP BY needed.cohort
),

judged AS (
    SELECT cohort.cohort, period.period_id, period.start_date, period.end_date, period.year_start,
           reach.as_at, period.end_date + cohort.follow_up_days::INTEGER AS complete_on,
           CASE
               WHEN NOT reach.is_sent THEN 'partner not sent'
               WHEN period.start_date - cohort.look_back_days::INTEGER < reach.data_from
                   THEN 'before the data'
               WHEN period.end_date + cohort.follow_up_days::INTEGER > reach.as_at
                   THEN 'unfinished'
           END AS reason
    FROM cohort_given AS cohort
    INNER JOIN reach USING (cohort)
    CROSS JOIN int_period AS period
)

SELECT *, reason IS NULL AS is_reported FROM judged
