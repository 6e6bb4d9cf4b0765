-- One row per handover to the community on release from a secure setting: when community treatment began and when the receiving agency first saw the person.
-- check: unique transfer_key
-- check: not_null person_id, transfer_key
-- check: rows = SELECT count(*) FROM stg_transfer
WITH started AS (
    -- Nought days when structured treatment outside prison was open on the day of release.
    SELECT transfer.transfer_key,
           min(greatest(intervention.start_date - transfer.release_date, 0)) AS days_to_structured
    FROM stg_transfer AS transfer
    INNER JOIN stg_intervention AS intervention
        ON intervention.person_id = transfer.person_id
        AND intervention.is_structured
        AND intervention.setting IS DISTINCT FROM 'secure'
        AND coalesce(intervention.end_date, DATE '9999-12-31') >= transfer.release_date
    WHERE intervention.start_date IS NOT NULL
    GROUP BY transfer.transfer_key
)

SELECT transfer.person_id, transfer.transfer_key, transfer.release_date,
       started.days_to_structured,
       transfer.first_seen_date - transfer.release_date AS days_to_seen
FROM stg_transfer AS transfer
LEFT JOIN started USING (transfer_key)
