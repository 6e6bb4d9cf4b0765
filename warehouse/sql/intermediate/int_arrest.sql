-- One row per arrest: what it was for, what the test in custody found, and when the person was next arrested.
-- check: unique custody_key
-- check: not_null person_id, custody_key, is_neighbourhood_crime, is_drug_offence, is_supply, is_drug_factor
-- check: rows = SELECT count(*) FROM stg_custody
WITH tested AS (
    SELECT custody_key, bool_or(result_category = 'positive') AS is_positive
    FROM stg_drug_test
    GROUP BY custody_key
)

SELECT custody.person_id, custody.custody_key, custody.arrest_date,
       coalesce(class.label, 'Not known') AS offence,
       coalesce(upper(class.category[1]) || class.category[2:], 'Not known') AS offence_group,
       coalesce(class.category = 'neighbourhood crime', FALSE) AS is_neighbourhood_crime,
       coalesce(upper(drug.category[1]) || drug.category[2:], 'Not a drug offence') AS drug_offence,
       drug.category IS NOT NULL AS is_drug_offence,
       coalesce(drug.category = 'supply', FALSE) AS is_supply,
       -- The custody record names no substance: a drug offence or a positive test stands for it.
       drug.category IS NOT NULL OR coalesce(tested.is_positive, FALSE) AS is_drug_factor,
       -- Arrests of one day are one occasion; the next is on a later day.
       min(custody.arrest_date) OVER (
           PARTITION BY custody.person_id ORDER BY custody.arrest_date
           RANGE BETWEEN INTERVAL 1 DAY FOLLOWING AND UNBOUNDED FOLLOWING
       ) - custody.arrest_date AS days_to_next_arrest
FROM stg_custody AS custody
LEFT JOIN tested USING (custody_key)
LEFT JOIN seed_code AS class
    ON class.list = 'offence_class' AND class.code = custody.offence_class
LEFT JOIN seed_code AS drug ON drug.list = 'drug_offence' AND drug.code = custody.offence_class
