-- One row per cohort and person: the first day that brought them in, and what followed.
-- Only days whose whole follow-up lies before the earliest data are taken, so nobody is counted
-- as lost because the data stop.
-- check: unique cohort, person_id
-- check: not_null cohort, person_id, index_date, was_in_treatment
WITH bounds AS (
    SELECT least(police, treatment) - (policy('start_long') + policy('effective')) AS test_end,
           least(probation, treatment) - (policy('continuity') + policy('effective')) AS release_end
    FROM int_as_at
    -- least() passes over a missing date: without both partners there is no cohort.
    WHERE treatment IS NOT NULL
),

test AS (
    SELECT 'positive_test' AS cohort, test.person_id, test.test_date AS index_date,
           (bounds.test_end - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           bounds.test_end AS period_end,
           test.was_in_treatment, test.days_to_contact, test.days_to_start,
           row_number() OVER (
               PARTITION BY test.person_id ORDER BY test.test_date, test.drug_test_key
           ) AS place
    FROM int_positive_test AS test
    CROSS JOIN bounds
    WHERE test.test_date BETWEEN (bounds.test_end - INTERVAL 1 YEAR)::DATE + 1 AND bounds.test_end
),

release AS (
    SELECT 'release_need' AS cohort, released.person_id, released.release_date AS index_date,
           (bounds.release_end - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           bounds.release_end AS period_end,
           released.was_in_treatment, released.days_to_contact, released.days_to_start,
           row_number() OVER (
               PARTITION BY released.person_id ORDER BY released.release_date, released.release_key
           ) AS place
    FROM int_release_need AS released
    CROSS JOIN bounds
    WHERE released.release_date
        BETWEEN (bounds.release_end - INTERVAL 1 YEAR)::DATE + 1 AND bounds.release_end
)

SELECT * EXCLUDE (place) FROM test WHERE place = 1
UNION ALL
SELECT * EXCLUDE (place) FROM release WHERE place = 1
