-- One row per person: the earliest and the latest year of birth that their records give.
-- check: unique person_id
-- check: not_null person_id
-- check: rows = SELECT count(DISTINCT person_id) FROM stg_person_record
SELECT person_id, min(birth_year) AS earliest_year, max(birth_year) AS latest_year
FROM stg_person_record
GROUP BY person_id
