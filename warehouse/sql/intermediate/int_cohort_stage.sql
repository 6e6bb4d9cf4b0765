-- One row per cohort, quarter, person and stage of those whose follow-up is over: the day the stage was reached, and days since the index day and since the stage it needs.
-- check: unique cohort, period_id, person_id, stage_number
-- check: not_null cohort, period_id, person_id, stage_number, is_reached
-- check: holds is_reached OR stage_number > 1
-- check: holds days_from_index IS NULL OR days_from_index >= 0
-- check: holds days_from_needed IS NULL OR days_from_needed BETWEEN 0 AND days_from_index
SELECT member.cohort, quarter.period_id, member.person_id, member.index_date,
       stage.stage_number, stage.stage, stage.of_number,
       member.reached[stage.stage_number] AS reached_date,
       member.reached[stage.stage_number] IS NOT NULL AS is_reached,
       member.reached[stage.stage_number] - member.index_date AS days_from_index,
       CASE WHEN stage.stage_number > 1 THEN
           member.reached[stage.stage_number] - member.reached[stage.of_number]
       END AS days_from_needed
FROM int_cohort AS member
INNER JOIN int_cohort_quarter AS quarter
    ON quarter.cohort = member.cohort AND quarter.start_date = member.quarter_start
    AND quarter.is_reported
INNER JOIN cohort_stage_given AS stage ON stage.cohort = member.cohort
