-- One row per cohort, stage and person: the day counted from, the event or the last day on which it would have been seen, and why it was not.
-- check: unique cohort, stage, person_id
-- check: not_null cohort, stage, person_id, start_date, until, days, is_event
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

SELECT cohort, stage, person_id, start_date,
       CASE WHEN has_come THEN event_date ELSE seen_until END AS until,
       until - start_date AS days,
       has_come AND NOT is_good_end AS is_event,
       CASE
           WHEN has_come AND is_good_end THEN 'ended well'
           WHEN has_come THEN NULL
           WHEN death_date <= as_at THEN 'death'
           ELSE 'end of the data'
       END AS censored_by
FROM judged
WHERE seen_until >= start_date
