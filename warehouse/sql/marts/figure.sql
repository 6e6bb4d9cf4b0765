-- One row per measure, period and group: the number that tables are made from, before the publication gate. Summed from outcome: twelve months are four quarters together, or the rolling year of a stock.
-- column metric: The metric, as in metric.
-- column measure: The measure, as in measure.
-- column period_kind: quarter or twelve months.
-- column period_id: The quarter, or the one that the twelve months end with, as in period.
-- column split: What the groups are of: all, a category of the metric's own, age_band, sex, ethnicity_group or area.
-- column category: The group; All for everyone.
-- column numerator: Units counted.
-- column denominator: Units they are counted of; missing for a plain count.
-- column numerator_people: People behind the units counted.
-- column denominator_people: People behind those they are counted of; missing for a plain count.
-- column rest_people: People with a unit that they are counted of and that is not counted; missing for a plain count.
-- column percent: The share in per cent; missing for a plain count and where there is nothing to count of.
-- column mean: Mean of the measure's value over people and quarters; missing for most measures.
-- column median: Median of the same.
-- check: unique metric, measure, period_kind, period_id, split, category
-- check: not_null metric, measure, period_kind, period_id, split, category, numerator, numerator_people
-- check: related metric -> metric.metric
-- check: related period_id -> period.period_id
-- check: holds denominator IS NULL OR numerator <= denominator
-- check: holds numerator_people <= numerator
-- check: rows = SELECT (SELECT count(*) FROM figure WHERE split <> 'all') + (SELECT count(*) FROM metric_period WHERE is_reported)
WITH reported AS (
    SELECT reported.metric, reported.measure, reported.period_kind, reported.period_id,
           reported.relation, reported.start_date, reported.end_date, metric.category_kind,
           measure.denominator_sql IS NOT NULL AS has_denominator,
           row_number() OVER () AS window_number
    FROM int_metric_period AS reported
    INNER JOIN metric_given AS metric ON metric.metric = reported.metric
    INNER JOIN measure_given AS measure
        ON measure.metric = reported.metric AND measure.measure = reported.measure
    WHERE reported.is_reported
),

-- Numbers in the place of names: most of the work below is to bring rows of one person together.
known AS (
    SELECT person_id, row_number() OVER () AS person_number, age_band, sex, ethnicity_group,
           coalesce(area, 'Not known') AS area
    FROM person
),

counted AS (
    SELECT reported.window_number, known.person_number, outcome.category_kind, outcome.category,
           outcome.category_kind = reported.category_kind AS is_first_kind,
           outcome.numerator, outcome.denominator, outcome.value
    FROM reported
    INNER JOIN int_period AS quarter
        ON quarter.end_date <= reported.end_date
        AND (quarter.start_date >= reported.start_date AND reported.relation = 'sum of quarters'
             OR quarter.period_id = reported.period_id)
    INNER JOIN outcome
        ON outcome.metric = reported.metric
        AND outcome.measure = reported.measure
        AND outcome.period_id = quarter.period_id
    INNER JOIN known ON known.person_id = outcome.person_id
),

of_person AS (
    SELECT window_number, person_number, sum(numerator) AS numerator,
           sum(denominator) AS denominator
    FROM counted
    WHERE is_first_kind
    GROUP BY window_number, person_number
),

by_person AS (
    SELECT window_number,
           CASE grouping_id(age_band, sex, ethnicity_group, area)
               WHEN 7 THEN 'age_band' WHEN 11 THEN 'sex' WHEN 13 THEN 'ethnicity_group'
               WHEN 14 THEN 'area' ELSE 'all'
           END AS split,
           coalesce(age_band, sex, ethnicity_group, area, 'All') AS category,
           sum(numerator) AS numerator, sum(denominator) AS denominator,
           count(*) FILTER (numerator > 0) AS numerator_people,
           count(*) FILTER (denominator > 0) AS denominator_people,
           count(*) FILTER (denominator > numerator) AS rest_people
    FROM of_person
    INNER JOIN known USING (person_number)
    GROUP BY GROUPING SETS (
        (window_number), (window_number, age_band), (window_number, sex),
        (window_number, ethnicity_group), (window_number, area)
    )
),

by_category AS (
    SELECT window_number, category_kind AS split, category,
           sum(numerator) AS numerator, sum(denominator) AS denominator,
           count(*) FILTER (numerator > 0) AS numerator_people,
           count(*) FILTER (denominator > 0) AS denominator_people,
           count(*) FILTER (denominator > numerator) AS rest_people
    FROM (
        SELECT window_number, category_kind, category, person_number,
               sum(numerator) AS numerator, sum(denominator) AS denominator
        FROM counted
        WHERE category_kind <> 'all'
        GROUP BY window_number, category_kind, category, person_number
    )
    GROUP BY window_number, category_kind, category
),

summed AS (
    SELECT * FROM by_person
    UNION ALL
    SELECT * FROM by_category
),

valued AS (
    SELECT window_number, category_kind AS split, category, avg(value) AS mean,
           median(value) AS median
    FROM counted
    WHERE value IS NOT NULL AND category_kind <> 'all'
    GROUP BY window_number, category_kind, category
    UNION ALL
    SELECT counted.window_number, told.split, told.category, avg(counted.value),
           median(counted.value)
    FROM counted
    INNER JOIN (
        SELECT person_number, unnest([
            {split: 'all', category: 'All'},
            {split: 'age_band', category: age_band},
            {split: 'sex', category: sex},
            {split: 'ethnicity_group', category: ethnicity_group},
            {split: 'area', category: area}
        ], recursive := TRUE)
        FROM known
        WHERE person_number IN (SELECT person_number FROM counted WHERE value IS NOT NULL)
    ) AS told USING (person_number)
    WHERE counted.value IS NOT NULL AND counted.is_first_kind
    GROUP BY counted.window_number, told.split, told.category
),

-- What is reported and counts nobody is a figure of nought, not a gap.
every_group AS (
    SELECT window_number, split, category FROM summed
    UNION
    SELECT window_number, 'all', 'All' FROM reported
)

SELECT reported.metric, reported.measure, reported.period_kind, reported.period_id,
       every_group.split, every_group.category,
       coalesce(summed.numerator, 0)::BIGINT AS numerator,
       CASE WHEN has_denominator THEN coalesce(summed.denominator, 0)::BIGINT END AS denominator,
       coalesce(summed.numerator_people, 0) AS numerator_people,
       CASE WHEN has_denominator THEN coalesce(summed.denominator_people, 0) END
           AS denominator_people,
       CASE WHEN has_denominator THEN coalesce(summed.rest_people, 0) END AS rest_people,
       CASE WHEN has_denominator AND summed.denominator > 0
           THEN 100.0 * summed.numerator / summed.denominator END AS percent,
       valued.mean, valued.median
FROM every_group
INNER JOIN reported USING (window_number)
LEFT JOIN summed USING (window_number, split, category)
LEFT JOIN valued USING (window_number, split, category)
ORDER BY reported.metric, reported.measure, reported.period_kind, reported.period_id,
         every_group.split, every_group.category
