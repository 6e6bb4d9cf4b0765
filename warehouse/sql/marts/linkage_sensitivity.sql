-- One row per figure and link threshold: the figure as it would be, had records been linked more or less readily. The range shows how far a figure hangs on the threshold; it is not a confidence interval.
-- column threshold_offset: Match weight above (stricter) or below (looser) the link threshold in force; 0 is the threshold in force, and its figures are those of this release.
-- column kind: linkage (people and links between partners), metric (as in outcome) or funnel (as in funnel, its latest twelve months).
-- column name: What is counted; of a metric or funnel its name, as in metric.
-- column measure: The metric's measure, the funnel's step, or the two partners; missing for all.
-- column category: The metric's category; missing elsewhere.
-- column numerator: What is counted.
-- column denominator: What it is counted of; missing where it is of nothing.
-- check: unique threshold_offset, kind, name, measure, category
-- check: not_null threshold_offset, kind, name, numerator
-- check: accepted kind: linkage, metric, funnel
-- check: holds threshold_offset <> 0 OR name <> 'people' OR numerator = (SELECT count(*) FROM person)
SELECT threshold_offset, kind, name, measure, category, numerator, denominator
FROM sensitivity_given
ORDER BY kind, name, measure, category, threshold_offset
