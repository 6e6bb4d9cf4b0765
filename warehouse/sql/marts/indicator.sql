-- One row per row of the tables that boards are used to: which measure answers it, what is aimed at, or why these four partners cannot supply it. Its numbers are in the table named under answered_by, by metric, measure and split.
-- column list: The table that boards are used to.
-- column place: Its place in it.
-- column indicator: What the row says there.
-- column status: computed, proxy (stands in for something these partners do not record), restricted (computed only where the partnership asks for it) or not available.
-- column reason: Why it is not available, or what to know; missing for most.
-- column source: Where its numbers are from; of a row that these partners cannot supply, where such figures come from as far as that is known.
-- column metric: The metric that answers it; missing when none does.
-- column measure: The measure that answers it; missing when none does.
-- column split: How it is split there, as in figure; missing when nothing answers it.
-- column answered_by: The table that holds its numbers: figure, or unmet_need.
-- column target: What the partnership aims at; missing without.
-- column target_unit: The unit of the target.
-- column target_at_most: Whether it is met at or below it, not at or above; missing without one.
-- column latest_period: The quarter that the latest reported twelve months end with; missing when none is reported.
-- check: unique list, place
-- check: not_null list, place, indicator, status, source
-- check: accepted status: computed, proxy, restricted, not available
-- check: related metric -> metric.metric
-- check: holds (status = 'not available') = (measure IS NULL)
-- check: holds status <> 'not available' OR reason IS NOT NULL
-- check: rows = SELECT count(*) FROM seed_indicator
WITH latest AS (
    SELECT metric, measure, max(period_id) AS latest_period
    FROM int_metric_period
    WHERE is_reported AND period_kind = 'twelve months'
    GROUP BY metric, measure
)

SELECT seed.list, seed.place::INTEGER AS place, seed.indicator,
       CASE
           WHEN measure.measure IS NULL THEN 'not available'
           WHEN metric.status IN ('proxy', 'restricted') THEN metric.status
           ELSE 'computed'
       END AS status,
       nullif(seed.reason, '') AS reason,
       coalesce('Linked records: ' || metric.partners, nullif(seed.source, '')) AS source,
       measure.metric, measure.measure, nullif(seed.split, '') AS split,
       nullif(seed.answered_by, '') AS answered_by,
       measure.target, measure.target_unit, measure.target_at_most, latest.latest_period
FROM seed_indicator AS seed
LEFT JOIN measure_given AS measure
    ON measure.metric = seed.metric AND measure.measure = seed.measure
LEFT JOIN metric_given AS metric ON metric.metric = measure.metric
LEFT JOIN latest ON latest.metric = measure.metric AND latest.measure = measure.measure
ORDER BY seed.list, seed.place::INTEGER
