-- One row per person arrested in the latest 12 months: how treatment services know them.
-- column period_start: First day of the period.
-- column period_end: Last day of the period: the earlier of the police and treatment extracts' dates.
-- column person_id: The person, as in person.
-- column arrests: Number of their arrests in the period.
-- column contact_group: In contact with mainstream treatment in the 12 months when an assessed episode was open on any day of them; Known to treatment before, or referred only when there is any other treatment record up to their end; else Not known to treatment. The intensive programme needs a list of its members, which no partner sends yet.
-- check: unique person_id
-- check: not_null person_id, contact_group, arrests
-- check: related person_id -> person.person_id
-- check: holds contact_group IN ('Not known to treatment', 'Known to treatment before, or referred only', 'In contact with mainstream treatment in the 12 months')
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
),

known AS (
    SELECT episode.person_id,
           bool_or(
               episode.triage_date <= period.period_end
               AND coalesce(episode.discharge_date, DATE '9999-12-31') >= period.period_start
           ) AS in_contact
    FROM stg_episode AS episode
    INNER JOIN period
        ON least(episode.referral_date, episode.triage_date) <= period.period_end
    GROUP BY episode.person_id
)

SELECT arrested.period_start, arrested.period_end, arrested.person_id, arrested.arrests,
       CASE
           WHEN coalesce(known.in_contact, FALSE)
               THEN 'In contact with mainstream treatment in the 12 months'
           WHEN known.person_id IS NOT NULL THEN 'Known to treatment before, or referred only'
           ELSE 'Not known to treatment'
       END AS contact_group
FROM arrested
LEFT JOIN known USING (person_id)
ORDER BY arrested.person_id
