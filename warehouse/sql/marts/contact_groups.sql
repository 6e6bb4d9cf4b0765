-- One row per person arrested in the latest 12 months: how treatment services know them.
-- column period_start: First day of the period.
-- column period_end: Last day of the period: the earlier of the police and treatment extracts' dates.
-- column person_id: The person, as in person.
-- column arrests: Number of their arrests in the period.
-- column contact_group: Known to mainstream treatment when a treatment episode was open on any day of the period, else Not known to treatment. The intensive programme needs a list of its members, which no partner sends yet.
-- check: unique person_id
-- check: not_null person_id, contact_group, arrests
-- check: related person_id -> person.person_id
-- check: accepted contact_group: Not known to treatment, Known to mainstream treatment
WITH period AS (
    SELECT (least(police, treatment) - INTERVAL 1 YEAR)::DATE + 1 AS period_start,
           least(police, treatment) AS period_end
    FROM int_as_at
    WHERE police IS NOT NULL AND treatment IS NOT NULL
),

arrested AS (
    SELECT period.period_start, period.period_end, custody.person_id, count(*) AS arrests
    FROM stg_custody AS custody
    INNER JOIN period ON custody.arrest_date BETWEEN period.period_start AND period.period_end
    GROUP BY period.period_start, period.period_end, custody.person_id
)

SELECT arrested.period_start, arrested.period_end, arrested.person_id, arrested.arrests,
       CASE WHEN EXISTS (
           SELECT 1 FROM stg_episode AS episode
           WHERE episode.person_id = arrested.person_id
               AND episode.triage_date <= arrested.period_end
               AND coalesce(episode.discharge_date, DATE '9999-12-31') >= arrested.period_start
       ) THEN 'Known to mainstream treatment' ELSE 'Not known to treatment' END AS contact_group
FROM arrested
ORDER BY arrested.person_id
