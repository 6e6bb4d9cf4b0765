-- One row per cohort and person: who is in the cohort, from which day. Only people whose whole follow-up lies before the data end are in.
-- column cohort: positive_test (first positive drug test on arrest in the period) or release_need (first release from prison with a treatment need in the period).
-- column person_id: The person, as in person.
-- column index_date: The day of the test or of the release.
-- column period_start: First day on which a test or release counts.
-- column period_end: Last day on which a test or release counts.
-- check: unique cohort, person_id
-- check: not_null cohort, person_id, index_date, period_start, period_end
-- check: accepted cohort: positive_test, release_need
-- check: related person_id -> person.person_id
-- check: holds index_date BETWEEN period_start AND period_end
SELECT cohort, person_id, index_date, period_start, period_end
FROM int_cohort
ORDER BY cohort, person_id
