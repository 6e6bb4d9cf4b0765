-- One row per kind of step and kind of step after it: the people who went from one to the other.
WITH period AS (
    SELECT (earliest_as_at - policy.days - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           earliest_as_at - policy.days AS period_end,
           policy.days
    FROM release_info
    CROSS JOIN policy
    WHERE policy.name = 'next_contact'
),

taken AS (
    SELECT journey_step.person_id, journey_step.step AS from_step,
           CASE
               WHEN journey_step.days_to_next <= period.days THEN journey_step.next_step
               ELSE 'none'
           END AS to_step
    FROM journey_step
    INNER JOIN period
        ON journey_step.step_date BETWEEN period.period_start AND period.period_end
),

kind AS (
    SELECT code AS step, label, category::INTEGER AS place FROM code WHERE list = 'step'
),

after AS (
    SELECT step, label, place FROM kind
    UNION ALL
    SELECT 'none', 'No further contact within ' || days || ' days', 99 FROM period
),

moved AS (
    SELECT from_step, to_step, count(DISTINCT person_id) AS people
    FROM taken
    GROUP BY from_step, to_step
),

leaving AS (
    SELECT from_step, count(DISTINCT person_id) AS people FROM taken GROUP BY from_step
)

SELECT period.period_start, period.period_end,
       kind.label AS from_step, after.label AS to_step,
       coalesce(moved.people, 0) AS people,
       coalesce(leaving.people, 0) AS denominator
FROM kind
CROSS JOIN after
CROSS JOIN period
LEFT JOIN moved ON moved.from_step = kind.step AND moved.to_step = after.step
LEFT JOIN leaving ON leaving.from_step = kind.step
WHERE period.period_end IS NOT NULL
ORDER BY kind.place, after.place
