-- One row per person and quarter: in which domains disadvantage was known on at least one day of the
-- twelve months that end with the quarter.
-- check: unique person_id, as_of
-- check: not_null person_id, as_of, domains, has_homelessness, has_substance_dependence, has_mental_health, has_domestic_abuse, has_criminal_justice
-- check: holds domains BETWEEN 1 AND 5
WITH known AS (
    SELECT period.end_date AS as_of, period.period_id AS quarter, disadvantage.person_id,
           bool_or(disadvantage.domain = 'homelessness') AS has_homelessness,
           bool_or(disadvantage.domain = 'substance dependence') AS has_substance_dependence,
           bool_or(disadvantage.domain = 'mental health') AS has_mental_health,
           bool_or(disadvantage.domain = 'domestic abuse') AS has_domestic_abuse,
           bool_or(disadvantage.domain = 'criminal justice') AS has_criminal_justice
    FROM int_disadvantage AS disadvantage
    INNER JOIN int_period AS period
        ON disadvantage.start_date <= period.end_date AND disadvantage.until >= period.year_start
    GROUP BY period.end_date, period.period_id, disadvantage.person_id
)

SELECT *,
       has_homelessness::INTEGER + has_substance_dependence::INTEGER + has_mental_health::INTEGER
           + has_domestic_abuse::INTEGER + has_criminal_justice::INTEGER AS domains
FROM known
