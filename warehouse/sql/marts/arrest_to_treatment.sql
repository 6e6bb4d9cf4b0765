-- One row per positive drug test on arrest and length of follow-up: whether structured treatment began in time.
-- column measure: start_28_days or start_90_days.
-- column period_start: First day of the period, 12 months before its end.
-- column period_end: Last day of the period: the earlier of the police and treatment extracts' dates, less the follow-up, so that every test has its whole follow-up.
-- column test_number: Number of the test in this release; it changes from release to release.
-- column person_id: The person tested, as in person.
-- exact test_date: Day of the test.
-- column test_result: What the test found.
-- column days_to_start: Days from the test to the first structured treatment begun on or after it; missing when none has begun.
-- column is_started: True when that is within the follow-up.
-- check: unique measure, test_number
-- check: not_null measure, person_id, is_started
-- check: related person_id -> person.person_id
-- check: accepted measure: start_28_days, start_90_days
WITH follow_up AS (
    SELECT 'start_28_days' AS measure, policy('start_short') AS days
    UNION ALL
    SELECT 'start_90_days', policy('start_long')
),

period AS (
    SELECT follow_up.measure, follow_up.days,
           (least(police, treatment) - follow_up.days - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           least(police, treatment) - follow_up.days AS period_end
    FROM int_as_at
    CROSS JOIN follow_up
    WHERE int_as_at.police IS NOT NULL AND int_as_at.treatment IS NOT NULL
)

SELECT period.measure, period.period_start, period.period_end,
       row_number() OVER (
           PARTITION BY period.measure ORDER BY test.person_id, test.test_date, test.drug_test_key
       ) AS test_number,
       test.person_id, test.test_date, code.label AS test_result, test.days_to_start,
       coalesce(test.days_to_start <= period.days, FALSE) AS is_started
FROM int_positive_test AS test
INNER JOIN period ON test.test_date BETWEEN period.period_start AND period.period_end
LEFT JOIN seed_code AS code ON code.list = 'drug_test' AND code.code = test.result
WHERE NOT test.was_in_treatment
ORDER BY period.measure, test_number
