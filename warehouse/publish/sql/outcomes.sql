-- One row per published metric, measure and category. The rows are declared, so that a group nobody
-- is in today has the same row as any other.
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

counted AS (
    SELECT metric, measure, category,
           count(*) FILTER (is_numerator) AS numerator,
           count(DISTINCT person_id) FILTER (is_numerator) AS numerator_people,
           count(*) FILTER (is_denominator) AS denominator,
           count(DISTINCT person_id) FILTER (is_denominator) AS denominator_people,
           count(DISTINCT person_id) FILTER (is_denominator AND NOT is_numerator) AS rest_people
    FROM outcome
    GROUP BY metric, measure, category
),

period AS (
    SELECT metric, measure,
           any_value(period_start) AS period_start, any_value(period_end) AS period_end
    FROM outcome
    GROUP BY metric, measure
),

-- What no partner sends is not available; what a partner sends and nobody is in is a count of 0.
sent AS (
    SELECT declared.*,
           release_info.treatment_as_at IS NOT NULL
               AND (release_info.police_as_at IS NOT NULL
                    OR declared.metric = 'numbers_in_treatment') AS is_sent,
           declared.category <> 'In the intensive programme' AS is_collected,
           declared.metric <> 'numbers_in_treatment' AS has_denominator,
           -- The groups of a metric whose denominator everyone shares take it from any of them.
           max(counted.denominator) OVER same AS shared_denominator,
           max(counted.denominator_people) OVER same AS shared_denominator_people,
           max(counted.numerator) OVER same AS shared_numerator,
           counted.* EXCLUDE (metric, measure, category)
    FROM declared
    CROSS JOIN release_info
    LEFT JOIN counted USING (metric, measure, category)
    WINDOW same AS (PARTITION BY declared.metric, declared.measure)
)

SELECT sent.metric, sent.measure, period.period_start, period.period_end, sent.category,
       CASE WHEN is_sent AND is_collected THEN coalesce(numerator, 0) END AS numerator,
       CASE WHEN has_denominator AND is_sent THEN coalesce(
           CASE WHEN sent.metric = 'contact_groups' THEN shared_denominator ELSE denominator END, 0
       ) END AS denominator,
       coalesce(numerator_people, 0) AS numerator_people,
       coalesce(CASE
           WHEN sent.metric = 'contact_groups' THEN shared_denominator_people
           ELSE denominator_people
       END, 0) AS denominator_people,
       CASE WHEN has_denominator AND is_sent AND is_collected THEN coalesce(rest_people, 0) END
           AS rest_people,
       -- What each count is a part of: a group that is nearly all of it is masked.
       CASE
           WHEN sent.metric = 'contact_groups' THEN shared_denominator
           WHEN sent.metric = 'arrest_to_treatment' THEN denominator
           WHEN sent.category <> 'All' THEN shared_numerator
       END AS numerator_total,
       CASE
           WHEN sent.metric = 'arrest_to_treatment' AND sent.category <> 'All'
               THEN shared_denominator
       END AS denominator_total
FROM sent
LEFT JOIN period USING (metric, measure)
ORDER BY sent.place
