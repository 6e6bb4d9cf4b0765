-- One row: which release this is, and the day up to which each partner's data are complete.
-- column run_id: The run that made it.
-- column built_at: When it was made (UTC).
-- column earliest_as_at: The earliest of the partners' dates; nothing after it is complete.
-- column police_as_at: Date of the police extract; missing when there is none.
-- column probation_as_at: Date of the probation extract; missing when there is none.
-- column treatment_as_at: Date of the treatment extract; missing when there is none.
-- column housing_as_at: Date of the housing extract; missing when there is none.
-- column people: Number of people in the release.
-- column records: Number of partners' records linked into them.
-- check: rows = SELECT 1
-- check: not_null run_id, built_at
SELECT run.run_id, run.built_at, int_as_at.earliest AS earliest_as_at,
       int_as_at.police AS police_as_at, int_as_at.probation AS probation_as_at,
       int_as_at.treatment AS treatment_as_at, int_as_at.housing AS housing_as_at,
       (SELECT count(*) FROM person) AS people,
       (SELECT count(*) FROM stg_person_record) AS records
FROM run
CROSS JOIN int_as_at
