-- One row per cohort, quarter, person and stage: whether the person reached it, and after how many days. A stage needs the one before; a part is only some of those who reached a stage. What each means is in stage.
-- column cohort: The cohort, as in cohort.
-- column period_id: The quarter of the index day, as in period.
-- column person_id: The person, as in person.
-- column stage_number: Place of the stage in the cohort, from 1, which is the index event.
-- column stage: Its short name, as in stage.
-- column is_reached: True when the person reached it in time.
-- column days_from_index: Days from the index day to it; missing when it was not reached.
-- column days_from_previous: Days to it from the stage it needs or is a part of; missing when it was not reached, and for the index event.
-- check: unique cohort, period_id, person_id, stage_number
-- check: not_null cohort, period_id, person_id, stage_number, stage, is_reached
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: rows = SELECT count(*) FROM int_cohort_stage
SELECT cohort, period_id, person_id, stage_number, stage, is_reached, days_from_index,
       days_from_needed AS days_from_previous
FROM int_cohort_stage
ORDER BY cohort, period_id, person_id, stage_number
