-- One row per step that journeys are told by, in each person's order. stage_of is the place of the
-- latest earlier step of the same custody or sentence: a drug test is a stage of its arrest, a
-- release of its sentence, and neither is what came next after it. A release after a recall is no
-- stage of the release before it.
-- check: unique person_id, place
-- check: not_null person_id, place, step, step_date
-- check: rows = SELECT count(*) FROM int_step WHERE is_journey
-- check: holds stage_of IS NULL OR stage_of < place
WITH ordered AS (
    SELECT *,
           row_number() OVER (PARTITION BY person_id ORDER BY step_date, step_rank) AS place
    FROM int_step
    WHERE is_journey
),

contact AS (
    SELECT person_id, place, step, 'custody' AS kind, unnest(custody_keys) AS contact_key
    FROM ordered
    UNION ALL
    SELECT person_id, place, step, 'sentence', unnest(sentence_keys) FROM ordered
),

earlier AS (
    SELECT person_id, place,
           max(place) FILTER (step <> 'prison_release') OVER (
               PARTITION BY person_id, kind, contact_key ORDER BY place
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS stage_of
    FROM contact
),

stage AS (
    SELECT person_id, place, max(stage_of) AS stage_of FROM earlier GROUP BY person_id, place
)

SELECT ordered.person_id, ordered.place, ordered.partner, ordered.step, ordered.step_date,
       stage.stage_of
FROM ordered
LEFT JOIN stage USING (person_id, place)
