-- One row per kind of step and kind of what came next, over the latest four quarters that are
-- complete: people, by their first step of the kind in each quarter. The distinct people behind a
-- count, and those of its total who are not behind it, are for masking. Next steps are in wide
-- kinds, because finer ones left more than half of the cells small. Steps of tables that a partner may
-- leave out are next steps, but no row is from them: few have them, and what nobody sends would look
-- like what is masked.
WITH latest AS (
    SELECT period.period_id, period.start_date, period.end_date
    FROM period
    SEMI JOIN transition USING (period_id)
    ORDER BY period.end_date DESC
    LIMIT 4
),

span AS (
    SELECT min(start_date) AS period_start, max(end_date) AS period_end FROM latest
),

kind AS (
    SELECT code AS step, label, "rank" AS place FROM code
    WHERE list = 'step' AND category = 'journey'
        AND code NOT IN (
            'discharge_untreated', 'death_in_treatment', 'prison_referral', 'cj_assessment',
            'caseload_start', 'intensive_programme_start', 'secure_treatment_start',
            'rough_sleeping', 'temporary_accommodation_start'
        )
),

next_kind AS (
    SELECT DISTINCT label, "rank" AS place FROM code WHERE list = 'next_step'
),

taken AS (
    SELECT transition.step, transition.next_kind, transition.person_id
    FROM transition
    SEMI JOIN latest USING (period_id)
),

-- How often each person is behind a count, and behind its total.
person AS (
    SELECT step, next_kind, person_id, count(*) AS times,
           sum(count(*)) OVER (PARTITION BY step, person_id) AS times_in_all
    FROM taken
    GROUP BY step, next_kind, person_id
),

moved AS (
    SELECT step, next_kind, sum(times)::BIGINT AS people, count(*) AS people_behind,
           count(*) FILTER (times = times_in_all) AS people_wholly_behind
    FROM person
    GROUP BY step, next_kind
),

leaving AS (
    SELECT step, count(*) AS people, count(DISTINCT person_id) AS people_behind
    FROM taken
    GROUP BY step
)

SELECT span.period_start, span.period_end,
       kind.label AS from_step, next_kind.label AS to_step,
       coalesce(moved.people, 0) AS people,
       coalesce(leaving.people, 0) AS denominator,
       coalesce(moved.people_behind, 0) AS people_behind,
       coalesce(leaving.people_behind, 0) AS denominator_behind,
       coalesce(leaving.people_behind, 0) - coalesce(moved.people_wholly_behind, 0) AS rest_people
FROM kind
CROSS JOIN next_kind
CROSS JOIN span
LEFT JOIN moved ON moved.step = kind.step AND moved.next_kind = next_kind.label
LEFT JOIN leaving ON leaving.step = kind.step
WHERE span.period_end IS NOT NULL
ORDER BY kind.place, next_kind.place
