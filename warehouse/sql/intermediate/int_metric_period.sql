-- One row per measure, kind of period and period: whether it is reported, and if not, why.
-- check: unique metric, measure, period_kind, period_id
-- check: accepted period_kind: quarter, twelve months
-- check: accepted reason: restricted, partner not sent, table not sent, before the data, unfinished
-- check: holds is_reported = (reason IS NULL)
WITH needed AS (
    SELECT metric, unnest(string_split(partners, ', ')) AS partner FROM metric_given
),

reach AS (
    SELECT needed.metric,
           min(extract.data_as_at) AS as_at,
           max(data_from_given.data_from) AS data_from,
           bool_and(extract.partner IS NOT NULL) AS is_sent
    FROM needed
    LEFT JOIN extract USING (partner)
    LEFT JOIN data_from_given USING (partner)
    GROUP BY needed.metric
),

-- A table that came without a row was not sent, as far as anybody can tell.
lacking AS (
    SELECT DISTINCT needed.metric
    FROM (
        SELECT metric, unnest(string_split(needs, ', ')) AS source FROM metric_given
        WHERE needs <> ''
    ) AS needed
    LEFT JOIN stg_rows AS sent
        ON sent.partner || ' ' || sent.table_name = needed.source AND sent.rows_staged > 0
    WHERE sent.table_name IS NULL
),

-- A stock has twelve months only; twelve months of quarters need all four to be kept.
window_of AS (
    SELECT 'quarter' AS period_kind, 'sum of quarters' AS relation, period_id, start_date, end_date
    FROM int_period
    UNION ALL
    SELECT 'twelve months', 'sum of quarters', period_id, year_start, end_date
    FROM int_period
    WHERE year_start >= (SELECT min(start_date) FROM int_period)
    UNION ALL
    SELECT 'twelve months', 'stock', period_id, year_start, end_date
    FROM int_period
),

judged AS (
    SELECT measure.metric, measure.measure, metric.relation, window_of.period_kind, window_of.period_id,
           window_of.start_date, window_of.end_date,
           window_of.end_date + measure.lag_days::INTEGER AS complete_on,
           CASE
               WHEN metric.is_withheld THEN 'restricted'
               WHEN NOT reach.is_sent THEN 'partner not sent'
               WHEN lacking.metric IS NOT NULL THEN 'table not sent'
               WHEN window_of.start_date < reach.data_from THEN 'before the data'
               WHEN window_of.end_date + measure.lag_days::INTEGER > reach.as_at THEN 'unfinished'
           END AS reason
    FROM measure_given AS measure
    INNER JOIN metric_given AS metric USING (metric)
    INNER JOIN window_of ON window_of.relation = metric.relation
    INNER JOIN reach ON reach.metric = measure.metric
    LEFT JOIN lacking ON lacking.metric = measure.metric
)

SELECT *, reason IS NULL AS is_reported FROM judged
