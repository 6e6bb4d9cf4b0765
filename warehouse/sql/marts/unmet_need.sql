-- One row per substance that the partnership gives an estimate for, and quarter: the estimated share of dependent people who were not in structured treatment in the twelve months to the quarter's end. An estimate of estimates: see prevalence for where it is from.
-- column period_id: The quarter with which the twelve months end, as in period.
-- column substance: The substance, as in prevalence.
-- column in_treatment: People in structured treatment on at least one day of the twelve months who named it, as in figure (metric dependence_in_treatment).
-- column estimate: People estimated to depend on it.
-- column percent_not_in_treatment: Share of the estimate that is not in treatment; 0 where more are in treatment than are estimated.
-- column percent_low: The same share of the lower end of the estimate.
-- column percent_high: The same share of its upper end.
-- check: unique period_id, substance
-- check: not_null period_id, substance, in_treatment, estimate, percent_not_in_treatment, percent_high
-- check: related substance -> prevalence.substance
-- check: related period_id -> period.period_id
-- check: holds percent_not_in_treatment BETWEEN coalesce(percent_low, 0) AND percent_high
SELECT figure.period_id, prevalence.substance, figure.numerator AS in_treatment,
       prevalence.people AS estimate,
       round(greatest(100 - 100.0 * figure.numerator / prevalence.people, 0), 1)
           AS percent_not_in_treatment,
       round(greatest(100 - 100.0 * figure.numerator / nullif(prevalence.low, 0), 0), 1)
           AS percent_low,
       round(greatest(100 - 100.0 * figure.numerator / prevalence.high, 0), 1) AS percent_high
FROM figure
INNER JOIN prevalence ON figure.measure = replace(prevalence.substance, ' ', '_')
WHERE figure.metric = 'dependence_in_treatment' AND figure.split = 'all'
    AND figure.period_kind = 'twelve months'
ORDER BY figure.period_id, prevalence.substance
