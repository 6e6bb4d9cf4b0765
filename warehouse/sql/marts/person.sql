-- One row per person, as linkage found them. A person is a group of records judged to be of one human being: it may hold too many or too few.
-- column person_id: Random identifier of the person. It never changes while the person's records stay together, and has no meaning outside this partnership.
-- column age_band: Age reached in the year of the earliest of the extracts' dates, from the year of birth only, so it may be a year out; Not known when no record gives a year. Metrics and figure go by the year in which their period ends.
-- column sex: M, F or U (not known), as the latest record that knows it says.
-- column ethnicity_group: Broad ethnic group of the latest record that states one, else Not stated.
-- column area: Postcode district of the latest record that has one, else Not known.
-- column ever_no_fixed_abode: True when any record was given a postcode that means no fixed abode.
-- column known_to_police: True when at least one police record is this person's.
-- column known_to_probation: True when at least one probation record is this person's.
-- column known_to_treatment: True when at least one treatment record is this person's.
-- column known_to_housing: True when at least one housing record is this person's.
-- column partners: Number of partners that know the person, 1 to 4.
-- column records: Number of partners' records linked into the person.
-- check: unique person_id
-- check: not_null person_id, age_band, sex, ethnicity_group, area, partners, records
-- check: accepted sex: M, F, U
-- check: accepted age_band: Under 18, 18-24, 25-34, 35-44, 45-54, 55 and over, Not known
-- check: rows = SELECT count(DISTINCT person_id) FROM stg_person_record
-- check: holds partners BETWEEN 1 AND 4
SELECT person_id, age_band, sex, ethnicity_group, area, ever_no_fixed_abode,
       known_to_police, known_to_probation, known_to_treatment, known_to_housing, partners,
       records
FROM int_person
ORDER BY person_id
