-- One row per metric, measure, category and thing counted: what every published outcome is summed from. Count the rows where is_numerator is true over those where is_denominator is.
-- column metric: The metric, as in metric.
-- column measure: Which of the metric's measures.
-- column period_start: First day of the period.
-- column period_end: Last day of the period.
-- column category: The group counted; All for everyone. A thing counted is in All and in one other category.
-- column person_id: The person behind the thing counted, as in person.
-- column is_numerator: True when it is counted in the numerator.
-- column is_denominator: True when it is counted in the denominator; missing when the metric has none.
-- check: not_null metric, measure, category, person_id, is_numerator
-- check: related person_id -> person.person_id
-- check: related metric -> metric.metric
-- check: holds is_denominator IS NULL OR is_denominator OR NOT is_numerator
WITH counted AS (
    SELECT 'numbers_in_treatment' AS metric, 'in_treatment' AS measure, period_start, period_end,
           unnest(['All', substance_group]) AS category, person_id,
           TRUE AS is_numerator, NULL::BOOLEAN AS is_denominator
    FROM numbers_in_treatment
    UNION ALL
    SELECT 'arrest_to_treatment', measure, period_start, period_end,
           unnest(['All', test_result]), person_id, is_started, TRUE
    FROM arrest_to_treatment
    UNION ALL
    SELECT 'contact_groups', 'people_arrested', period_start, period_end,
           unnest([
               'Not known to treatment',
               'Known to treatment before, or referred only',
               'In contact with mainstream treatment in the 12 months'
           ]) AS category,
           person_id, contact_group = category, TRUE
    FROM contact_groups
)

SELECT * FROM counted
ORDER BY metric, measure, category, person_id
