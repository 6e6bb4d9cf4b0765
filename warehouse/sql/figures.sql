-- One row per figure that hangs on who is whom: people and links between partners, published metrics and measures with a target in their latest twelve months, and funnels. It is worked out once for each link threshold of the sensitivity range.
-- column kind: linkage, metric or funnel.
-- column name: What is counted; of a metric or funnel its name, as in metric.
-- column measure: The metric's measure, the funnel's step, or the two partners.
-- column category: The metric's category; missing elsewhere.
-- column numerator: What is counted.
-- column denominator: What it is counted of; missing where it is of nothing.
WITH known AS (
    SELECT DISTINCT partner, person_id FROM stg_person_record
)

SELECT 'linkage' AS kind, 'people' AS name, NULL::VARCHAR AS measure, NULL::VARCHAR AS category,
       count(DISTINCT person_id) AS numerator, NULL::BIGINT AS denominator
FROM stg_person_record
UNION ALL
SELECT 'linkage', 'people known to both', a.partner || '–' || b.partner, NULL, count(*), NULL
FROM known AS a
INNER JOIN known AS b ON a.person_id = b.person_id AND a.partner < b.partner
GROUP BY a.partner, b.partner
UNION ALL
SELECT 'linkage', 'people known to several partners', NULL, NULL, count(*), NULL
FROM (SELECT person_id FROM known GROUP BY person_id HAVING count(*) > 1)
UNION ALL
SELECT 'metric', figure.metric, figure.measure, figure.category, figure.numerator,
       figure.denominator
FROM figure
INNER JOIN metric USING (metric)
LEFT JOIN measure_given AS measure
    ON measure.metric = figure.metric AND measure.measure = figure.measure
WHERE (metric.is_published AND figure.split IN ('all', metric.category_kind)
        OR measure.target IS NOT NULL AND figure.split = 'all')
    AND figure.period_kind = 'twelve months'
QUALIFY figure.period_id = max(figure.period_id) OVER (PARTITION BY figure.metric, figure.measure)
UNION ALL
SELECT 'funnel', cohort, stage_number || '. ' || title, NULL, reached, in_cohort
FROM funnel
WHERE period_kind = 'twelve months'
QUALIFY end_date = max(end_date) OVER (PARTITION BY cohort)
