-- One row per person and kind of step: the person's first such step in the 12 months, and what came next within 90 days. Each person is in one row of a kind, so the kinds of next step add up to the people.
-- column period_start: First day of the period, 12 months before its end.
-- column period_end: Last day of the period: the earliest of the extracts' dates, less the follow-up of 90 days.
-- column person_id: The person, as in person.
-- column step: Kind of the first step (list step in code).
-- column step_date: The day of it.
-- column next_step: Kind of the next step within the follow-up (list step in code); missing when there was none. A drug test does not follow the arrest of its own custody, nor a release its own sentence. Of two steps on one day, the order of the list step in code decides.
-- column days_to_next: Days to it; missing when there was none.
-- column still_in: When there was no next step, what the person was in on the last day of the follow-up: treatment (an intervention or an assessed episode was open), custody, supervision (as planned), homelessness duty, or the tenancy that was the step itself; missing when nothing.
-- column next_kind: The wider kind that is published (list next_step in code): the next step, else Still with a service, else No new step recorded.
-- check: unique step, person_id
-- check: not_null period_start, period_end, person_id, step, step_date, next_kind
-- check: related person_id -> person.person_id
-- check: accepted still_in: treatment, custody, supervision, homelessness duty, tenancy
-- check: rows = SELECT count(*) FROM int_transition
-- check: holds next_step IS NULL OR still_in IS NULL
WITH spent AS (
    SELECT person_id,
           CASE spell_type
               WHEN 'structured_treatment' THEN 'treatment'
               WHEN 'homelessness_duty' THEN 'homelessness duty'
               WHEN 'licence' THEN 'supervision'
               ELSE spell_type
           END AS kind,
           start_date, coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM int_spell
    WHERE spell_type IN (
        'structured_treatment', 'custody', 'supervision', 'licence', 'homelessness_duty', 'tenancy'
    )
    UNION ALL
    SELECT person_id, 'treatment', triage_date, coalesce(discharge_date, DATE '9999-12-31')
    FROM stg_episode
    WHERE triage_date IS NOT NULL
),

stayed AS (
    SELECT step.person_id, step.step,
           arg_min(spent.kind, CASE spent.kind
               WHEN 'treatment' THEN 1
               WHEN 'custody' THEN 2
               WHEN 'supervision' THEN 3
               WHEN 'homelessness duty' THEN 4
               ELSE 5
           END) AS still_in
    FROM int_transition AS step
    INNER JOIN spent
        ON spent.person_id = step.person_id
        AND step.step_date + policy('next_contact') BETWEEN spent.start_date AND spent.end_date
        -- A tenancy held all along is not a contact; the one that was the step is its outcome.
        AND (spent.kind <> 'tenancy'
             OR (step.step = 'tenancy_start' AND spent.start_date = step.step_date))
    WHERE step.next_step IS NULL
    GROUP BY step.person_id, step.step
)

SELECT step.period_start, step.period_end, step.person_id, step.step, step.step_date,
       step.next_step, step.days_to_next, stayed.still_in,
       kind.label AS next_kind
FROM int_transition AS step
LEFT JOIN stayed USING (person_id, step)
LEFT JOIN seed_code AS kind
    ON kind.list = 'next_step'
    AND kind.code = coalesce(
        step.next_step, CASE WHEN stayed.still_in IS NOT NULL THEN 'still_open' ELSE 'none' END
    )
ORDER BY step.step, step.person_id
