-- One row per drug test in custody, by person. A test whose custody record was rejected is left out.
-- check: unique drug_test_key
-- check: not_null person_id, drug_test_key
-- check: rows = SELECT count(*) FROM police_drug_test SEMI JOIN police_custody USING (custody_key)
SELECT custody.person_id, test.drug_test_key, test.custody_key, test.test_date, test.authority,
       test.result, code.category AS result_category
FROM police_drug_test AS test
INNER JOIN stg_custody AS custody USING (custody_key)
LEFT JOIN seed_code AS code ON code.list = 'drug_test' AND code.code = test.result
