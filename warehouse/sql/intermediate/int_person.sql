-- One row per person, as linkage found them: what the mart person tells, and the year of birth and day of death that it does not.
-- check: unique person_id
-- check: not_null age_band, sex, ethnicity_group, area
-- check: rows = SELECT count(DISTINCT person_id) FROM stg_person_record
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
       age_band_of(aged.age) AS age_band,
       coalesce(aged.sex, 'U') AS sex,
       coalesce(code.category, 'Not stated') AS ethnicity_group,
       coalesce(aged.area, 'Not known') AS area, aged.birth_year, int_death.death_date,
       aged.ever_no_fixed_abode,
       aged.known_to_police, aged.known_to_probation, aged.known_to_treatment,
       aged.known_to_housing, aged.partners, aged.records
FROM aged
LEFT JOIN seed_code AS code ON code.list = 'ethnicity' AND code.code = aged.ethnicity
LEFT JOIN int_death ON int_death.person_id = aged.person_id
