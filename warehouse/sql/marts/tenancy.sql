-- One row per tenancy that had begun by the date of housing's extract.
-- column person_id: The person who holds it, as in person.
-- column tenancy_number: 1 for the person's first tenancy in the data, 2 for the next, and so on.
-- column tenancy_type: Kind of tenancy, as coded (list tenancy_type in code).
-- column start_week: Monday of the week in which it began.
-- exact start_date: The day it began.
-- column end_week: Monday of the week in which it ended, once that has passed; missing while it is held.
-- exact end_date: The day it ended.
-- column end_basis: What the end rests on, as in spell.
-- column end_reason: Why it ended (list tenancy_end_reason in code); missing while it is held. Where deaths are not asked for, one that says so is told together with a like one.
-- column days: Days it was held; while it is, to the date of housing's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- check: unique person_id, tenancy_number
-- check: not_null person_id, tenancy_number, start_week, days
-- check: related person_id -> person.person_id
-- check: holds end_week IS NOT NULL OR is_in_weeks(days)
-- check: rows = SELECT count(*) FROM stg_tenancy INNER JOIN extract ON extract.partner = 'housing' AND start_date <= extract.data_as_at
SELECT spell.person_id,
       row_number() OVER (
           PARTITION BY spell.person_id ORDER BY spell.start_date, spell.until, spell.spell_key
       ) AS tenancy_number,
       tenancy.tenancy_type,
       own_week(spell.start_date, clock.days_off) AS start_week, spell.start_date,
       own_week(spell.end_date, clock.days_off) AS end_week, spell.end_date,
       CASE WHEN spell.end_basis <> 'recorded' THEN 'settled' ELSE spell.end_basis END AS end_basis,
       CASE WHEN spell.end_date IS NOT NULL
           THEN coalesce(untold.told_as, tenancy.end_reason) END AS end_reason,
       lasted(spell.start_date, spell.until, spell.end_date IS NOT NULL, clock.days_off) AS days
FROM int_spell AS spell
INNER JOIN stg_tenancy AS tenancy
    ON spell.spell_type = 'tenancy' AND tenancy.tenancy_key = spell.spell_key
INNER JOIN clock_given AS clock ON clock.person_id = spell.person_id
LEFT JOIN seed_untold_reason AS untold
    ON untold.list = 'tenancy_end_reason' AND untold.code = tenancy.end_reason
    AND NOT deaths_are_told()
ORDER BY spell.person_id, tenancy_number
