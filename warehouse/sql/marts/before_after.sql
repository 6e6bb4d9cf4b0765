-- One row per person, quarter, kind of start and measure: how much of it there was in the 365 days before the start, and in the 365 after. Only where both windows are complete; whoever is known to have died within a year of the start is left out. A change is not an effect: people start when things are at their worst, and would often be better a year later anyhow.
-- column period_id: The quarter of the start, as in period. Only quarters that ended 365 days or more before the date of the extract that records the measure.
-- column person_id: The person, as in person; once a quarter and kind of start.
-- column step: What started, on the person's first such day in the quarter: treatment_start, prison_release or intensive_programme_start.
-- column measure: What is counted: arrests, neighbourhood_crime_arrests, drug_offence_arrests, positive_tests, sentences, recalls, homelessness_applications, rough_sleeping_sightings, days_in_custody, days_in_structured_treatment, days_owed_homelessness_duty or days_in_temporary_accommodation. Sightings and temporary accommodation are there only where housing sends them.
-- column unit: events, or days: the nights between the first and the last day of the spells, those of overlapping spells counted once.
-- column before: How much in the 365 days before the start. The day itself is in neither window.
-- column after: How much in the 365 days after it.
-- column difference: after less before.
-- check: unique person_id, period_id, step, measure
-- check: not_null period_id, person_id, step, measure, unit, before, after, difference
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: accepted step: treatment_start, prison_release, intensive_programme_start
-- check: accepted unit: events, days
-- check: rows = SELECT count(*) FROM int_before_after
SELECT period_id, person_id, step, measure, unit, before, after, after - before AS difference
FROM int_before_after
ORDER BY step, measure, person_id, period_id
