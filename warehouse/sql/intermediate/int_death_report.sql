-- One row per person reported dead: the earliest sound report that is believed, else the earliest. A
-- report is sound when it is no later than its partner's extract and no earlier than the person's
-- earliest year of birth, and believed unless somebody met the person after it (list met in code).
-- Nobody is in it where the partnership asks for no metric of deaths.
-- check: unique person_id
-- check: not_null person_id, partner, death_date, source, is_believed
-- check: accepted source: discharge from treatment, suspected drug death
-- check: rows = SELECT count(DISTINCT person_id) FROM (SELECT person_id, 'treatment' AS partner, discharge_date AS death_date FROM stg_episode WHERE discharge_reason IN (SELECT code FROM seed_code WHERE list = 'discharge' AND category = 'died') UNION ALL SELECT person_id, 'police', death_date FROM stg_suspected_drug_death) INNER JOIN extract USING (partner) INNER JOIN int_birth USING (person_id) WHERE death_date <= data_as_at AND coalesce(year(death_date) >= earliest_year, TRUE) AND deaths_are_told()
WITH sent AS (
    SELECT episode.person_id, 'treatment' AS partner, episode.discharge_date AS death_date,
           'discharge from treatment' AS source
    FROM stg_episode AS episode
    INNER JOIN seed_code AS code
        ON code.list = 'discharge' AND code.code = episode.discharge_reason
        AND code.category = 'died'
    UNION ALL
    -- Whatever it was found to be due to, it is a death.
    SELECT person_id, 'police', death_date, 'suspected drug death' FROM stg_suspected_drug_death
),

sound AS (
    SELECT sent.*
    FROM sent
    INNER JOIN extract
        ON extract.partner = sent.partner AND sent.death_date <= extract.data_as_at
    INNER JOIN int_birth AS birth USING (person_id)
    WHERE coalesce(year(sent.death_date) >= birth.earliest_year, TRUE) AND deaths_are_told()
),

met AS (
    SELECT person_id, max(event_date) AS last_met
    FROM int_event
    SEMI JOIN sound USING (person_id)
    WHERE has_happened AND event_type IN (SELECT code FROM seed_code WHERE list = 'met')
    GROUP BY person_id
)

SELECT sound.person_id, sound.partner, sound.death_date, sound.source,
       coalesce(met.last_met <= sound.death_date, TRUE) AS is_believed
FROM sound
LEFT JOIN met USING (person_id)
QUALIFY row_number() OVER (
    PARTITION BY sound.person_id ORDER BY is_believed DESC, sound.death_date, sound.source
) = 1
