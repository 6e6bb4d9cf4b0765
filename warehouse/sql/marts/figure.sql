-- One row per measure, period and group: the number that tables are made from, before the publication gate. Summed from outcome: twelve months are four quarters together, or the rolling year of a stock.
-- column metric: The metric, as in metric.
-- column measure: The measure, as in measure.
-- column period_kind: quarter or twelve months.
-- column period_id: The quarter, or the one that the twelve months end with, as in period.
-- column split: What the groups are of: all, a category of the metric's own, age_band (of the age reached in the year in which the period ends, so quarters of two years need not add up by it), sex, ethnicity_group or area.
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
           reported.relation, reported.start_date, reported.end_date,
           measure.denominator_sql IS NOT NULL AS has_denominator,
           row_number() OVER ()::INTEGER AS window_number
    FROM int_metric_period AS reported
    INNER JOIN measure_given AS measure
        ON measure.metric = reported.metric AND measure.measure = reported.measure
    WHERE reported.is_reported
),

-- The periods that each window is made of: a quarter, four of them, or a rolling year. A person has
-- one row of a category in each; only four of them, or rows of several categories, are to be added.
part AS (
    SELECT DISTINCT reported.window_number, kind.measure_number, quarter.period_number,
           reported.period_kind = 'quarter' OR reported.relation = 'stock' AS is_single,
           kind.is_once
    FROM reported
    INNER JOIN kind_given AS kind
        ON kind.metric = reported.metric AND kind.measure = reported.measure
    INNER JOIN int_period AS quarter
        ON quarter.end_date <= reported.end_date
        AND (quarter.start_date >= reported.start_date AND reported.relation = 'sum of quarters'
             OR quarter.period_id = reported.period_id)
),

-- Of all that a release is made of it has the most rows, so it is read each time and never kept.
counted AS NOT MATERIALIZED (
    SELECT part.window_number, part.is_single, part.is_once, outcome.*
    FROM part
    INNER JOIN int_outcome AS outcome
        ON outcome.measure_number = part.measure_number
        AND outcome.period_number = part.period_number
),

known AS (
    SELECT rowid AS person_row, birth_year, sex, ethnicity_group, area
    FROM int_person
),

-- Who are alike in all that figures are split by count together: they are told apart by no split.
alike AS (
    SELECT row_number() OVER ()::INTEGER AS alike_number, *
    FROM (SELECT DISTINCT birth_year, sex, ethnicity_group, area FROM known)
),

known_alike AS (
    SELECT known.person_row, alike.alike_number
    FROM known
    INNER JOIN alike
        ON alike.birth_year IS NOT DISTINCT FROM known.birth_year
        AND alike.sex = known.sex AND alike.ethnicity_group = known.ethnicity_group
        AND alike.area = known.area
),

own_kind AS (
    SELECT measure_number, kind_number, category_kind
    FROM kind_given
    WHERE category_kind <> 'all'
),

of_person AS (
    SELECT window_number, person_row, numerator, denominator
    FROM counted
    WHERE kind_number = 1 AND is_single AND is_once
    UNION ALL
    SELECT window_number, person_row, sum(numerator)::INTEGER, sum(denominator)::INTEGER
    FROM counted
    WHERE kind_number = 1 AND NOT (is_single AND is_once)
    GROUP BY window_number, person_row
),

of_category AS (
    SELECT window_number, category_kind, category, numerator, denominator
    FROM counted
    INNER JOIN own_kind USING (measure_number, kind_number)
    WHERE is_single
    UNION ALL
    SELECT window_number, category_kind, category, sum(numerator)::INTEGER,
           sum(denominator)::INTEGER
    FROM counted
    INNER JOIN own_kind USING (measure_number, kind_number)
    WHERE NOT is_single
    GROUP BY window_number, category_kind, category, person_row
),

of_alike AS (
    SELECT window_number, alike_number,
           sum(numerator) AS numerator, sum(denominator) AS denominator,
           count(*) FILTER (numerator > 0) AS numerator_people,
           count(*) FILTER (denominator > 0) AS denominator_people,
           count(*) FILTER (denominator > numerator) AS rest_people
    FROM of_person
    INNER JOIN known_alike USING (person_row)
    GROUP BY window_number, alike_number
),

described AS (
    SELECT of_alike.*, age_band_of(year(reported.end_date) - alike.birth_year) AS age_band,
           alike.sex, alike.ethnicity_group, alike.area
    FROM of_alike
    INNER JOIN reported USING (window_number)
    INNER JOIN alike USING (alike_number)
),

by_person AS (
    SELECT window_number,
           CASE grouping_id(age_band, sex, ethnicity_group, area)
               WHEN 7 THEN 'age_band' WHEN 11 THEN 'sex' WHEN 13 THEN 'ethnicity_group'
               WHEN 14 THEN 'area' ELSE 'all'
           END AS split,
           coalesce(age_band, sex, ethnicity_group, area, 'All') AS category,
           sum(numerator) AS numerator, sum(denominator) AS denominator,
           sum(numerator_people)::BIGINT AS numerator_people,
           sum(denominator_people)::BIGINT AS denominator_people,
           sum(rest_people)::BIGINT AS rest_people
    FROM described
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
    FROM of_category
    GROUP BY window_number, category_kind, category
),

summed AS (
    SELECT * FROM by_person
    UNION ALL
    SELECT * FROM by_category
),

worth AS (
    SELECT counted.window_number, kind.category_kind, counted.kind_number, counted.category,
           counted.person_row, counted.value
    FROM counted
    INNER JOIN kind_given AS kind USING (measure_number, kind_number)
    WHERE counted.value IS NOT NULL
),

valued AS (
    SELECT window_number, split, category, avg(value) AS mean, median(value) AS median
    FROM (
        SELECT window_number, category_kind AS split, category, value
        FROM worth
        WHERE category_kind <> 'all'
        UNION ALL
        SELECT worth.window_number, unnest([
                   {split: 'all', category: 'All'},
                   {
                       split: 'age_band',
                       category: age_band_of(year(reported.end_date) - known.birth_year)
                   },
                   {split: 'sex', category: known.sex},
                   {split: 'ethnicity_group', category: known.ethnicity_group},
                   {split: 'area', category: known.area}
               ], recursive := TRUE), worth.value
        FROM worth
        INNER JOIN reported USING (window_number)
        INNER JOIN known USING (person_row)
        WHERE worth.kind_number = 1
    )
    GROUP BY window_number, split, category
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
