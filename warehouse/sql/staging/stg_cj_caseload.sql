-- One row per time on the criminal-justice team's caseload, by person.
-- check: unique cj_caseload_key
-- check: not_null person_id, cj_caseload_key
-- check: rows = SELECT count(*) FROM treatment_cj_caseload SEMI JOIN treatment_cj_assessment USING (cj_assessment_key)
SELECT assessment.person_id, caseload.cj_caseload_key, caseload.cj_assessment_key,
       caseload.taken_on_date, caseload.treatment_start_date, caseload.closed_date,
       caseload.close_reason
FROM treatment_cj_caseload AS caseload
INNER JOIN stg_cj_assessment AS assessment USING (cj_assessment_key)
