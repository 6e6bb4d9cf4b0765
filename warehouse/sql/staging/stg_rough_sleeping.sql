-- One row per sighting of a person sleeping rough.
-- check: unique rough_sleeping_key
-- check: not_null person_id, rough_sleeping_key
-- check: rows = SELECT count(*) FROM housing_rough_sleeping
SELECT record_person.person_id, sighting.rough_sleeping_key, sighting.sighting_date,
       sighting.local_authority
FROM housing_rough_sleeping AS sighting
LEFT JOIN record_person USING (record_id)
