-- One row per arrest: how services knew the person on the day.
-- check: unique custody_key
-- check: not_null person_id, arrest_date, contact_group
-- check: rows = SELECT count(*) FROM stg_custody WHERE arrest_date IS NOT NULL
WITH arrest AS (
    SELECT person_id, custody_key, arrest_date FROM stg_custody WHERE arrest_date IS NOT NULL
),

treated AS (
    SELECT arrest.custody_key,
           bool_or(
               met.triage_date <= arrest.arrest_date
               AND coalesce(met.discharge_date, DATE '9999-12-31')
                   >= arrest.arrest_date - policy('known_before')
           ) AS in_contact
    FROM arrest
    INNER JOIN int_treatment_met AS met
        ON met.person_id = arrest.person_id AND met.met_date <= arrest.arrest_date
    GROUP BY arrest.custody_key
),

listed AS (
    SELECT DISTINCT arrest.custody_key
    FROM arrest
    INNER JOIN stg_intensive_programme AS programme
        ON programme.person_id = arrest.person_id
        AND programme.programme IN (
            SELECT code FROM seed_code
            WHERE list = 'programme' AND category = 'intensive programme'
        )
        AND arrest.arrest_date BETWEEN programme.start_date
            AND coalesce(programme.end_date, DATE '9999-12-31')
)

SELECT arrest.person_id, arrest.custody_key, arrest.arrest_date,
       CASE
           WHEN listed.custody_key IS NOT NULL THEN 'In the intensive programme'
           WHEN treated.in_contact THEN 'In contact with mainstream treatment in the 12 months'
           WHEN treated.custody_key IS NOT NULL
               THEN 'Known to treatment before, or referred only'
           ELSE 'Not known to treatment'
       END AS contact_group
FROM arrest
LEFT JOIN treated USING (custody_key)
LEFT JOIN listed USING (custody_key)
