-- One row per period under a disadvantage, or day on which one was recorded: the five domains that
-- multiple disadvantage is made of. A household's needs are those of its adults.
-- check: not_null person_id, domain, start_date, until
-- check: accepted domain: homelessness, substance dependence, mental health, domestic abuse, criminal justice
-- check: holds until >= start_date
WITH spell AS (
    SELECT person_id,
           CASE
               WHEN spell_type IN ('homelessness_duty', 'temporary_accommodation')
                   THEN 'homelessness'
               WHEN spell_type IN ('treatment_journey', 'secure_treatment')
                   THEN 'substance dependence'
               WHEN spell_type IN ('supervision', 'licence', 'custody') THEN 'criminal justice'
           END AS domain,
           partner, start_date, until
    FROM int_spell
),

adult AS (
    SELECT * FROM stg_application WHERE role IS DISTINCT FROM 'child'
),

recorded AS (
    SELECT person_id, 'homelessness' AS domain, 'housing' AS partner, sighting_date AS start_date,
           sighting_date AS until
    FROM stg_rough_sleeping
    UNION ALL
    -- What an assessment found is true of its day; nobody says until when.
    SELECT person_id, 'homelessness', 'treatment', triage_date, triage_date
    FROM stg_episode
    WHERE accommodation_need = '1'
    UNION ALL
    SELECT stay.person_id, 'homelessness', 'probation', stay.start_date, stay.end_date
    FROM stg_accommodation AS stay
    INNER JOIN seed_code AS code
        ON code.list = 'accommodation' AND code.code = stay.accommodation_type
        AND code.category = 'homeless'
    UNION ALL
    SELECT person_id, 'homelessness', 'probation', release_date, release_date
    FROM stg_prison_release
    WHERE discharge_accommodation = 'DNF'
    UNION ALL
    SELECT person_id, 'substance dependence', 'housing', application_date, application_date
    FROM adult
    WHERE has_drug_need OR has_alcohol_need
    UNION ALL
    SELECT person_id, 'substance dependence', 'probation', sentence_date, sentence_date
    FROM stg_requirement
    WHERE category IN ('DRR', 'ATR')
    UNION ALL
    SELECT person_id, 'mental health', 'treatment', triage_date, discharge_date
    FROM stg_episode
    WHERE mental_health_need = 'Y'
    UNION ALL
    SELECT person_id, 'mental health', 'housing', application_date, application_date
    FROM adult
    WHERE has_mental_health_need
    UNION ALL
    SELECT person_id, 'mental health', 'probation', sentence_date, sentence_date
    FROM stg_requirement
    WHERE category = 'MHTR'
    UNION ALL
    SELECT person_id, 'domestic abuse', 'housing', application_date, application_date
    FROM adult
    WHERE has_domestic_abuse_need
    UNION ALL
    SELECT person_id, 'criminal justice', 'police', arrest_date, arrest_date FROM stg_custody
    UNION ALL
    SELECT person_id, 'criminal justice', 'probation', sentence_date, sentence_date
    FROM stg_sentence
)

SELECT person_id, domain, start_date, until FROM spell WHERE domain IS NOT NULL
UNION ALL
SELECT recorded.person_id, recorded.domain, recorded.start_date,
       greatest(coalesce(recorded.until, extract.data_as_at), recorded.start_date)
FROM recorded
INNER JOIN extract
    ON extract.partner = recorded.partner AND recorded.start_date <= extract.data_as_at
