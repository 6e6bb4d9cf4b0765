-- One row per person on a homelessness application: the household's application, by person.
-- check: unique person_key
-- check: not_null person_id, person_key, case_key
-- check: rows = SELECT count(*) FROM housing_person
SELECT record_person.person_id, person.person_key, person.case_key, person.role,
       application.application_date, application.local_authority, application.assessment,
       application.accommodation_at_application,
       application.need_drug = 'Y' AS has_drug_need,
       application.need_alcohol = 'Y' AS has_alcohol_need,
       application.need_mental_health = 'Y' AS has_mental_health_need,
       application.need_learning_disability = 'Y' AS has_learning_disability_need,
       application.need_physical_health = 'Y' AS has_physical_health_need,
       application.need_offending = 'Y' AS has_offending_need,
       application.need_rough_sleeping = 'Y' AS has_rough_sleeping_need,
       application.need_repeat_homelessness = 'Y' AS has_repeat_homelessness_need,
       application.need_domestic_abuse = 'Y' AS has_domestic_abuse_need,
       application.need_sexual_abuse = 'Y' AS has_sexual_abuse_need,
       application.need_care_leaver = 'Y' AS has_care_leaver_need,
       application.need_armed_forces = 'Y' AS has_armed_forces_need,
       application.need_modern_slavery = 'Y' AS has_modern_slavery_need,
       application.need_young_parent = 'Y' AS has_young_parent_need,
       application.main_duty_decision, application.main_duty_decision_date
FROM housing_person AS person
LEFT JOIN record_person USING (record_id)
LEFT JOIN housing_application AS application USING (case_key)
