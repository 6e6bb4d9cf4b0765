-- One row per cohort, person and step of the cohort's funnel: whether the person reached it. Each step counts only those who reached the one before, leaving out steps that are parts.
-- column cohort: The cohort, as in cohort_membership.
-- column step_number: Place of the step in the funnel, from 1.
-- column step: What reaching the step means.
-- column is_part: True for a step that is only a part of the step before it (those who were quicker), not a stage to pass.
-- column person_id: The person, as in person.
-- column is_reached: True when the person reached the step.
-- check: unique cohort, step_number, person_id
-- check: not_null cohort, step_number, step, is_part, person_id, is_reached
-- check: related person_id -> person.person_id
-- check: holds is_reached OR step_number > 1
WITH followed AS (
    SELECT cohort.*,
           CASE cohort.cohort
               WHEN 'positive_test' THEN policy('start_long') ELSE policy('continuity')
           END AS window_days,
           EXISTS (
               SELECT 1 FROM int_treatment_journey AS journey
               WHERE journey.person_id = cohort.person_id
                   AND journey.is_effective
                   AND cohort.index_date + cohort.days_to_start::INTEGER
                       BETWEEN journey.structured_start_date
                       AND coalesce(journey.structured_end_date, DATE '9999-12-31')
           ) AS is_retained
    FROM int_cohort AS cohort
),

reached AS (
    SELECT *,
           NOT was_in_treatment AS is_new,
           NOT was_in_treatment
               AND coalesce(days_to_assessment <= window_days, FALSE) AS is_assessed,
           NOT was_in_treatment
               AND coalesce(days_to_assessment <= window_days, FALSE)
               AND coalesce(days_to_start <= window_days, FALSE) AS is_started
    FROM followed
)

SELECT cohort, 1 AS step_number,
       CASE cohort
           WHEN 'positive_test' THEN 'Tested positive on arrest'
           ELSE 'Released from prison with a treatment need'
       END AS step,
       FALSE AS is_part, person_id, TRUE AS is_reached
FROM reached
UNION ALL
SELECT cohort, 2, 'Not already in structured treatment', FALSE, person_id, is_new
FROM reached
WHERE cohort = 'positive_test'
UNION ALL
SELECT cohort, 3,
       'Assessed by a treatment service within ' || window_days || ' days',
       FALSE, person_id, is_assessed
FROM reached
UNION ALL
SELECT cohort, 4,
       CASE cohort
           WHEN 'positive_test' THEN 'Started structured treatment within '
           ELSE 'In structured treatment within '
       END || window_days || ' days',
       FALSE, person_id, is_started
FROM reached
UNION ALL
SELECT cohort, 5,
       'Started structured treatment within ' || policy('start_short') || ' days',
       TRUE, person_id, is_started AND days_to_start <= policy('start_short')
FROM reached
WHERE cohort = 'positive_test'
UNION ALL
SELECT cohort, 6, 'Stayed 12 weeks, or completed sooner', FALSE, person_id,
       is_started AND is_retained
FROM reached
ORDER BY cohort, step_number, person_id
