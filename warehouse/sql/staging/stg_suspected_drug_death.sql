-- One row per report of a suspected drug-related death, by person. A person may be reported twice.
-- check: unique suspected_drug_death_key
-- check: not_null person_id, suspected_drug_death_key
-- check: rows = SELECT count(*) FROM police_suspected_drug_death
SELECT record_person.person_id, death.suspected_drug_death_key, death.death_date,
       death.reported_date, death.suspected_drug, death.death_status
FROM police_suspected_drug_death AS death
LEFT JOIN record_person USING (record_id)
