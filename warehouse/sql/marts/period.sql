-- One row per calendar quarter that is counted: the last completed ones before the latest extract's date. Twelve months are the four quarters that end with one.
-- column period_id: Short name of the quarter, such as 2026-Q2.
-- column label: The same in words.
-- column start_date: First day of the quarter.
-- column end_date: Last day of the quarter.
-- column year_start: First day of the twelve months that end with the quarter.
-- check: unique period_id
-- check: not_null period_id, label, start_date, end_date, year_start
SELECT period_id, label, start_date, end_date, year_start
FROM int_period
ORDER BY start_date
