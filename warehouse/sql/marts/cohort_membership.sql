-- One row per cohort and person: who is in the cohort, from which day, and how soon treatment followed. Only people whose whole follow-up lies before the data end are in.
-- column cohort: positive_test (first positive drug test on arrest in the period) or release_need (first release from prison with a treatment need in the period).
-- column person_id: The person, as in person.
-- column index_week: Monday of the week of the test or of the release.
-- exact index_date: The day of it.
-- column period_start: First day on which a test or release counts.
-- column period_end: Last day on which a test or release counts.
-- column was_in_treatment: True when a structured intervention had begun before the index day and was open on it.
-- column days_to_contact: Days from the index day until a treatment service was in contact with the person: 0 when an assessed episode was open already, else the next assessment (triage); missing when none followed.
-- column days_to_start: Days from the index day to structured treatment; missing when none followed. In positive_test the next intervention to begin; in release_need 0 also when one was open already (was_in_treatment).
-- check: unique cohort, person_id
-- check: not_null cohort, person_id, index_week, period_start, period_end, was_in_treatment
-- check: accepted cohort: positive_test, release_need
-- check: related person_id -> person.person_id
-- check: holds days_to_contact IS NULL OR days_to_contact >= 0
-- check: holds days_to_start IS NULL OR days_to_start >= 0
SELECT cohort, person_id, week_of(index_date) AS index_week, index_date, period_start, period_end,
       was_in_treatment, days_to_contact, days_to_start
FROM int_cohort
ORDER BY cohort, person_id
