-- One row per kind of step and kind of contact after it: the people who went from one to the other.
-- Next contacts are in five wide kinds, because finer ones left more than half of the cells small.
WITH period AS (
    SELECT (earliest_as_at - policy.days - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           earliest_as_at - policy.days AS period_end,
           policy.days
    FROM release_info
    CROSS JOIN policy
    WHERE policy.name = 'next_contact'
),

kind AS (
    SELECT code AS step, label, category::INTEGER AS place FROM code WHERE list = 'step'
),

next_kind AS (
    SELECT DISTINCT label, category::INTEGER AS place FROM code WHERE list = 'next_contact'
    UNION ALL
    SELECT 'No further contact within ' || days || ' days', 99 FROM period
),

taken AS (
    SELECT journey_step.person_id, journey_step.step,
           CASE
               WHEN journey_step.days_to_next <= period.days THEN next_contact.label
               ELSE 'No further contact within ' || period.days || ' days'
           END AS next_contact
    FROM journey_step
    INNER JOIN period
        ON journey_step.step_date BETWEEN period.period_start AND period.period_end
    LEFT JOIN code AS next_contact
        ON next_contact.list = 'next_contact' AND next_contact.code = journey_step.next_step
),

moved AS (
    SELECT step, next_contact, count(DISTINCT person_id) AS people
    FROM taken
    GROUP BY step, next_contact
),

leaving AS (
    SELECT step, count(DISTINCT person_id) AS people FROM taken GROUP BY step
)

SELECT period.period_start, period.period_end,
       kind.label AS from_step, next_kind.label AS to_step,
       coalesce(moved.people, 0) AS people,
       coalesce(leaving.people, 0) AS denominator
FROM kind
CROSS JOIN next_kind
CROSS JOIN period
LEFT JOIN moved ON moved.step = kind.step AND moved.next_contact = next_kind.label
LEFT JOIN leaving ON leaving.step = kind.step
WHERE period.period_end IS NOT NULL
ORDER BY kind.place, next_kind.place
