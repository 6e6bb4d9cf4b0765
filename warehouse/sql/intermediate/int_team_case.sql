-- One row per time on the criminal-justice team's caseload: how soon treatment was begun.
-- check: unique cj_caseload_key
-- check: rows = SELECT count(*) FROM stg_cj_caseload
SELECT *, treatment_start_date - taken_on_date AS days_to_treatment
FROM stg_cj_caseload
