-- One row per tenancy: how long it was held, and whether the household had a drug or alcohol need when it applied.
-- check: unique tenancy_key
-- check: not_null person_id, tenancy_key, tenancy_type, is_tenancy, need
-- check: rows = SELECT count(*) FROM stg_tenancy
SELECT tenancy.person_id, tenancy.tenancy_key, tenancy.start_date, tenancy.end_date,
       coalesce(kind.label, 'Not known') AS tenancy_type,
       -- Temporary and supported lets are not meant to last; a tenancy of unknown kind is.
       coalesce(kind.category = 'tenancy', TRUE) AS is_tenancy,
       CASE
           WHEN application.has_drug_need OR application.has_alcohol_need
               THEN 'Drug or alcohol need'
           ELSE 'Neither recorded'
       END AS need,
       tenancy.end_date - tenancy.start_date AS days_held
FROM stg_tenancy AS tenancy
INNER JOIN stg_application AS application USING (person_key)
LEFT JOIN seed_code AS kind ON kind.list = 'tenancy_type' AND kind.code = tenancy.tenancy_type
