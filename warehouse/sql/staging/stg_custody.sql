-- One row per time in police custody, by person.
-- check: unique custody_key
-- check: not_null person_id, custody_key
-- check: rows = SELECT count(*) FROM police_custody
SELECT record_person.person_id, custody.custody_key, custody.arrest_date, custody.release_date,
       custody.offence_code, custody.offence_class, custody.home_office_code,
       code.category AS offence_group, custody.outcome, custody.outcome_date
FROM police_custody AS custody
LEFT JOIN record_person USING (record_id)
LEFT JOIN seed_code AS code ON code.list = 'offence_class' AND code.code = custody.offence_class
