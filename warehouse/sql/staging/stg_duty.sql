-- One row per homelessness duty and person it is owed to.
-- check: unique duty_key, person_key
-- check: not_null person_id, duty_key
-- check: holds (SELECT count(DISTINCT duty_key) FROM stg_duty) = (SELECT count(*) FROM housing_duty SEMI JOIN stg_application USING (case_key))
SELECT application.person_id, application.person_key, application.case_key, application.role,
       application.has_drug_need, application.has_alcohol_need,
       duty.duty_key, duty.duty, duty.start_date, duty.end_date, duty.end_reason
FROM housing_duty AS duty
INNER JOIN stg_application AS application USING (case_key)
