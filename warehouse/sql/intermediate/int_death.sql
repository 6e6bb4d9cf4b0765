-- One row per person whose death is believed. It ends what was open and bounds what is followed;
-- no event is left out for it.
-- check: unique person_id
-- check: not_null person_id, death_date, source
-- check: rows = SELECT count(*) FILTER (is_believed) FROM int_death_report
SELECT person_id, death_date, source
FROM int_death_report
WHERE is_believed
