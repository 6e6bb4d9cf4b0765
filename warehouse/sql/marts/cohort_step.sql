-- One row per cohort, person and step of the cohort's funnel: whether the person reached it. Each step counts only those who reached the one before, leaving out steps that are parts. Steps are numbered as in the published funnel.csv.
-- column cohort: The cohort, as in cohort_membership.
-- column step_number: Place of the step in the cohort's funnel, from 1 without gaps.
-- column step: What reaching the step means.
-- column is_part: True for a step that is only a part of the stage above it, not a stage to pass.
-- column of_step: Number of the step whose people a percentage is of: the whole cohort, or those not already in structured treatment.
-- column person_id: The person, as in person.
-- column is_reached: True when the person reached the step. Staying means that the last day of structured treatment in that journey is 84 or more days after the later of the index day and the start, or that the journey was completed successfully sooner.
-- check: unique cohort, step_number, person_id
-- check: not_null cohort, step_number, step, is_part, of_step, person_id, is_reached
-- check: related person_id -> person.person_id
-- check: holds is_reached OR step_number > 1
-- check: holds of_step <= step_number
WITH followed AS (
    SELECT cohort.*,
           CASE cohort.cohort
               WHEN 'positive_test' THEN policy('start_long') ELSE policy('continuity')
           END AS window_days,
           -- The later of the index day and the start of treatment.
           cohort.index_date + cohort.days_to_start::INTEGER AS begun
    FROM int_cohort AS cohort
),

retained AS (
    SELECT followed.cohort, followed.person_id,
           bool_or(
               journey.is_successful_completion
               OR coalesce(journey.structured_end_date, int_as_at.treatment) - followed.begun
               >= policy('effective')
           ) AS is_retained
    FROM followed
    CROSS JOIN int_as_at
    INNER JOIN int_treatment_journey AS journey
        ON journey.person_id = followed.person_id
        AND followed.begun BETWEEN journey.structured_start_date
        AND coalesce(journey.structured_end_date, DATE '9999-12-31')
    GROUP BY followed.cohort, followed.person_id
),

eligible AS (
    -- Who is treated already cannot start after a test; after a release they are in treatment.
    SELECT followed.*, coalesce(retained.is_retained, FALSE) AS is_retained,
           followed.cohort = 'release_need' OR NOT followed.was_in_treatment AS is_eligible
    FROM followed
    LEFT JOIN retained USING (cohort, person_id)
),

reached AS (
    SELECT *,
           is_eligible AND coalesce(days_to_contact <= window_days, FALSE) AS is_in_contact,
           is_eligible
               AND coalesce(days_to_contact <= window_days, FALSE)
               AND coalesce(days_to_start <= window_days, FALSE) AS is_treated
    FROM eligible
),

step AS (
    SELECT cohort, person_id, unnest([
        {number: 1, step: 'Tested positive on arrest', part: FALSE, base: 1, reached: TRUE},
        {number: 2, step: 'Already in structured treatment', part: TRUE, base: 1,
         reached: was_in_treatment},
        {number: 3, step: 'Not already in structured treatment', part: FALSE, base: 1,
         reached: NOT was_in_treatment},
        {number: 4, step: 'In contact with a treatment service within ' || window_days || ' days',
         part: FALSE, base: 3, reached: is_in_contact},
        {number: 5, step: 'Started structured treatment within ' || window_days || ' days',
         part: FALSE, base: 3, reached: is_treated},
        {number: 6, step: 'Started structured treatment within ' || policy('start_short') || ' days',
         part: TRUE, base: 3, reached: is_treated AND days_to_start <= policy('start_short')},
        {number: 7, step: 'Stayed 12 weeks, or completed sooner', part: FALSE, base: 3,
         reached: is_treated AND is_retained}
    ]) AS told
    FROM reached
    WHERE cohort = 'positive_test'
    UNION ALL
    SELECT cohort, person_id, unnest([
        {number: 1, step: 'Released from prison with a treatment need', part: FALSE, base: 1,
         reached: TRUE},
        {number: 2, step: 'In contact with a treatment service within ' || window_days || ' days',
         part: FALSE, base: 1, reached: is_in_contact},
        {number: 3, step: 'In structured treatment within ' || window_days || ' days',
         part: FALSE, base: 1, reached: is_treated},
        {number: 4, step: 'Already in it on the day of release', part: TRUE, base: 1,
         reached: is_treated AND was_in_treatment},
        {number: 5, step: 'Stayed 12 weeks, or completed sooner', part: FALSE, base: 1,
         reached: is_treated AND is_retained}
    ])
    FROM reached
    WHERE cohort = 'release_need'
)

SELECT cohort, told.number AS step_number, told.step AS step, told.part AS is_part,
       told.base AS of_step, person_id, told.reached AS is_reached
FROM step
ORDER BY cohort, step_number, person_id
