-- One row per person and day of a release from prison or another secure setting, where community treatment is known on or after it: the days to structured treatment outside a secure setting, nought where it was open on the day.
-- check: unique person_id, release_date
-- check: not_null person_id, release_date, days_to_structured
-- check: holds days_to_structured >= 0
WITH released AS (
    SELECT person_id, release_date FROM stg_prison_release
    UNION
    SELECT person_id, release_date FROM stg_transfer
)

SELECT released.person_id, released.release_date,
       min(greatest(intervention.start_date - released.release_date, 0)) AS days_to_structured
FROM released
INNER JOIN stg_intervention AS intervention
    ON intervention.person_id = released.person_id
    AND intervention.is_structured
    AND intervention.setting IS DISTINCT FROM 'secure'
    AND coalesce(intervention.end_date, DATE '9999-12-31') >= released.release_date
WHERE intervention.start_date IS NOT NULL
GROUP BY released.person_id, released.release_date
