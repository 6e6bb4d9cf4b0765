-- One row per handover to the community on release from a secure setting: when community treatment began and when the receiving agency first saw the person.
-- check: unique transfer_key
-- check: not_null person_id, transfer_key
-- check: rows = SELECT count(*) FROM stg_transfer
SELECT transfer.person_id, transfer.transfer_key, transfer.release_date,
       started.days_to_structured,
       transfer.first_seen_date - transfer.release_date AS days_to_seen
FROM stg_transfer AS transfer
LEFT JOIN int_community_start AS started USING (person_id, release_date)
