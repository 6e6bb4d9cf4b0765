-- One row per measure of a metric: what is counted, of what, and what is aimed at.
-- column metric: The metric, as in metric.
-- column measure: Short name of the measure.
-- column title: What a reader sees.
-- column numerator: What is counted, in words.
-- column denominator: What it is counted of, in words; missing for a plain count.
-- column numerator_sql: The condition that decides it, on the columns of the metric's frame.
-- column denominator_sql: The condition that decides what it is counted of.
-- column lag: What is waited for after the period's end: days, or names in policy.
-- column lag_days: The same in days.
-- column value_column: The column of the frame whose mean and median are reported; missing without.
-- column target: What the partnership aims at; missing without.
-- column target_unit: The unit of the target.
-- column target_source: Where the target is from.
-- column target_dated: When it was set.
-- column target_at_most: Whether it is met at or below it, not at or above; missing without one.
-- check: unique metric, measure
-- check: not_null metric, measure, title, numerator, numerator_sql, lag, lag_days
-- check: related metric -> metric.metric
SELECT metric, measure, title, numerator, denominator, numerator_sql, denominator_sql, lag,
       lag_days, value_column, target, target_unit, target_source, target_dated,
       target_at_most
FROM measure_given
ORDER BY metric, place
