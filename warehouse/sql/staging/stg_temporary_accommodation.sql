-- One row per placement in temporary accommodation and person of the household.
-- check: unique temporary_accommodation_key, person_key
-- check: not_null person_id, temporary_accommodation_key
-- check: holds (SELECT count(DISTINCT temporary_accommodation_key) FROM stg_temporary_accommodation) = (SELECT count(*) FROM housing_temporary_accommodation SEMI JOIN housing_person USING (case_key))
SELECT application.person_id, application.person_key, placement.temporary_accommodation_key,
       placement.case_key, placement.accommodation_type, placement.start_date, placement.end_date
FROM housing_temporary_accommodation AS placement
INNER JOIN stg_application AS application USING (case_key)
