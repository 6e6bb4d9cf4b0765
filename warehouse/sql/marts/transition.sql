-- One row per person, quarter and kind of step: the person's first such step in the quarter, and what came next within 90 days. Each person is in one row of a kind and quarter, so the kinds of next step add up to the people; over four quarters a person may count once in each.
-- column period_id: The quarter of the step, as in period. Only quarters that ended 90 days or more before the earliest of the extracts' dates.
-- column person_id: The person, as in person.
-- column step: Kind of the first step (list step in code).
-- column step_week: Monday of the week of it.
-- exact step_date: The day of it.
-- column next_step: Kind of the next step within the follow-up (list step in code); missing when there was none. A drug test does not follow the arrest of its own custody, nor a release its own sentence. Of two steps on one day, the order of the list step in code decides.
-- column days_to_next: Days to it; missing when there was none.
-- column still_in: When there was no next step, what the person was in on the last day of the follow-up: treatment (an intervention, an assessed episode or treatment in a secure setting was open), custody, supervision (as planned, on licence included), caseload, intensive programme, homelessness duty, temporary accommodation, or the tenancy that was the step itself; missing when nothing.
-- column has_died: True when a believed death lies within the follow-up; whoever has died is still with no service.
-- column next_kind: The wider kind that is published (list next_step in code): the next step, else Still with a service, else No new step recorded.
-- check: unique step, person_id, period_id
-- check: not_null period_id, person_id, step, step_week, has_died, next_kind
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: accepted still_in: treatment, custody, supervision, caseload, intensive programme, homelessness duty, temporary accommodation, tenancy
-- check: rows = SELECT count(*) FROM int_transition
-- check: holds next_step IS NULL OR still_in IS NULL
WITH care AS (
    -- In the order in which one is named when a person is in several.
    FROM (VALUES
        ('structured_treatment', 'treatment', 1), ('treatment_journey', 'treatment', 1),
        ('secure_treatment', 'treatment', 1), ('custody', 'custody', 2),
        ('supervision', 'supervision', 3), ('licence', 'supervision', 3),
        ('caseload', 'caseload', 4), ('intensive_programme', 'intensive programme', 5),
        ('homelessness_duty', 'homelessness duty', 6),
        ('temporary_accommodation', 'temporary accommodation', 7), ('tenancy', 'tenancy', 8)
    ) AS named(spell_type, still_in, place)
),

stayed AS (
    SELECT step.person_id, step.period_id, step.step,
           arg_min(care.still_in, care.place) AS still_in
    FROM int_transition AS step
    INNER JOIN int_spell AS spell
        ON spell.person_id = step.person_id
        AND step.step_date + policy('next_contact')
            BETWEEN spell.start_date AND coalesce(spell.end_date, DATE '9999-12-31')
        -- A tenancy held all along is not a contact; the one that was the step is its outcome.
        AND (spell.spell_type <> 'tenancy'
             OR (step.step = 'tenancy_start' AND spell.start_date = step.step_date))
    INNER JOIN care USING (spell_type)
    WHERE step.next_step IS NULL
    GROUP BY step.person_id, step.period_id, step.step
)

SELECT step.period_id, step.person_id, step.step, own_week(step.step_date, clock.days_off) AS step_week,
       step.step_date, step.next_step, step.days_to_next, stayed.still_in,
       coalesce(death.death_date <= step.step_date + policy('next_contact'), FALSE) AS has_died,
       kind.label AS next_kind
FROM int_transition AS step
INNER JOIN clock_given AS clock USING (person_id)
LEFT JOIN stayed USING (person_id, period_id, step)
LEFT JOIN int_death AS death USING (person_id)
LEFT JOIN seed_code AS kind
    ON kind.list = 'next_step'
    AND kind.code = coalesce(
        step.next_step, CASE WHEN stayed.still_in IS NOT NULL THEN 'still_open' ELSE 'none' END
    )
ORDER BY step.step, step.person_id, step.period_id
