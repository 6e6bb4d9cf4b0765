-- One row per cohort, stage and day: the Kaplan-Meier estimate of the share of people for whom the event of the stage had not yet come, with what was censored taken into account. Only days on which an event came.
-- column cohort: The cohort, as in cohort.
-- column stage: The stage, as in stage, which says in measures what the event is.
-- column day: Days from the day counted from.
-- column at_risk: People for whom the event could still come on that day.
-- column events: People for whom it came on that day.
-- column probability: Estimated share for whom it had not come by the end of that day.
-- column low: Lower end of the 95 % confidence interval (log-log); missing where it cannot be had.
-- column high: Upper end of it.
-- check: unique cohort, stage, day
-- check: not_null cohort, stage, day, at_risk, events, probability
-- check: related cohort -> cohort.cohort
-- check: holds events BETWEEN 1 AND at_risk AND probability BETWEEN 0 AND 1
-- check: holds low IS NULL OR low <= probability + 1e-9
-- check: holds high IS NULL OR high >= probability - 1e-9
SELECT cohort, stage, "day", at_risk, events, probability, low, high
FROM survival_given
ORDER BY cohort, stage, "day"
