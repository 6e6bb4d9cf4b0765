-- One row per kind of step and kind of what came next: people, by their first step of the kind in
-- the period. Next steps are in wide kinds, because finer ones left more than half of the cells small.
WITH period AS (
    SELECT (earliest_as_at - policy.days - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           earliest_as_at - policy.days AS period_end
    FROM release_info
    CROSS JOIN policy
    WHERE policy.name = 'next_contact'
),

kind AS (
    SELECT code AS step, label, "rank" AS place FROM code
    WHERE list = 'step' AND category = 'journey'
        AND code NOT IN ('discharge_untreated', 'death_in_treatment')
),

next_kind AS (
    SELECT DISTINCT label, "rank" AS place FROM code WHERE list = 'next_step'
),

moved AS (
    SELECT step, next_kind, count(*) AS people FROM transition GROUP BY step, next_kind
),

leaving AS (
    SELECT step, count(*) AS people FROM transition GROUP BY step
)

SELECT period.period_start, period.period_end,
       kind.label AS from_step, next_kind.label AS to_step,
       coalesce(moved.people, 0) AS people,
       coalesce(leaving.people, 0) AS denominator
FROM kind
CROSS JOIN next_kind
CROSS JOIN period
LEFT JOIN moved ON moved.step = kind.step AND moved.next_kind = next_kind.label
LEFT JOIN leaving ON leaving.step = kind.step
WHERE period.period_end IS NOT NULL
ORDER BY kind.place, next_kind.place
