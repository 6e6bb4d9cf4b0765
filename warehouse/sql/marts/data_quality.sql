-- One row per table that a partner sends: how many rows were staged, and how many the release uses.
-- column partner: The partner.
-- column table_name: The table of its extract.
-- column rows_staged: Rows that passed validation and are in the staging store.
-- column rows_used: Of these, rows that belong to a record that also passed; the others' parent row was rejected or not sent.
-- column data_as_at: The day up to which the partner's extract is complete; missing when it has sent none.
-- column extract_rows: Rows the partner sent over all its tables, rejected ones included.
-- column extract_run_id: The run that brought the extract.
-- check: unique partner, table_name
-- check: not_null partner, table_name, rows_staged, rows_used
-- check: rows = SELECT 11
-- check: holds rows_used <= rows_staged
WITH staged AS (
    SELECT 'police' AS partner, 'custody' AS table_name,
           (SELECT count(*) FROM police_custody) AS rows_staged,
           (SELECT count(*) FROM stg_custody) AS rows_used
    UNION ALL
    SELECT 'police' AS partner, 'drug_test' AS table_name,
           (SELECT count(*) FROM police_drug_test) AS rows_staged,
           (SELECT count(*) FROM stg_drug_test) AS rows_used
    UNION ALL
    SELECT 'probation' AS partner, 'sentence' AS table_name,
           (SELECT count(*) FROM probation_sentence) AS rows_staged,
           (SELECT count(*) FROM stg_sentence) AS rows_used
    UNION ALL
    SELECT 'probation' AS partner, 'requirement' AS table_name,
           (SELECT count(*) FROM probation_requirement) AS rows_staged,
           (SELECT count(*) FROM stg_requirement) AS rows_used
    UNION ALL
    SELECT 'probation' AS partner, 'release' AS table_name,
           (SELECT count(*) FROM probation_release) AS rows_staged,
           (SELECT count(*) FROM stg_prison_release) AS rows_used
    UNION ALL
    SELECT 'treatment' AS partner, 'episode' AS table_name,
           (SELECT count(*) FROM treatment_episode) AS rows_staged,
           (SELECT count(*) FROM stg_episode) AS rows_used
    UNION ALL
    SELECT 'treatment' AS partner, 'intervention' AS table_name,
           (SELECT count(*) FROM treatment_intervention) AS rows_staged,
           (SELECT count(*) FROM stg_intervention) AS rows_used
    UNION ALL
    SELECT 'housing' AS partner, 'application' AS table_name,
           (SELECT count(*) FROM housing_application) AS rows_staged,
           (SELECT count(DISTINCT case_key) FROM stg_application INNER JOIN housing_application USING (case_key)) AS rows_used
    UNION ALL
    SELECT 'housing' AS partner, 'person' AS table_name,
           (SELECT count(*) FROM housing_person) AS rows_staged,
           (SELECT count(*) FROM stg_application) AS rows_used
    UNION ALL
    SELECT 'housing' AS partner, 'duty' AS table_name,
           (SELECT count(*) FROM housing_duty) AS rows_staged,
           (SELECT count(DISTINCT duty_key) FROM stg_duty) AS rows_used
    UNION ALL
    SELECT 'housing' AS partner, 'tenancy' AS table_name,
           (SELECT count(*) FROM housing_tenancy) AS rows_staged,
           (SELECT count(*) FROM stg_tenancy) AS rows_used
)

SELECT staged.partner, staged.table_name, staged.rows_staged, staged.rows_used,
       extract.data_as_at, extract."rows" AS extract_rows, extract.run_id AS extract_run_id
FROM staged
LEFT JOIN extract USING (partner)
ORDER BY staged.partner, staged.table_name
