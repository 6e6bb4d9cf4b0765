-- One row per release from prison with a treatment need: what community treatment followed it.
-- check: unique release_key
-- check: not_null person_id, release_date, was_in_treatment
-- check: holds NOT was_in_treatment OR days_to_start = 0
-- check: rows = SELECT count(*) FROM stg_prison_release WHERE has_treatment_need AND release_date IS NOT NULL
WITH released AS (
    SELECT person_id, release_key, release_date
    FROM stg_prison_release
    WHERE has_treatment_need AND release_date IS NOT NULL
),

known AS (
    -- Days until a treatment service was in contact: 0 when an assessed episode was open already.
    SELECT released.release_key,
           greatest(min(episode.triage_date - released.release_date), 0) AS days_to_contact
    FROM released
    INNER JOIN stg_episode AS episode
        ON episode.person_id = released.person_id
        AND coalesce(episode.discharge_date, DATE '9999-12-31') >= released.release_date
        AND episode.triage_date IS NOT NULL
    GROUP BY released.release_key
),

started AS (
    SELECT released.release_key,
           greatest(min(intervention.start_date - released.release_date), 0) AS days_to_start,
           bool_or(intervention.start_date < released.release_date) AS was_in_treatment
    FROM released
    INNER JOIN stg_intervention AS intervention
        ON intervention.person_id = released.person_id
        AND intervention.is_structured
        AND coalesce(intervention.end_date, DATE '9999-12-31') >= released.release_date
        AND intervention.start_date IS NOT NULL
    GROUP BY released.release_key
)

SELECT released.*, coalesce(started.was_in_treatment, FALSE) AS was_in_treatment,
       known.days_to_contact, started.days_to_start
FROM released
LEFT JOIN known USING (release_key)
LEFT JOIN started USING (release_key)
