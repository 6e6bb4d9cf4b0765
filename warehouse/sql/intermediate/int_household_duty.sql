-- One row per homelessness duty: the household by its applicant, how the duty ended, and whether it was the first that the household was owed.
-- check: unique duty_key
-- check: not_null person_id, duty_key, duty, is_first, has_substance_need, is_ended, is_secured
-- check: rows = SELECT count(*) FROM housing_duty SEMI JOIN int_applicant USING (case_key)
WITH duty AS (
    SELECT DISTINCT case_key, duty_key, duty, start_date, end_date, end_reason FROM stg_duty
)

SELECT applicant.person_id, duty.duty_key, duty.case_key, duty.start_date, duty.end_date,
       coalesce(kind.label, 'Not known') AS duty,
       row_number() OVER (
           PARTITION BY duty.case_key ORDER BY duty.start_date NULLS LAST, duty.duty_key
       ) = 1 AS is_first,
       applicant.has_drug_need, applicant.has_alcohol_need, applicant.has_substance_need,
       CASE
           WHEN applicant.has_drug_need AND applicant.has_alcohol_need THEN 'Drug and alcohol need'
           WHEN applicant.has_drug_need THEN 'Drug need'
           WHEN applicant.has_alcohol_need THEN 'Alcohol need'
           ELSE 'Neither recorded'
       END AS need,
       duty.duty IN ('prevention', 'relief') AS is_prevention_or_relief,
       duty.end_date IS NOT NULL AND ending.category IS NOT NULL AS is_ended,
       coalesce(ending.category = 'secured', FALSE) AS is_secured
FROM duty
INNER JOIN int_applicant AS applicant USING (case_key)
LEFT JOIN seed_code AS kind ON kind.list = 'duty' AND kind.code = duty.duty
LEFT JOIN seed_code AS ending
    ON ending.list = 'duty_end_reason' AND ending.code = duty.end_reason
