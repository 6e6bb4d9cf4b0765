-- One row per person, quarter and kind of step: the whole path from the first such step in the
-- quarter. Up to four kinds of step that followed within policy('path') days are told, in order; a
-- kind that comes several times running is told once, and what is a stage of a step already told (a
-- test of its arrest, a release of its sentence) is not told again. Only quarters whose last day's
-- follow-up lies before the earliest data.
-- check: unique person_id, period_id, step
-- check: not_null person_id, period_id, step, path, steps, is_longer
-- check: rows = SELECT count(*) FROM int_index_step CROSS JOIN int_as_at WHERE period_end + policy('path') <= earliest
-- check: holds steps BETWEEN 0 AND 4 AND (steps = 4 OR NOT is_longer)
WITH index_step AS (
    SELECT int_index_step.*
    FROM int_index_step
    CROSS JOIN int_as_at
    WHERE int_index_step.period_end + policy('path') <= int_as_at.earliest
),

following AS (
    SELECT index_step.person_id, index_step.period_id, index_step.step,
           later.step AS next_step, later.place,
           later.step_date - index_step.step_date AS days
    FROM index_step
    INNER JOIN int_journey_step AS later
        ON later.person_id = index_step.person_id
        AND later.place > index_step.place
        AND later.step_date <= index_step.step_date + policy('path')
        AND coalesce(later.stage_of < index_step.place, TRUE)
),

run AS (
    SELECT *
    FROM following
    QUALIFY next_step IS DISTINCT FROM lag(next_step) OVER (
        PARTITION BY person_id, period_id, step ORDER BY place
    )
),

told AS (
    SELECT run.person_id, run.period_id, run.step,
           list(code.label ORDER BY run.place) AS labels, list(run.days ORDER BY run.place) AS days
    FROM run
    INNER JOIN seed_code AS code ON code.list = 'step' AND code.code = run.next_step
    GROUP BY run.person_id, run.period_id, run.step
)

SELECT index_step.period_id, index_step.person_id, index_step.step,
       array_to_string(
           list_concat([code.label], told.labels[:4], CASE WHEN len(told.labels) > 4 THEN ['…'] END),
           ' → '
       ) AS path,
       least(coalesce(len(told.labels), 0), 4)::INTEGER AS steps,
       coalesce(len(told.labels) > 4, FALSE) AS is_longer,
       told.days[1] AS days_to_first,
       told.days[least(len(told.labels), 4)] AS days_to_last
FROM index_step
INNER JOIN seed_code AS code ON code.list = 'step' AND code.code = index_step.step
LEFT JOIN told USING (person_id, period_id, step)
