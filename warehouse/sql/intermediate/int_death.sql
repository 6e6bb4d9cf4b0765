-- One row per person reported dead: the earliest sound report. A report is sound when it is no later
-- than its partner's extract and no earlier than the person's earliest year of birth.
-- check: unique person_id
-- check: not_null person_id, death_date, source
-- check: accepted source: discharge from treatment, suspected drug death
-- check: rows = SELECT count(DISTINCT person_id) FROM (SELECT person_id, 'treatment' AS partner, discharge_date AS death_date FROM stg_episode WHERE discharge_reason IN (SELECT code FROM seed_code WHERE list = 'discharge' AND category = 'died') UNION ALL SELECT person_id, 'police', death_date FROM stg_suspected_drug_death) INNER JOIN extract USING (partner) INNER JOIN int_birth USING (person_id) WHERE death_date <= data_as_at AND coalesce(year(death_date) >= earliest_year, TRUE)
WITH report AS (
    SELECT episode.person_id, 'treatment' AS partner, episode.discharge_date AS death_date,
           'discharge from treatment' AS source
    FROM stg_episode AS episode
    INNER JOIN seed_code AS code
        ON code.list = 'discharge' AND code.code = episode.discharge_reason
        AND code.category = 'died'
    UNION ALL
    -- Whatever it was found to be due to, it is a death.
    SELECT person_id, 'police', death_date, 'suspected drug death' FROM stg_suspected_drug_death
)

SELECT report.person_id, min(report.death_date) AS death_date,
       arg_min(report.source, (report.death_date, report.source)) AS source
FROM report
INNER JOIN extract ON extract.partner = report.partner
    AND report.death_date <= extract.data_as_at
INNER JOIN int_birth AS birth USING (person_id)
WHERE coalesce(year(report.death_date) >= birth.earliest_year, TRUE)
GROUP BY report.person_id
