-- One row per tenancy, by person.
-- check: unique tenancy_key
-- check: not_null person_id, tenancy_key
-- check: rows = SELECT count(*) FROM housing_tenancy SEMI JOIN housing_person USING (person_key)
SELECT application.person_id, application.person_key, tenancy.tenancy_key,
       tenancy.start_date, tenancy.end_date, tenancy.tenancy_type, tenancy.end_reason
FROM housing_tenancy AS tenancy
INNER JOIN stg_application AS application USING (person_key)
