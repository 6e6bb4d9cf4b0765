-- One row per person in structured treatment on at least one day of the latest 12 months, those known to be under 18 left out, by substance group.
-- column period_start: First day of the period.
-- column period_end: Last day of the period: the date of the treatment extract.
-- column person_id: The person, as in person.
-- column substance_group: Group of the person's latest journey in the period; Not known when no substance of it is recorded.
-- check: unique person_id
-- check: not_null person_id, substance_group, period_start, period_end
-- check: related person_id -> person.person_id
-- check: accepted substance_group: Opiate, Non-opiate & alcohol, Non-opiate only, Alcohol only, Not known
WITH period AS (
    SELECT (treatment - INTERVAL 1 YEAR)::DATE + 1 AS period_start, treatment AS period_end
    FROM int_as_at
)

SELECT period.period_start, period.period_end, journey.person_id,
       coalesce(arg_max_null(journey.substance_group, journey.journey_number), 'Not known')
           AS substance_group
FROM int_treatment_journey AS journey
INNER JOIN person USING (person_id)
INNER JOIN period
    ON journey.structured_start_date <= period.period_end
    AND coalesce(journey.structured_end_date, DATE '9999-12-31') >= period.period_start
WHERE person.age_band <> 'Under 18'
GROUP BY period.period_start, period.period_end, journey.person_id
ORDER BY journey.person_id
