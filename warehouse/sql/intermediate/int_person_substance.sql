-- One row per person, substance and way it came to be known: named in a treatment episode, named in
-- treatment in a secure setting, or found by a drug test on arrest, which tells opiates and cocaine
-- only.
-- check: unique person_id, found_by, substance
-- check: not_null person_id, found_by, substance, kind, times, times_with_others
-- check: rows = SELECT (SELECT count(DISTINCT (told.person_id, code.label)) FROM (SELECT person_id, coalesce(triage_date, referral_date) AS named_on, unnest([drug1, drug2, drug3]) AS code FROM stg_episode) AS told INNER JOIN seed_code AS code ON code.list = 'substance' AND code.code = told.code INNER JOIN extract ON partner = 'treatment' AND named_on <= data_as_at) + (SELECT count(DISTINCT (told.person_id, code.label)) FROM (SELECT person_id, start_date, unnest([drug1, drug2, drug3]) AS code FROM stg_secure_treatment) AS told INNER JOIN seed_code AS code ON code.list = 'substance' AND code.code = told.code INNER JOIN extract ON partner = 'treatment' AND start_date <= data_as_at) + (SELECT count(DISTINCT person_id) FILTER (result IN ('POS_OPIATE', 'POS_BOTH')) + count(DISTINCT person_id) FILTER (result IN ('POS_COCAINE', 'POS_BOTH')) FROM stg_drug_test INNER JOIN extract ON partner = 'police' AND test_date <= data_as_at)
-- check: holds times > 0 AND times_with_others BETWEEN 0 AND times AND first_date <= last_date
WITH episode AS (
    SELECT person_id, 'treatment' AS found_by, episode_key AS contact_key,
           coalesce(triage_date, referral_date) AS named_on, drug1, drug2, drug3
    FROM stg_episode
    UNION ALL
    SELECT person_id, 'treatment in a secure setting', secure_treatment_key, start_date,
           drug1, drug2, drug3
    FROM stg_secure_treatment
),

named AS (
    UNPIVOT episode ON drug1, drug2, drug3 INTO NAME place VALUE drug_code
),

found AS (
    SELECT DISTINCT named.person_id, 'treatment' AS partner, named.found_by, named.contact_key,
           named.named_on, code.label AS substance, code.category AS kind
    FROM named
    INNER JOIN seed_code AS code ON code.list = 'substance' AND code.code = named.drug_code
    UNION ALL
    SELECT person_id, 'police', 'drug test', drug_test_key, test_date,
           unnest(CASE result
               WHEN 'POS_OPIATE' THEN ['Opiates']
               WHEN 'POS_COCAINE' THEN ['Cocaine or crack']
               WHEN 'POS_BOTH' THEN ['Opiates', 'Cocaine or crack']
           END) AS substance,
           CASE substance WHEN 'Opiates' THEN 'opiate' ELSE 'non-opiate' END
    FROM stg_drug_test
),

together AS (
    SELECT *, count(*) OVER (PARTITION BY found_by, contact_key) > 1 AS is_with_others FROM found
)

SELECT together.person_id, together.found_by, together.substance, together.kind,
       count(*) AS times,
       count(*) FILTER (together.is_with_others) AS times_with_others,
       min(together.named_on) AS first_date, max(together.named_on) AS last_date
FROM together
INNER JOIN extract
    ON extract.partner = together.partner AND together.named_on <= extract.data_as_at
GROUP BY together.person_id, together.found_by, together.substance, together.kind
