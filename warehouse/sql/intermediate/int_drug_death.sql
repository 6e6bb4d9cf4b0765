-- One row per person whose death was reported as suspected to be drug-related: the report made last, and how treatment services knew them on the day.
-- check: unique person_id
-- check: not_null person_id, death_date, treatment_contact, is_still_suspected
-- check: rows = SELECT count(DISTINCT person_id) FROM stg_suspected_drug_death WHERE death_date IS NOT NULL
WITH death AS (
    SELECT person_id,
           arg_max(death_date, said) AS death_date, arg_max(death_status, said) AS death_status
    FROM (
        SELECT *, (coalesce(reported_date, death_date), suspected_drug_death_key) AS said
        FROM stg_suspected_drug_death
        WHERE death_date IS NOT NULL
    )
    GROUP BY person_id
),

contact AS (
    -- A discharge after the death only closed the record; its days count up to the death.
    SELECT death.person_id,
           min(death.death_date - least(
               coalesce(met.discharge_date, death.death_date), death.death_date
           )) FILTER (met.triage_date <= death.death_date) AS days_since_treatment
    FROM death
    INNER JOIN int_treatment_met AS met
        ON met.person_id = death.person_id AND met.met_date <= death.death_date
    GROUP BY death.person_id
)

SELECT death.person_id, death.death_date, contact.days_since_treatment,
       CASE
           WHEN contact.days_since_treatment = 0 THEN 'In treatment at death'
           WHEN contact.days_since_treatment <= policy('known_before_death')
               THEN 'In treatment in the 12 months before'
           WHEN contact.person_id IS NOT NULL THEN 'Known to treatment before, or referred only'
           ELSE 'Not known to treatment'
       END AS treatment_contact,
       death.death_status IS DISTINCT FROM 'not_drug_related' AS is_still_suspected
FROM death
LEFT JOIN contact USING (person_id)
