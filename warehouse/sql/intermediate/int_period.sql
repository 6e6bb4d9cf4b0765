-- One row per quarter that is counted: the last completed quarters before the latest extract's date, and the twelve months that end with each.
-- check: unique period_id
-- check: unique period_number
-- check: not_null period_id, start_date, end_date, year_start, label
-- check: holds end_date < start_date + INTERVAL 3 MONTH AND start_date > year_start
WITH quarter AS (
    SELECT (date_trunc('quarter', max(data_as_at) + 1)
            - to_months(3 * unnest(range(1, 1 + policy('quarters_kept')))))::DATE AS start_date
    FROM extract
    HAVING count(*) > 0
),

ended AS (
    SELECT start_date, (start_date + INTERVAL 3 MONTH)::DATE - 1 AS end_date FROM quarter
)

SELECT year(start_date) || '-Q' || quarter(start_date) AS period_id,
       (10 * year(start_date) + quarter(start_date))::INTEGER AS period_number,
       start_date, end_date,
       (end_date + 1 - INTERVAL 1 YEAR)::DATE AS year_start,
       monthname(start_date) || ' to ' || monthname(end_date) || ' ' || year(start_date) AS label
FROM ended
