-- One row per person on a homelessness application: the household's application, by person.
-- check: unique person_key
-- check: not_null person_id, person_key, case_key
-- check: rows = SELECT count(*) FROM housing_person
SELECT record_person.person_id, person.person_key, person.case_key, person.role,
       application.application_date, application.assessment,
       application.accommodation_at_application,
       application.need_drug = 'Y' AS has_drug_need,
       application.need_alcohol = 'Y' AS has_alcohol_need
FROM housing_person AS person
LEFT JOIN record_person USING (record_id)
LEFT JOIN housing_application AS application USING (case_key)
