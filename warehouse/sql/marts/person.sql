-- One row per person, as linkage found them. A person is a group of records judged to be of one human being: it may hold too many or too few.
-- column person_id: Random identifier of the person. It never changes while the person's records stay together, and has no meaning outside this partnership.
-- column age_band: Age reached in the year of the earliest of the extracts' dates, from the year of birth only, so it may be a year out; Not known when no record gives a year.
-- column sex: M, F or U (not known), as the latest record that knows it says.
-- column ethnicity_group: Broad ethnic group of the latest record that states one, else Not stated.
-- column area: Postcode district of the latest record that has one; missing when none has.
-- column ever_no_fixed_abode: True when any record was given a postcode that means no fixed abode.
-- column known_to_police: True when at least one police record is this person's.
-- column known_to_probation: True when at least one probation record is this person's.
-- column known_to_treatment: True when at least one treatment record is this person's.
-- column known_to_housing: True when at least one housing record is this person's.
-- column partners: Number of partners that know the person, 1 to 4.
-- column records: Number of partners' records linked into the person.
-- check: unique person_id
-- check: not_null person_id, age_band, sex, ethnicity_group, partners, records
-- check: accepted sex: M, F, U
-- check: accepted age_band: Under 18, 18-24, 25-34, 35-44, 45-54, 55 and over, Not known
-- check: rows = SELECT count(DISTINCT person_id) FROM stg_person_record
-- check: holds partners BETWEEN 1 AND 4
WITH latest AS (
    SELECT person_id,
           arg_max(sex, (recorded_on, record_id)) FILTER (sex IN ('M', 'F')) AS sex,
           arg_max(ethnicity, (recorded_on, record_id)) FILTER (ethnicity <> 'NS') AS ethnicity,
           arg_max(birth_year, (recorded_on, record_id)) AS birth_year,
           arg_max(postcode_district, (recorded_on, record_id)) AS area,
           coalesce(bool_or(no_fixed_abode), FALSE) AS ever_no_fixed_abode,
           bool_or(partner = 'police') AS known_to_police,
           bool_or(partner = 'probation') AS known_to_probation,
           bool_or(partner = 'treatment') AS known_to_treatment,
           bool_or(partner = 'housing') AS known_to_housing,
           count(DISTINCT partner) AS partners,
           count(*) AS records
    FROM stg_person_record
    GROUP BY person_id
),

aged AS (
    SELECT latest.*, year(int_as_at.earliest) - latest.birth_year AS age
    FROM latest
    CROSS JOIN int_as_at
)

SELECT aged.person_id,
       CASE
           WHEN aged.age IS NULL THEN 'Not known'
           WHEN aged.age < 18 THEN 'Under 18'
           WHEN aged.age < 25 THEN '18-24'
           WHEN aged.age < 35 THEN '25-34'
           WHEN aged.age < 45 THEN '35-44'
           WHEN aged.age < 55 THEN '45-54'
           ELSE '55 and over'
       END AS age_band,
       coalesce(aged.sex, 'U') AS sex,
       coalesce(code.category, 'Not stated') AS ethnicity_group,
       aged.area, aged.ever_no_fixed_abode,
       aged.known_to_police, aged.known_to_probation, aged.known_to_treatment,
       aged.known_to_housing, aged.partners, aged.records
FROM aged
LEFT JOIN seed_code AS code ON code.list = 'ethnicity' AND code.code = aged.ethnicity
ORDER BY aged.person_id
