-- One row per person and night they were seen sleeping rough: how often and how lately they had been seen before.
-- check: unique person_id, sighting_date
-- check: not_null person_id, sighting_date, nights_before, months_seen, has_returned
-- check: rows = SELECT count(*) FROM (SELECT DISTINCT person_id, sighting_date FROM stg_rough_sleeping WHERE sighting_date IS NOT NULL)
WITH night AS (
    SELECT DISTINCT person_id, sighting_date
    FROM stg_rough_sleeping
    WHERE sighting_date IS NOT NULL
),

looked_back AS (
    SELECT night.person_id, night.sighting_date,
           count(*) FILTER (earlier.sighting_date < night.sighting_date) AS nights_before,
           count(DISTINCT date_trunc('month', earlier.sighting_date)) AS months_seen
    FROM night
    INNER JOIN night AS earlier
        ON earlier.person_id = night.person_id
        AND earlier.sighting_date > night.sighting_date - policy('rough_sleeping_look_back')
        AND earlier.sighting_date <= night.sighting_date
    GROUP BY night.person_id, night.sighting_date
),

since AS (
    SELECT *, sighting_date - lag(sighting_date) OVER (
        PARTITION BY person_id ORDER BY sighting_date
    ) AS days_since_previous
    FROM looked_back
)

SELECT *,
       -- A quarter is shorter than the absence, so at most its first night is a return.
       coalesce(bool_or(days_since_previous >= policy('rough_sleeping_return')) OVER (
           PARTITION BY person_id, date_trunc('quarter', sighting_date) ORDER BY sighting_date
       ), FALSE) AS has_returned
FROM since
