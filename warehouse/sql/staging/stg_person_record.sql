-- One row per identity-bearing record that a partner sent: whose it is and what it says of them.
-- check: unique record_id
-- check: not_null record_id, person_id, partner
-- check: rows = SELECT (SELECT count(*) FROM police_custody) + (SELECT count(*) FROM probation_sentence) + (SELECT count(*) FROM treatment_episode) + (SELECT count(*) FROM housing_person) + (SELECT count(*) FROM police_intensive_programme) + (SELECT count(*) FROM police_suspected_drug_death) + (SELECT count(*) FROM treatment_secure_treatment) + (SELECT count(*) FROM treatment_cj_assessment) + (SELECT count(*) FROM treatment_prison_referral) + (SELECT count(*) FROM housing_rough_sleeping)
WITH sent AS (
    SELECT record_id, 'police' AS partner, arrest_date AS recorded_on,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM police_custody
    UNION ALL
    SELECT record_id, 'probation', sentence_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM probation_sentence
    UNION ALL
    SELECT record_id, 'treatment', coalesce(triaged, refld),
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM treatment_episode
    UNION ALL
    SELECT person.record_id, 'housing', application.application_date,
           person.sex, person.ethnicity, person.birth_year, person.postcode_district,
           person.no_fixed_abode
    FROM housing_person AS person
    LEFT JOIN housing_application AS application USING (case_key)
    UNION ALL
    SELECT record_id, 'police', start_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM police_intensive_programme
    UNION ALL
    SELECT record_id, 'police', death_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM police_suspected_drug_death
    UNION ALL
    SELECT record_id, 'treatment', start_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM treatment_secure_treatment
    UNION ALL
    SELECT record_id, 'treatment', initial_assessment_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM treatment_cj_assessment
    UNION ALL
    SELECT record_id, 'treatment', referral_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM treatment_prison_referral
    UNION ALL
    SELECT record_id, 'housing', sighting_date,
           sex, ethnicity, birth_year, postcode_district, no_fixed_abode
    FROM housing_rough_sleeping
)

SELECT record_person.person_id, sent.*
FROM sent
LEFT JOIN record_person USING (record_id)
