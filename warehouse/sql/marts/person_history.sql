-- One row per move of records from one person id to another, or out of the extracts: what has become of ids since the first run. `journeys link history` follows one id to those in use.
-- column happened_at: When, in UTC.
-- column run_id: The run in which it happened.
-- column cause: merged (all its records went to others), split (some did) or retired (all left the extracts).
-- column person_before: The id that the records were under; of a merged or retired one nothing else is in this release.
-- column person_after: The id that they went to; missing when they left the extracts.
-- column records: Number of records that moved.
-- check: not_null happened_at, run_id, cause, person_before, records
-- check: accepted cause: merged, split, retired
-- check: holds person_after IS NOT NULL OR cause = 'retired'
SELECT happened_at, run_id, cause, person_before, person_after, records
FROM history_given
ORDER BY happened_at, person_before, person_after
