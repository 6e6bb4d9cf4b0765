-- One row per initial assessment that the criminal-justice team was to follow up, by person.
-- check: unique cj_assessment_key
-- check: not_null person_id, cj_assessment_key
-- check: rows = SELECT count(*) FROM treatment_cj_assessment
SELECT record_person.person_id, assessment.cj_assessment_key,
       assessment.initial_assessment_date, assessment.assessed_date,
       assessment.needs_intervention = 'Y' AS needs_intervention
FROM treatment_cj_assessment AS assessment
LEFT JOIN record_person USING (record_id)
