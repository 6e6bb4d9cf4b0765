-- One row per episode of treatment in prison or another secure setting, by person.
-- check: unique secure_treatment_key
-- check: not_null person_id, secure_treatment_key
-- check: rows = SELECT count(*) FROM treatment_secure_treatment
SELECT record_person.person_id, secure.secure_treatment_key, secure.prison,
       secure.drug1, secure.drug2, secure.drug3,
       secure.start_date, secure.end_date, secure.end_reason
FROM treatment_secure_treatment AS secure
LEFT JOIN record_person USING (record_id)
