-- One row per triaged episode: which of the person's treatment journeys it belongs to.
-- Episodes that overlap, or lie no more days apart than policy('journey_gap'), are one journey.
-- check: unique episode_key
-- check: not_null journey_number
-- check: rows = SELECT count(*) FROM stg_episode WHERE triage_date IS NOT NULL
WITH dated AS (
    SELECT person_id, episode_key, triage_date,
           coalesce(discharge_date, DATE '9999-12-31') AS end_date
    FROM stg_episode
    WHERE triage_date IS NOT NULL
),

reached AS (
    SELECT *,
           max(end_date) OVER (
               PARTITION BY person_id ORDER BY triage_date, episode_key
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS ended_by
    FROM dated
)

SELECT person_id, episode_key,
       count(*) FILTER (ended_by IS NULL OR triage_date - ended_by > policy('journey_gap')) OVER (
           PARTITION BY person_id ORDER BY triage_date, episode_key
           ROWS UNBOUNDED PRECEDING
       ) AS journey_number
FROM reached
