-- One row per homelessness application and person of the household: what the household needed, what it was owed, and what came of it. Needs, duties and outcomes are the household's, not the person's; a support need is not a treatment need.
-- column person_id: The person, as in person.
-- column case_number: Number of the application in this release, the same for all of its household; it changes from release to release.
-- column role: The person's place in the household: main, partner, other_adult or child.
-- column people: Number of people of the household in this release.
-- column application_week: Monday of the week of the application.
-- exact application_date: Day of the application.
-- column assessment: What was found: prevention (threatened within 56 days), relief (homeless) or none.
-- column accommodation_at_application: Where the household lived then (list accommodation_at_application in code).
-- column has_drug_need: True with the need drug dependency; missing when it was not said.
-- column has_alcohol_need: True with the need alcohol dependency; missing when it was not said.
-- column has_mental_health_need: The same of mental health.
-- column has_offending_need: The same of an offending history.
-- column has_rough_sleeping_need: The same of a history of rough sleeping.
-- column has_repeat_homelessness_need: The same of repeat homelessness.
-- column has_domestic_abuse_need: The same of domestic abuse.
-- column needs: Number of needs said to be there, of all fourteen.
-- column was_owed_prevention: True when a prevention duty was owed.
-- column was_owed_relief: True when a relief duty was owed.
-- column was_owed_main: True when the main duty was owed.
-- column main_duty_decision: What was decided of the main duty, where it came to that.
-- column days_to_decision: Days from the application to that decision.
-- column days_to_duty: Days from the application to the first duty; missing without one.
-- column duty_days: Days from the start of the first duty to the end of the last; while one is open, to the date of housing's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- column is_open: True while a duty is open.
-- column outcome: Why the last duty to end ended (list duty_end_reason in code); missing while a duty is open or without one.
-- column temporary_accommodation_days: Days in temporary accommodation, each counted once; 0 without any. A stay that goes on is counted to the date of housing's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- check: unique person_id, case_number
-- check: not_null person_id, case_number, people, application_week, needs, is_open, temporary_accommodation_days
-- check: related person_id -> person.person_id
-- check: rows = SELECT count(DISTINCT (person_id, case_key)) FROM stg_application INNER JOIN extract ON extract.partner = 'housing' AND application_date <= extract.data_as_at
-- check: holds NOT is_open OR is_in_weeks(duty_days)
-- check: holds days_to_duty IS NULL OR duty_days >= 0
WITH applicant AS (
    -- Linkage may find one person twice in a household: the nearer to the application counts.
    SELECT application.*
    FROM stg_application AS application
    INNER JOIN extract
        ON extract.partner = 'housing' AND application.application_date <= extract.data_as_at
    QUALIFY row_number() OVER (
        PARTITION BY application.person_id, application.case_key
        ORDER BY CASE application.role
            WHEN 'main' THEN 1 WHEN 'partner' THEN 2 WHEN 'other_adult' THEN 3 ELSE 4
        END, application.person_key
    ) = 1
),

duty AS (
    SELECT duty.case_key, min(duty.start_date) AS first_date,
           max(coalesce(duty.end_date, extract.data_as_at)) AS last_date,
           bool_or(duty.duty = 'prevention') AS was_owed_prevention,
           bool_or(duty.duty = 'relief') AS was_owed_relief,
           bool_or(duty.duty = 'main') AS was_owed_main,
           bool_or(duty.end_date IS NULL) AS is_open,
           arg_max(duty.end_reason, (duty.end_date, duty.duty_key)) AS outcome
    FROM stg_duty AS duty
    INNER JOIN extract
        ON extract.partner = 'housing' AND duty.start_date <= extract.data_as_at
    GROUP BY duty.case_key
),

stay AS (
    SELECT DISTINCT temporary_accommodation_key, case_key
    FROM stg_temporary_accommodation
),

placed AS (
    SELECT spell.person_id, stay.case_key,
           sum(lasted(spell.own_start_date, spell.until, spell.end_date IS NOT NULL, clock.days_off))::BIGINT
               AS days
    FROM int_spell AS spell
    INNER JOIN clock_given AS clock ON clock.person_id = spell.person_id
    INNER JOIN stay
        ON spell.spell_type = 'temporary_accommodation'
        AND stay.temporary_accommodation_key = spell.spell_key
    GROUP BY spell.person_id, stay.case_key
)

SELECT applicant.person_id, dense_rank() OVER (ORDER BY case_key) AS case_number,
       applicant.role, count(*) OVER (PARTITION BY case_key) AS people,
       own_week(applicant.application_date, clock.days_off) AS application_week, applicant.application_date,
       applicant.assessment, applicant.accommodation_at_application,
       applicant.has_drug_need, applicant.has_alcohol_need, applicant.has_mental_health_need,
       applicant.has_offending_need, applicant.has_rough_sleeping_need,
       applicant.has_repeat_homelessness_need, applicant.has_domestic_abuse_need,
       len(list_filter([
           applicant.has_drug_need, applicant.has_alcohol_need, applicant.has_mental_health_need,
           applicant.has_learning_disability_need, applicant.has_physical_health_need,
           applicant.has_offending_need, applicant.has_rough_sleeping_need,
           applicant.has_repeat_homelessness_need, applicant.has_domestic_abuse_need,
           applicant.has_sexual_abuse_need, applicant.has_care_leaver_need,
           applicant.has_armed_forces_need, applicant.has_modern_slavery_need,
           applicant.has_young_parent_need
       ], lambda need: need)) AS needs,
       coalesce(duty.was_owed_prevention, FALSE) AS was_owed_prevention,
       coalesce(duty.was_owed_relief, FALSE) AS was_owed_relief,
       coalesce(duty.was_owed_main, FALSE) AS was_owed_main,
       applicant.main_duty_decision,
       applicant.main_duty_decision_date - applicant.application_date AS days_to_decision,
       duty.first_date - applicant.application_date AS days_to_duty,
       lasted(
           duty.first_date, greatest(duty.last_date, duty.first_date), NOT duty.is_open, clock.days_off
       ) AS duty_days,
       coalesce(duty.is_open, FALSE) AS is_open,
       CASE WHEN NOT duty.is_open THEN duty.outcome END AS outcome,
       coalesce(placed.days, 0) AS temporary_accommodation_days
FROM applicant
INNER JOIN clock_given AS clock USING (person_id)
LEFT JOIN duty USING (case_key)
LEFT JOIN placed USING (person_id, case_key)
ORDER BY applicant.person_id, case_number
