-- One row per published metric, measure and category, from the mart figure: the latest twelve months
-- that are reported. The rows are declared, so that a group nobody is in has the same row as any other.
WITH declared (place, metric, measure, category) AS (
    VALUES
    (1, 'arrest_to_treatment', 'start_28_days', 'All'),
    (2, 'arrest_to_treatment', 'start_28_days', 'Positive for opiates'),
    (3, 'arrest_to_treatment', 'start_28_days', 'Positive for cocaine'),
    (4, 'arrest_to_treatment', 'start_28_days', 'Positive for both'),
    (5, 'arrest_to_treatment', 'start_90_days', 'All'),
    (6, 'arrest_to_treatment', 'start_90_days', 'Positive for opiates'),
    (7, 'arrest_to_treatment', 'start_90_days', 'Positive for cocaine'),
    (8, 'arrest_to_treatment', 'start_90_days', 'Positive for both'),
    (9, 'contact_groups', 'people_arrested', 'Not known to treatment'),
    (10, 'contact_groups', 'people_arrested', 'Known to treatment before, or referred only'),
    (11, 'contact_groups', 'people_arrested',
     'In contact with mainstream treatment in the 12 months'),
    (12, 'contact_groups', 'people_arrested', 'In the intensive programme'),
    (13, 'numbers_in_treatment', 'in_treatment', 'All'),
    (14, 'numbers_in_treatment', 'in_treatment', 'Opiate'),
    (15, 'numbers_in_treatment', 'in_treatment', 'Non-opiate & alcohol'),
    (16, 'numbers_in_treatment', 'in_treatment', 'Non-opiate only'),
    (17, 'numbers_in_treatment', 'in_treatment', 'Alcohol only'),
    (18, 'numbers_in_treatment', 'in_treatment', 'Not known')
),

latest AS (
    SELECT metric, measure, max_by(period_id, end_date) AS period_id,
           max_by(start_date, end_date) AS period_start, max(end_date) AS period_end
    FROM metric_period
    WHERE is_reported AND period_kind = 'twelve months'
    GROUP BY metric, measure
),

counted AS (
    SELECT figure.*
    FROM figure
    INNER JOIN latest USING (metric, measure, period_id)
    INNER JOIN metric USING (metric)
    WHERE figure.period_kind = 'twelve months' AND figure.split IN ('all', metric.category_kind)
),

whole AS (
    SELECT metric, measure, numerator, denominator, numerator_people
    FROM counted
    WHERE split = 'all'
),

-- Of groups that have no denominator of their own, everyone is the denominator.
row_of AS (
    SELECT declared.*, latest.period_start, latest.period_end,
           latest.period_id IS NOT NULL AS is_reported,
           declared.metric <> 'numbers_in_treatment' AS has_denominator,
           declared.metric = 'contact_groups' AS is_share_of_all,
           counted.numerator, counted.denominator, counted.numerator_people,
           counted.denominator_people, counted.rest_people,
           whole.numerator AS whole_numerator, whole.denominator AS whole_denominator,
           whole.numerator_people AS whole_people
    FROM declared
    LEFT JOIN latest USING (metric, measure)
    LEFT JOIN counted USING (metric, measure, category)
    LEFT JOIN whole USING (metric, measure)
)

SELECT metric, measure, period_start, period_end, category,
       CASE WHEN is_reported THEN coalesce(numerator, 0) END AS numerator,
       CASE WHEN is_reported AND has_denominator
           THEN coalesce(CASE WHEN is_share_of_all THEN whole_numerator ELSE denominator END, 0)
       END AS denominator,
       coalesce(numerator_people, 0) AS numerator_people,
       coalesce(CASE WHEN is_share_of_all THEN whole_people ELSE denominator_people END, 0)
           AS denominator_people,
       CASE WHEN is_reported AND has_denominator THEN coalesce(
           CASE WHEN is_share_of_all THEN whole_people - coalesce(numerator_people, 0)
                ELSE rest_people END, 0
       ) END AS rest_people,
       -- What each count is a part of: a group that is nearly all of it is masked.
       CASE
           WHEN is_share_of_all THEN whole_numerator
           WHEN has_denominator THEN denominator
           WHEN category <> 'All' THEN whole_numerator
       END AS numerator_total,
       CASE WHEN has_denominator AND NOT is_share_of_all AND category <> 'All'
           THEN whole_denominator
       END AS denominator_total
FROM row_of
ORDER BY place
