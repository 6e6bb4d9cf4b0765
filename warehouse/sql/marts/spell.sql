-- One row per period that a person spent under something, as one partner recorded it. Only periods that had begun by the date of the partner's extract. Spells of a kind may overlap and stay rows of their own: own_days add up to the days the person spent under it, and spells of one stretch_number follow each other without a break.
-- column person_id: The person, as in person.
-- column spell_number: 1 for the person's first spell in the data, 2 for the next, and so on, by the day it began.
-- column partner: The partner that recorded it.
-- column spell_type: Kind of spell (list spell in code).
-- column start_week: Monday of the week of its first day. Time in prison is taken to begin on the day of sentence or recall.
-- exact start_date: First day.
-- column end_week: Monday of the week of its last day, once that has passed; missing while the spell is open. An intervention that was left open ends with its episode's discharge.
-- exact end_date: Last day, once it has passed.
-- column planned_end_week: Monday of the week of the recorded end when that lies after the date of the partner's extract, as supervision's often does; missing otherwise.
-- exact planned_end_date: The recorded end when it lies ahead.
-- column end_basis: What the end rests on: recorded, or settled: the spell was open when the person was reported dead, or the end recorded lies before the start and is not believed. Missing while open.
-- column days: Days from its start to its end; while it is open, to the date of the partner's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- column own_days: Of these, the days that no earlier spell of the kind covers, told likewise.
-- column is_overlapping: True when an earlier spell of the kind was still open on the day it began.
-- column stretch_number: Number of the unbroken stretch of the kind that it is part of, 1 for the person's first.
-- column ended_well: Of a structured journey, whether it was completed successfully; missing elsewhere.
-- column detail_list: The list in code that explains detail, when there is one.
-- column detail: Sentence type, modality, discharge reason, duty, kind of accommodation, tenancy or programme, prison, or reason for closing, as the partner coded it.
-- column detail_label: What the code in detail means, when the list knows it.
-- check: unique person_id, spell_number
-- check: not_null person_id, spell_number, partner, spell_type, start_week, days, own_days, stretch_number
-- check: related person_id -> person.person_id
-- check: holds spell_type IN (SELECT code FROM seed_code WHERE list = 'spell')
-- check: accepted end_basis: recorded, settled
-- check: rows = SELECT count(*) FROM int_spell
-- check: holds (SELECT coalesce(sum(own_days), 0) FROM spell WHERE end_week IS NOT NULL) = (SELECT coalesce(sum(own_days), 0) FROM int_spell WHERE end_date IS NOT NULL)
-- check: holds own_days BETWEEN 0 AND days
-- check: holds end_week IS NOT NULL OR (is_in_weeks(days) AND is_in_weeks(own_days))
SELECT person_id,
       row_number() OVER (
           PARTITION BY person_id ORDER BY start_date, spell_type, spell_key, begins_with
       ) AS spell_number,
       partner, spell_type, own_week(start_date, clock.days_off) AS start_week, start_date,
       own_week(end_date, clock.days_off) AS end_week, end_date,
       own_week(planned_end_date, clock.days_off) AS planned_end_week, planned_end_date,
       CASE WHEN end_basis <> 'recorded' THEN 'settled' ELSE end_basis END AS end_basis,
       lasted(start_date, until, end_date IS NOT NULL, clock.days_off) AS days,
       coalesce(lasted(own_start_date, until, end_date IS NOT NULL, clock.days_off), 0) AS own_days,
       is_overlapping, stretch_number, ended_well,
       detail_list, detail, detail_label
FROM int_spell
INNER JOIN clock_given AS clock USING (person_id)
ORDER BY person_id, spell_number
