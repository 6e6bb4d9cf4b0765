-- One row per time that a person spent in prison on a sentence: from the sentence to the first release, and from each recall to the next release. Police custody is not in it: an arrest is an event. Remand is not sent by any partner.
-- column person_id: The person, as in person.
-- column custody_number: 1 for the person's first time in prison in the data, 2 for the next, and so on.
-- column sentence_type: The sentence served, by probation's code (list sentence in code).
-- column begins_with: sentence or recall.
-- column ends_with: release; sentence end (no release is recorded, and the sentence has run out); settled (as in spell). Missing while the person is in prison.
-- column start_week: Monday of the week of the sentence or recall.
-- exact start_date: Day of the sentence or recall.
-- column end_week: Monday of the week of the release or other end; missing while the person is in prison.
-- exact end_date: Day of the release or other end.
-- column days: Days from the start to the end; while the person is in prison, to the date of probation's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- column own_days: Of these, the days that no earlier row of the person covers: sentences may be served at the same time. Told likewise; their sum is the person's time in prison.
-- column days_to_next: Days from the end to the start of the person's next time in prison; missing for the last, and where that began earlier.
-- check: unique person_id, custody_number
-- check: not_null person_id, custody_number, begins_with, start_week, days, own_days
-- check: related person_id -> person.person_id
-- check: accepted begins_with: sentence, recall
-- check: accepted ends_with: release, sentence end, settled
-- check: holds end_week IS NOT NULL OR (is_in_weeks(days) AND is_in_weeks(own_days))
-- check: holds (ends_with IS NULL) = (end_week IS NULL)
-- check: rows = SELECT count(*) FROM int_custody_period AS period INNER JOIN extract ON extract.partner = 'probation' AND period.start_date <= extract.data_as_at
-- check: holds (SELECT coalesce(sum(own_days), 0) FROM custody_period) = (SELECT coalesce(sum(own_days), 0) FROM spell WHERE spell_type = 'custody')
WITH told AS (
    SELECT spell.*, clock.days_off, period.sentence_type,
           CASE
               WHEN spell.end_basis = 'recorded' THEN period.ends_with
               WHEN spell.end_date IS NOT NULL THEN 'settled'
           END AS ends_with
    FROM int_spell AS spell
    INNER JOIN int_custody_period AS period
        ON spell.spell_type = 'custody'
        AND period.sentence_key = spell.spell_key
        AND period.start_date = spell.start_date
        AND period.begins_with = spell.begins_with
    INNER JOIN clock_given AS clock ON clock.person_id = spell.person_id
)

SELECT person_id, row_number() OVER person AS custody_number, sentence_type, begins_with, ends_with,
       own_week(start_date, days_off) AS start_week, start_date,
       own_week(end_date, days_off) AS end_week, end_date,
       lasted(start_date, until, end_date IS NOT NULL, days_off) AS days,
       coalesce(lasted(own_start_date, until, end_date IS NOT NULL, days_off), 0) AS own_days,
       CASE WHEN lead(start_date) OVER person >= end_date
           THEN lead(start_date) OVER person - end_date END AS days_to_next
FROM told
WINDOW person AS (PARTITION BY person_id ORDER BY start_date, until, spell_key, begins_with)
ORDER BY person_id, custody_number
