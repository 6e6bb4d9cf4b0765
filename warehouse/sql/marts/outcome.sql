-- One row per metric, measure, period, own category and person: how many units of the person count. Everyone is the sum over the categories of one kind. Only what metric_period reports is here: for a metric of quarters each quarter, for a stock the twelve months that end with it.
-- column metric: The metric, as in metric.
-- column measure: The measure, as in measure.
-- column period_id: The quarter, or the one that the twelve months end with, as in period.
-- column category_kind: The metric's own category that the row is told by; all where it has none. A metric of two kinds has its rows once by each: choose one.
-- column category: The category; Not known where it is missing, All where the metric has none.
-- column person_id: The person, as in person.
-- column numerator: Units of the person that are counted.
-- column denominator: Units of the person that they are counted of; missing for a plain count.
-- column value: The mean of the measure's value over the person's units; missing for most measures.
-- check: unique metric, measure, period_id, category_kind, category, person_id
-- check: not_null metric, measure, period_id, category_kind, category, person_id, numerator
-- check: rows = SELECT count(*) FROM int_outcome
-- check: related person_id -> person.person_id
-- check: related metric -> metric.metric
-- check: related period_id -> period.period_id
-- check: holds numerator >= 0 AND (denominator IS NULL OR numerator <= denominator)
-- check: holds denominator IS NOT NULL OR numerator > 0
SELECT kind.metric, kind.measure, int_period.period_id, kind.category_kind, counted.category,
       person.person_id, counted.numerator, counted.denominator, counted.value
FROM int_outcome AS counted
INNER JOIN kind_given AS kind
    ON kind.measure_number = counted.measure_number AND kind.kind_number = counted.kind_number
INNER JOIN int_period ON int_period.period_number = counted.period_number
INNER JOIN int_person AS person ON person.rowid = counted.person_row
