-- One row per cohort, period and stage: how many reached it, how many fell out before it, and how long it took. Twelve months are the sum of four quarters, all of them reported: a person may count once in each.
-- column cohort: The cohort, as in cohort.
-- column period_kind: quarter or twelve months.
-- column period_id: The quarter, or the one that the twelve months end with, as in period.
-- column start_date: First day on which an index event counts.
-- column end_date: Last day on which one counts.
-- column stage_number: Place of the stage in the cohort, from 1, which is the index event.
-- column stage: Its short name, as in stage.
-- column title: What a reader sees.
-- column is_part: True for some of those who reached a stage, which no later stage needs.
-- column of_stage: Number of the stage it needs or is a part of; of the index event its own.
-- column reached: Those who reached it, each once a quarter.
-- column reached_people: Different people among them.
-- column of_reached: Those who reached the stage it needs or is a part of.
-- column lost: Those of them who did not reach this one.
-- column in_cohort: Everyone in the cohort.
-- column in_cohort_people: Different people among them.
-- column percent_of_cohort: Reached, as a percentage of everyone in the cohort.
-- column percent_of_previous: Reached, as a percentage of those who reached the stage it needs.
-- column median_days_from_index: Half of those who reached it did so within this many days of the index day.
-- column days_lower_quartile: A quarter of those who reached it did so within this many days of the stage it needs.
-- column days_median: Half of them did.
-- column days_upper_quartile: Three quarters of them did.
-- check: unique cohort, period_kind, period_id, stage_number
-- check: not_null cohort, period_kind, period_id, stage_number, reached, of_reached, lost, in_cohort
-- check: related cohort -> cohort.cohort
-- check: related period_id -> period.period_id
-- check: accepted period_kind: quarter, twelve months
-- check: holds reached BETWEEN 0 AND of_reached AND of_reached <= in_cohort
-- check: holds reached_people <= reached AND lost = of_reached - reached
-- check: holds stage_number > 1 OR reached = in_cohort
-- check: holds (SELECT sum(reached) FROM funnel WHERE period_kind = 'quarter') = (SELECT count(*) FROM int_cohort_stage WHERE is_reached)
WITH counted_in AS (
    SELECT cohort, 'quarter' AS period_kind, period_id, start_date, end_date,
           period_id AS quarter_id
    FROM int_cohort_quarter
    WHERE is_reported
    UNION ALL
    SELECT last.cohort, 'twelve months', last.period_id, last.year_start, last.end_date,
           quarter.period_id
    FROM int_cohort_quarter AS last
    INNER JOIN int_cohort_quarter AS quarter
        ON quarter.cohort = last.cohort AND quarter.is_reported
        AND quarter.start_date BETWEEN last.year_start AND last.end_date
    QUALIFY count(*) OVER (PARTITION BY last.cohort, last.period_id) = 4
),

period AS (
    SELECT DISTINCT cohort, period_kind, period_id, start_date, end_date FROM counted_in
),

counted AS (
    SELECT counted_in.cohort, counted_in.period_kind, counted_in.period_id, stage.stage_number,
           count(*) FILTER (stage.is_reached) AS reached,
           count(DISTINCT stage.person_id) FILTER (stage.is_reached) AS reached_people,
           median(stage.days_from_index) AS median_days_from_index,
           quantile_cont(stage.days_from_needed, [0.25, 0.5, 0.75]) AS days
    FROM counted_in
    INNER JOIN int_cohort_stage AS stage
        ON stage.cohort = counted_in.cohort AND stage.period_id = counted_in.quarter_id
    GROUP BY ALL
),

-- A stage that nobody reached, of a cohort with nobody in it, has its row all the same.
told AS (
    SELECT period.*, stage.* EXCLUDE (cohort, of_number, measures, meaning),
           stage.of_number AS of_stage,
           coalesce(counted.reached, 0) AS reached,
           coalesce(counted.reached_people, 0) AS reached_people,
           counted.median_days_from_index, counted.days
    FROM period
    INNER JOIN cohort_stage_given AS stage USING (cohort)
    LEFT JOIN counted USING (cohort, period_kind, period_id, stage_number)
)

SELECT told.cohort, told.period_kind, told.period_id, told.start_date, told.end_date,
       told.stage_number, told.stage, told.title, told.is_part, told.of_stage,
       told.reached, told.reached_people, needed.reached AS of_reached,
       needed.reached - told.reached AS lost,
       whole.reached AS in_cohort, whole.reached_people AS in_cohort_people,
       round(100.0 * told.reached / nullif(whole.reached, 0), 1) AS percent_of_cohort,
       round(100.0 * told.reached / nullif(needed.reached, 0), 1) AS percent_of_previous,
       told.median_days_from_index, told.days[1] AS days_lower_quartile,
       told.days[2] AS days_median, told.days[3] AS days_upper_quartile
FROM told
INNER JOIN told AS needed
    ON needed.cohort = told.cohort AND needed.period_kind = told.period_kind
    AND needed.period_id = told.period_id AND needed.stage_number = told.of_stage
INNER JOIN told AS whole
    ON whole.cohort = told.cohort AND whole.period_kind = told.period_kind
    AND whole.period_id = told.period_id AND whole.stage_number = 1
ORDER BY told.cohort, told.period_kind, told.start_date, told.stage_number
