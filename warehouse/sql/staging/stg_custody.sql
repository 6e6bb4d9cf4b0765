-- One row per time in police custody, by person.
-- check: unique custody_key
-- check: not_null person_id, custody_key
-- check: rows = SELECT count(*) FROM police_custody
SELECT record_person.person_id, custody.custody_key, custody.arrest_date,
       custody.offence_code, custody.offence_class, custody.outcome
FROM police_custody AS custody
LEFT JOIN record_person USING (record_id)
