-- One row per handover from treatment in a secure setting to the community on release, by person.
-- check: unique transfer_key
-- check: not_null person_id, transfer_key
-- check: rows = SELECT count(*) FROM treatment_transfer SEMI JOIN treatment_secure_treatment USING (secure_treatment_key)
SELECT secure.person_id, transfer.transfer_key, transfer.secure_treatment_key,
       transfer.release_date, transfer.receiving_agency, transfer.referral_date,
       transfer.first_seen_date
FROM treatment_transfer AS transfer
INNER JOIN stg_secure_treatment AS secure USING (secure_treatment_key)
