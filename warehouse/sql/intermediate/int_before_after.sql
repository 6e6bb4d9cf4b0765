-- One row per person, quarter, kind of start and measure: how much of it there was in the
-- policy('before_after') days before the first such start in the quarter, and in as many after. The
-- day itself is in neither. Only where both windows are complete: the last day's follow-up lies
-- before the data of the partner that records the measure, whose data reach back far enough, and the
-- person is not known to have died within it. A table that a partner may leave out is counted only
-- where it was sent: nought would say that nobody slept rough.
-- check: unique person_id, period_id, step, measure
-- check: not_null person_id, period_id, step, measure, before, after
-- check: holds before >= 0 AND after >= 0
-- check: holds unit <> 'days' OR (before <= policy('before_after') AND after <= policy('before_after'))
WITH counted_measure AS (
    FROM (VALUES
        ('arrests', 'police', 'events'),
        ('neighbourhood_crime_arrests', 'police', 'events'),
        ('drug_offence_arrests', 'police', 'events'),
        ('positive_tests', 'police', 'events'),
        ('sentences', 'probation', 'events'),
        ('recalls', 'probation', 'events'),
        ('days_in_custody', 'probation', 'days'),
        ('days_in_structured_treatment', 'treatment', 'days'),
        ('homelessness_applications', 'housing', 'events'),
        ('rough_sleeping_sightings', 'housing', 'events'),
        ('days_owed_homelessness_duty', 'housing', 'days'),
        ('days_in_temporary_accommodation', 'housing', 'days')
    ) AS named(measure, partner, unit)
),

measure AS (
    SELECT * FROM counted_measure
    WHERE (measure <> 'rough_sleeping_sightings' OR EXISTS (FROM stg_rough_sleeping))
        AND (measure <> 'days_in_temporary_accommodation'
             OR EXISTS (FROM stg_temporary_accommodation))
),

event AS (
    SELECT custody.person_id,
           unnest(list_concat(
               ['arrests'],
               CASE code.category
                   WHEN 'neighbourhood crime' THEN ['neighbourhood_crime_arrests']
                   WHEN 'drugs' THEN ['drug_offence_arrests']
               END
           )) AS measure,
           custody.arrest_date AS event_date
    FROM stg_custody AS custody
    LEFT JOIN seed_code AS code
        ON code.list = 'offence_class' AND code.code = custody.offence_class
    UNION ALL
    SELECT person_id, 'positive_tests', test_date FROM stg_drug_test
    WHERE result_category = 'positive'
    UNION ALL
    SELECT person_id, 'sentences', sentence_date FROM stg_sentence
    UNION ALL
    SELECT person_id, 'recalls', recall_date FROM stg_prison_release
    UNION ALL
    SELECT person_id, 'homelessness_applications', application_date FROM stg_application
    UNION ALL
    SELECT person_id, 'rough_sleeping_sightings', sighting_date FROM stg_rough_sleeping
),

-- The part of each spell that no earlier one of its kind covers, so that a day counts once.
spell AS (
    SELECT person_id,
           CASE spell_type
               WHEN 'custody' THEN 'days_in_custody'
               WHEN 'structured_treatment' THEN 'days_in_structured_treatment'
               WHEN 'homelessness_duty' THEN 'days_owed_homelessness_duty'
               WHEN 'temporary_accommodation' THEN 'days_in_temporary_accommodation'
           END AS measure,
           until - own_days::INTEGER AS start_date, until
    FROM int_spell
    WHERE own_days > 0
),

start AS (
    SELECT step.person_id, step.period_id, step.step, step.period_start, step.period_end,
           step.step_date,
           step.step_date - policy('before_after') AS first_day,
           step.step_date + policy('before_after') AS last_day
    FROM int_index_step AS step
    LEFT JOIN int_death AS death USING (person_id)
    WHERE step.step IN ('treatment_start', 'prison_release', 'intensive_programme_start')
        AND coalesce(death.death_date > step.step_date + policy('before_after'), TRUE)
),

complete AS (
    SELECT start.*, measure.measure, measure.unit
    FROM start
    CROSS JOIN measure
    INNER JOIN extract
        ON extract.partner = measure.partner
        AND start.period_end + policy('before_after') <= extract.data_as_at
    LEFT JOIN data_from_given AS given ON given.partner = measure.partner
    WHERE given.data_from IS NULL OR start.period_start - policy('before_after') >= given.data_from
),

counted AS (
    SELECT start.person_id, start.period_id, start.step, event.measure,
           count(*) FILTER (event.event_date < start.step_date) AS before,
           count(*) FILTER (event.event_date > start.step_date) AS after
    FROM start
    INNER JOIN event
        ON event.person_id = start.person_id
        AND event.event_date BETWEEN start.first_day AND start.last_day
    GROUP BY start.person_id, start.period_id, start.step, event.measure
    UNION ALL
    SELECT start.person_id, start.period_id, start.step, spell.measure,
           sum(greatest(
               least(spell.until, start.step_date) - greatest(spell.start_date, start.first_day), 0
           )),
           sum(greatest(
               least(spell.until, start.last_day) - greatest(spell.start_date, start.step_date), 0
           ))
    FROM start
    INNER JOIN spell
        ON spell.person_id = start.person_id
        AND spell.start_date < start.last_day AND spell.until > start.first_day
    WHERE spell.measure IS NOT NULL
    GROUP BY start.person_id, start.period_id, start.step, spell.measure
)

SELECT complete.period_id, complete.person_id, complete.step, complete.measure, complete.unit,
       coalesce(counted.before, 0)::INTEGER AS before,
       coalesce(counted.after, 0)::INTEGER AS after
FROM complete
LEFT JOIN counted USING (person_id, period_id, step, measure)
