-- One row per cohort, stage and person: how long until the event of the stage, however late, or until it could no longer be seen. Here unfinished follow-up counts: it is censored. Each person is in it once, from their first index day since the first quarter that is counted; a stage counted from another has only those who reached that one.
-- column cohort: The cohort, as in cohort.
-- column stage: The stage, as in stage, which says in measures what the event is.
-- column person_id: The person, as in person.
-- column start_week: Monday of the week of the day counted from.
-- column days: Days from that day to the event or, if it was not seen, to the last day on which it would have been.
-- column is_event: True when the event was seen.
-- column censored_by: Why it was not seen by then: end of the data (the earliest date of the cohort's partners), death, or ended well (a spell wanted to last that was completed); missing when it was.
-- exact start_date: The day counted from.
-- check: unique cohort, stage, person_id
-- check: not_null cohort, stage, person_id, start_week, days, is_event
-- check: related person_id -> person.person_id
-- check: related cohort -> cohort.cohort
-- check: accepted censored_by: end of the data, death, ended well
-- check: holds days >= 0 AND is_event = (censored_by IS NULL)
WITH bound AS (
    SELECT DISTINCT cohort, as_at
    FROM int_cohort_quarter
    WHERE reason IS DISTINCT FROM 'partner not sent'
),

seen AS (
    SELECT timed.*, bound.as_at, who.death_date,
           least(bound.as_at, who.death_date) AS seen_until
    FROM int_time_to_event AS timed
    INNER JOIN bound ON bound.cohort = timed.cohort AND timed.start_date <= bound.as_at
    INNER JOIN int_person AS who USING (person_id)
),

judged AS (
    SELECT *, coalesce(event_date <= seen_until, FALSE) AS has_come FROM seen
)

SELECT cohort, stage, person_id, week_of(start_date) AS start_week,
       CASE WHEN has_come THEN event_date ELSE seen_until END - start_date AS days,
       has_come AND NOT is_good_end AS is_event,
       CASE
           WHEN has_come AND is_good_end THEN 'ended well'
           WHEN has_come THEN NULL
           WHEN death_date <= as_at THEN 'death'
           ELSE 'end of the data'
       END AS censored_by,
       start_date
FROM judged
WHERE seen_until >= start_date
ORDER BY cohort, stage, person_id
