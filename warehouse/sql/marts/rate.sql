-- One row per plain count (of people, arrests or the like, and not of a measure whose value is the figure) of twelve months and group of residents: the count for each 1,000 of them. The whole area's counts everybody whom partners met, wherever they live; a group's counts its own. Groups without residents, and releases without a population, have none.
-- column metric: The metric, as in metric.
-- column measure: Its measure, as in measure.
-- column period_id: The quarter with which the twelve months end, as in period.
-- column split: all, area, age_band or sex.
-- column category: The group: All, or a value of the split.
-- column numerator: The count, as in figure.
-- column people: Residents of the group, as in population.
-- column rate_per_1000: The count for each 1,000 residents.
-- check: unique metric, measure, period_id, split, category
-- check: not_null metric, measure, period_id, split, category, numerator, people, rate_per_1000
-- check: related period_id -> period.period_id
-- check: accepted split: all, area, age_band, sex
-- check: holds people > 0
WITH residents AS (
    SELECT 'all' AS split, 'All' AS category, sum(people) AS people FROM population
    UNION ALL
    SELECT 'area', area, sum(people) FROM population GROUP BY area
    UNION ALL
    SELECT 'age_band', age_band, sum(people) FROM population GROUP BY age_band
    UNION ALL
    SELECT 'sex', sex, sum(people) FROM population GROUP BY sex
)

SELECT figure.metric, figure.measure, figure.period_id, figure.split, figure.category,
       figure.numerator, residents.people::BIGINT AS people,
       round(1000.0 * figure.numerator / residents.people, 2) AS rate_per_1000
FROM figure
INNER JOIN measure_given AS measure USING (metric, measure)
INNER JOIN residents USING (split, category)
WHERE figure.denominator IS NULL AND measure.value_column IS NULL AND figure.period_kind = 'twelve months' AND residents.people > 0
ORDER BY ALL
