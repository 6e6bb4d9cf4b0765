-- One row per metric: its definition. Published tables and this catalogue come from one file a metric.
-- column metric: Short name, as in outcome.
-- column title: What a reader sees.
-- column definition: The question it answers.
-- column unit: What is counted.
-- column numerator: What is counted above the line.
-- column denominator: What is counted below the line.
-- column period: The period it covers.
-- column lag: How far behind the data it is, and why.
-- column exclusions: Who or what is left out.
-- column sources: The partners' tables it uses.
-- column status: exact, proxy or restricted.
-- column caveat: What linkage does to it.
-- column model: The table that computes it.
-- column owner: Who answers for it.
-- check: unique metric
-- check: not_null metric, title, definition, unit, numerator, denominator, period, lag, exclusions, sources, status, caveat, model, owner
-- check: accepted status: exact, proxy, restricted
SELECT metric, title, definition, unit, numerator, denominator, period, lag, exclusions,
       sources, status, caveat, model, owner
FROM metric_given
ORDER BY metric
