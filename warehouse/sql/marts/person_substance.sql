-- One row per person, substance and way it came to be known: what people are treated for or tested positive for, and with what else.
-- column person_id: The person, as in person.
-- column found_by: treatment (named in an episode), treatment in a secure setting, or drug test (found on arrest).
-- column substance: The substance, as the list substance in code labels it. A drug test tells only Opiates, and Cocaine or crack.
-- column kind: opiate, non-opiate or alcohol.
-- column times: Episodes that name it, or tests that found it.
-- column times_with_others: How many of these named or found another substance as well.
-- column substances: How many substances the person is known by, in the same way, over all the time the data cover.
-- column first_week: Monday of the week in which it was first named or found: of the assessment, else of the referral.
-- column last_week: Monday of the week in which it was last.
-- exact first_date: The day it was first named or found.
-- exact last_date: The day it was last.
-- check: unique person_id, found_by, substance
-- check: not_null person_id, found_by, substance, kind, times, times_with_others, substances
-- check: related person_id -> person.person_id
-- check: accepted found_by: treatment, treatment in a secure setting, drug test
-- check: accepted kind: opiate, non-opiate, alcohol
-- check: rows = SELECT count(*) FROM int_person_substance
SELECT person_id, found_by, substance, kind, times, times_with_others,
       count(*) OVER (PARTITION BY person_id, found_by) AS substances,
       own_week(first_date, clock.days_off) AS first_week, own_week(last_date, clock.days_off) AS last_week,
       first_date, last_date
FROM int_person_substance
INNER JOIN clock_given AS clock USING (person_id)
ORDER BY person_id, found_by, substance
