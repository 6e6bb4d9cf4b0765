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
WITH counted AS (
    SELECT reported.metric, reported.measure, reported.period_kind, reported.period_id,
           outcome.* EXCLUDE (metric, measure, period_id),
           outcome.category_kind = metric.category_kind AS is_first_kind
    FROM int_metric_period AS reported
    INNER JOIN metric_given AS metric USING (metric)
    INNER JOIN int_period AS quarter
        ON quarter.end_date <= reported.end_date
        AND (quarter.start_date >= reported.start_date AND metric.relation = 'sum of quarters'
             OR quarter.period_id = reported.period_id)
    INNER JOIN outcome
        ON outcome.metric = reported.metric
        AND outcome.measure = reported.measure
        AND outcome.period_id = quarter.period_id
    WHERE reported.is_reported
),

grouped AS (
    SELECT counted.* EXCLUDE (category_kind, category, is_first_kind),
           category_kind AS split, category
    FROM counted
    WHERE category_kind <> 'all'
    UNION ALL
    SELECT counted.* EXCLUDE (category_kind, category, is_first_kind),
           told.split, coalesce(told.category, 'Not known')
    FROM counted
    INNER JOIN (
        SELECT person_id, unnest([
            {split: 'all', category: 'All'},
            {split: 'age_band', category: age_band},
            {split: 'sex', category: sex},
            {split: 'ethnicity_group', category: ethnicity_group},
            {split: 'area', category: area}
        ], recursive := TRUE)
        FROM person
    ) AS told USING (person_id)
    WHERE is_first_kind
),

summed AS (
    SELECT metric, measure, period_kind, period_id, split, category,
           sum(numerator)::BIGINT AS numerator,
           sum(denominator)::BIGINT AS denominator,
           count(DISTINCT person_id) FILTER (numerator > 0) AS numerator_people,
           count(DISTINCT person_id) FILTER (denominator > 0) AS denominator_people,
           count(DISTINCT person_id) FILTER (denominator > numerator) AS rest_people,
           avg(value) AS mean, median(value) AS median
    FROM grouped
    GROUP BY ALL
),

-- What is reported and counts nobody is a figure of nought, not a gap.
reported AS (
    SELECT reported.metric, reported.measure, reported.period_kind, reported.period_id,
           measure.denominator_sql IS NOT NULL AS has_denominator
    FROM int_metric_period AS reported
    INNER JOIN measure_given AS measure USING (metric, measure)
    WHERE reported.is_reported
),

nought AS (
    SELECT metric, measure, period_kind, period_id, 'all' AS split, 'All' AS category
    FROM reported
    ANTI JOIN summed USING (metric, measure, period_kind, period_id)
),

every AS (
    SELECT * FROM summed
    UNION ALL BY NAME
    SELECT *, 0 AS numerator, 0 AS denominator, 0 AS numerator_people, 0 AS denominator_people,
           0 AS rest_people
    FROM nought
)

SELECT metric, measure, period_kind, period_id, split, category, numerator,
       CASE WHEN has_denominator THEN denominator END AS denominator,
       numerator_people,
       CASE WHEN has_denominator THEN denominator_people END AS denominator_people,
       CASE WHEN has_denominator THEN rest_people END AS rest_people,
       CASE WHEN has_denominator AND denominator > 0 THEN 100.0 * numerator / denominator END
           AS percent,
       mean, median
FROM every
INNER JOIN reported USING (metric, measure, period_kind, period_id)
ORDER BY ALL
