-- One row per number of days that a definition depends on.
-- column name: Short name of the number.
-- column days: The number of days.
-- column meaning: What it decides.
-- column source: Where it comes from.
-- column dated: When it was set.
-- check: unique name
-- check: not_null name, days, meaning, source, dated
SELECT name, days::INTEGER AS days, meaning, source, dated::DATE AS dated
FROM seed_policy
ORDER BY name
