-- One row per measure, kind of period and period: whether it is reported, and if not, why. What is not reported has no row in outcome or figure.
-- column metric: The metric, as in metric.
-- column measure: The measure, as in measure.
-- column period_kind: quarter, or twelve months (four quarters, or the rolling year of a stock).
-- column period_id: The quarter, or the one that the twelve months end with, as in period.
-- column start_date: First day counted.
-- column end_date: Last day counted.
-- column complete_on: The day on which everyone counted has had their whole follow-up.
-- column is_reported: True when the data of every partner it needs reach from the first day to complete_on.
-- column reason: Why it is not: restricted (the partnership has not asked for it), partner not sent, table not sent (one that the metric cannot do without came without a row), before the data (they do not go back that far) or unfinished; missing when it is.
-- check: unique metric, measure, period_kind, period_id
-- check: not_null metric, measure, period_kind, period_id, start_date, end_date, complete_on, is_reported
-- check: related metric -> metric.metric
-- check: related period_id -> period.period_id
SELECT metric, measure, period_kind, period_id, start_date, end_date, complete_on, is_reported,
       reason
FROM int_metric_period
ORDER BY metric, measure, period_kind, period_id
