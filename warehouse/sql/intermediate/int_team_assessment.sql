-- One row per initial assessment that the criminal-justice team was to follow up: how soon it did,
-- and how soon after that the person was taken on to the caseload.
-- check: unique cj_assessment_key
-- check: not_null person_id, cj_assessment_key
-- check: rows = SELECT count(*) FROM stg_cj_assessment
WITH taken_on AS (
    SELECT cj_assessment_key, min(taken_on_date) AS taken_on_date
    FROM stg_cj_caseload
    GROUP BY cj_assessment_key
)

SELECT assessment.*, taken_on.taken_on_date,
       assessment.assessed_date - assessment.initial_assessment_date AS days_to_assessed,
       taken_on.taken_on_date - assessment.assessed_date AS days_to_taken_on
FROM stg_cj_assessment AS assessment
LEFT JOIN taken_on USING (cj_assessment_key)
