-- One row per cohort, stage and person: how long until the event of the stage, however late, or until it could no longer be seen. Here unfinished follow-up counts: it is censored. Each person is in it once, from their first index day since the first quarter that is counted; a stage counted from another has only those who reached that one.
-- column cohort: The cohort, as in cohort.
-- column stage: The stage, as in stage, which says in measures what the event is.
-- column person_id: The person, as in person.
-- column start_week: Monday of the week of the day counted from.
-- column days: Days from that day to the event or, if it was not seen, to the last day on which it would have been: to the end of the data in whole weeks from Monday to Monday unless the release tells exact days. The table survival is worked out from exact days.
-- column is_event: True when the event was seen.
-- column censored_by: Why it was not seen by then: end of the data (the earliest date of the cohort's partners), death, or ended well (a spell wanted to last that was completed); missing when it was.
-- exact start_date: The day counted from.
-- check: unique cohort, stage, person_id
-- check: not_null cohort, stage, person_id, start_week, days, is_event
-- check: related person_id -> person.person_id
-- check: related cohort -> cohort.cohort
-- check: accepted censored_by: end of the data, death, ended well
-- check: rows = SELECT count(*) FROM int_time_seen
-- check: holds censored_by IS DISTINCT FROM 'end of the data' OR is_in_weeks(days)
-- check: holds days >= 0 AND is_event = (censored_by IS NULL)
SELECT cohort, stage, person_id, own_week(start_date, clock.days_off) AS start_week,
       lasted(
           start_date, until, censored_by IS DISTINCT FROM 'end of the data', clock.days_off
       ) AS days,
       is_event, censored_by, start_date
FROM int_time_seen
INNER JOIN clock_given AS clock USING (person_id)
ORDER BY cohort, stage, person_id
