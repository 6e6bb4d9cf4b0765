-- One row per homelessness application with a person on it: the applicant, by whom the household is counted. Without a main applicant it is the partner, another adult or a child, in that order.
-- check: unique case_key
-- check: not_null person_id, case_key
-- check: rows = SELECT count(DISTINCT case_key) FROM stg_application
SELECT case_key,
       arg_min(
           person_id,
           (coalesce(list_position(['main', 'partner', 'other_adult', 'child'], role), 5), person_key)
       ) AS person_id,
       any_value(application_date) AS application_date,
       coalesce(bool_or(has_drug_need), FALSE) AS has_drug_need,
       coalesce(bool_or(has_alcohol_need), FALSE) AS has_alcohol_need,
       coalesce(bool_or(has_drug_need OR has_alcohol_need), FALSE) AS has_substance_need
FROM stg_application
GROUP BY case_key
