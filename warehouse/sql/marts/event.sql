-- One row per dated event between a person and a partner, up to the date of that partner's extract. Dates that lie ahead (the planned end of a requirement) are left out, and so are events without a date.
-- column person_id: The person, as in person.
-- column partner: police, probation, treatment or housing.
-- column event_type: Kind of event; code lists each kind under the list event, with the order of events of one day.
-- column event_week: Monday of the week in which it happened, or is recorded to have ended. The end of an intervention may be taken from its episode's discharge; the end of a requirement is the end recorded, planned or not, once that day has passed.
-- exact event_date: The day of it.
-- column event_number: 1 for the person's first event in the data, 2 for the next, and so on, by day and then by the rank of the list event in code.
-- column is_doubtful: True when it lies outside the person's life as recorded: in a year before the earliest year of birth their records give, or after the earliest sound report of a death. Such events are kept, counted in data_issue, and likely to be of somebody else.
-- column detail_list: The list in code that explains detail, when there is one.
-- column detail: What kind it was, as the partner coded it: offence class, test result, sentence type, first substance, modality, tenancy type and so on.
-- column detail_label: What the code in detail means; missing when detail is, or when the list does not know the code.
-- check: unique person_id, event_number
-- check: not_null person_id, partner, event_type, event_week, event_number, is_doubtful
-- check: related person_id -> person.person_id
-- check: accepted partner: police, probation, treatment, housing
-- check: holds event_type IN (SELECT code FROM code WHERE list = 'event')
-- check: rows = SELECT count(*) FROM int_event WHERE has_happened
SELECT event.person_id, event.partner, event.event_type,
       own_week(event.event_date, clock.days_off) AS event_week, event.event_date,
       row_number() OVER (
           PARTITION BY event.person_id
           ORDER BY event.event_date, event.event_rank, event.detail_list, event.detail
       ) AS event_number,
       coalesce(year(event.event_date) < birth.earliest_year, FALSE)
           OR coalesce(event.event_date > death.death_date, FALSE) AS is_doubtful,
       event.detail_list, event.detail, event.detail_label
FROM int_event AS event
INNER JOIN clock_given AS clock USING (person_id)
LEFT JOIN int_birth AS birth USING (person_id)
LEFT JOIN int_death_report AS death USING (person_id)
WHERE event.has_happened
ORDER BY event.person_id, event_number
