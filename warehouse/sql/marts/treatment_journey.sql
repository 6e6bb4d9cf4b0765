-- One row per treatment journey: a person's episodes that overlap or lie 21 or fewer days apart. Episodes that were never assessed (triaged) are in no journey.
-- column person_id: The person, as in person.
-- column journey_number: 1 for the person's first journey in the data, 2 for the next, and so on.
-- column start_week: Monday of the week of the first assessment (triage) of the journey.
-- exact start_date: Day of that assessment.
-- column end_week: Monday of the week of the last discharge; missing while any episode is open.
-- exact end_date: Day of the last discharge.
-- column days_since_last: Days from the end of the person's journey before this one to its start; missing for the first.
-- column episodes: Number of treatment episodes in the journey.
-- column substance_group: Opiate if any episode names an opiate; otherwise Non-opiate & alcohol, Non-opiate only or Alcohol only; missing when no substance is known.
-- column referral_source: How the person first came, by the treatment system's code (list referral in code).
-- column end_reason: Discharge reason of the last episode (list discharge in code); missing while open. Where deaths are not asked for, one that says so is told together with a like one.
-- column is_successful_completion: True when a journey with structured treatment has ended and its last reason is 80, 81 or 82. A journey without structured treatment is never a completion, whatever its end_reason.
-- column journey_days: Days from the journey's start to its discharge; while it is open, to the treatment extract's date, in whole weeks from Monday to Monday unless the release tells exact days.
-- column structured_start_week: Monday of the week in which structured treatment (modality 94 or 95) began; missing when there was none.
-- exact structured_start_date: First day of structured treatment.
-- column days_to_structured: Days from the start of the journey to structured treatment; missing when there was none.
-- column structured_end_week: Monday of the week in which structured treatment ended; missing while it is open or when there was none. The end of an intervention that was left open is its episode's discharge.
-- exact structured_end_date: Last day of structured treatment.
-- column structured_days: Days in structured treatment: each unbroken stretch from its first to its last day, overlaps counted once and gaps not at all; missing when there was none. A stretch that is open is counted to the treatment extract's date, in whole weeks from Monday to Monday unless the release tells exact days.
-- column is_effective: For journeys with structured treatment, as NDTMS has it: true when the journey lasted 84 days or more, counted to the day, or was completed successfully sooner; false when it ended before either; missing when it is too early to say or there was no structured treatment.
-- check: unique person_id, journey_number
-- check: not_null person_id, journey_number, start_week, episodes
-- check: related person_id -> person.person_id
-- check: accepted substance_group: Opiate, Non-opiate & alcohol, Non-opiate only, Alcohol only
-- check: holds end_week IS NOT NULL OR is_in_weeks(journey_days)
-- check: rows = SELECT count(*) FROM int_treatment_journey
-- check: holds (SELECT sum(episodes) FROM treatment_journey) = (SELECT count(*) FROM stg_episode WHERE triage_date IS NOT NULL)
SELECT person_id, journey_number, own_week(start_date, clock.days_off) AS start_week, start_date,
       own_week(end_date, clock.days_off) AS end_week, end_date,
       start_date - lag(end_date) OVER (PARTITION BY person_id ORDER BY journey_number)
           AS days_since_last,
       episodes, substance_group,
       referral_source, coalesce(untold.told_as, end_reason) AS end_reason,
       is_successful_completion,
       lasted(
           start_date, coalesce(end_date, int_as_at.treatment), end_date IS NOT NULL, clock.days_off
       ) AS journey_days,
       own_week(structured_start_date, clock.days_off) AS structured_start_week,
       structured_start_date,
       structured_start_date - start_date AS days_to_structured,
       own_week(structured_end_date, clock.days_off) AS structured_end_week, structured_end_date,
       ended_days + coalesce(
           greatest(lasted(open_since, int_as_at.treatment, FALSE, clock.days_off), 0), 0
       ) AS structured_days,
       is_effective
FROM int_treatment_journey
CROSS JOIN int_as_at
INNER JOIN clock_given AS clock USING (person_id)
LEFT JOIN seed_untold_reason AS untold
    ON untold.list = 'discharge' AND untold.code = end_reason AND NOT deaths_are_told()
ORDER BY person_id, journey_number
