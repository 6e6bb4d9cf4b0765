-- One row per cohort and stage: what reaching it means. It is made from the cohort's file.
-- column cohort: The cohort, as in cohort.
-- column stage_number: Place of the stage in the cohort, from 1, which is the index event.
-- column stage: Its short name.
-- column title: What a reader sees.
-- column meaning: What is looked for, with its numbers of days.
-- column is_part: True for some of those who reached a stage, which no later stage needs.
-- column of_stage: Number of the stage it needs or is a part of; of the index event its own.
-- column measures: What the time to event of the stage is the time to: until it was reached, until the step happened that it wants not to happen, or until the spell ended that it wants to last; missing where there is none.
-- check: unique cohort, stage_number
-- check: unique cohort, stage
-- check: not_null cohort, stage_number, stage, title, meaning, is_part, of_stage
-- check: related cohort -> cohort.cohort
-- check: holds of_stage < stage_number OR stage_number = 1
SELECT cohort, stage_number, stage, title, meaning, is_part, of_number AS of_stage, measures
FROM cohort_stage_given
ORDER BY cohort, stage_number
