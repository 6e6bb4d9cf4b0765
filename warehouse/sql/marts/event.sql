-- One row per dated event between a person and a partner, up to the date of that partner's extract. Dates that lie ahead (the planned end of a requirement) are left out, and so are events without a date.
-- column event_id: Number of the row in this release; it changes from release to release.
-- column person_id: The person, as in person.
-- column partner: police, probation, treatment or housing.
-- column event_type: Kind of event; code lists each kind under the list event, with the order of events of one day.
-- column event_date: The day it happened, or is recorded to have ended. The end of an intervention may be taken from its episode's discharge; the end of a requirement is the end recorded, planned or not, once that day has passed.
-- column detail_list: The list in code that explains detail, when there is one.
-- column detail: What kind it was, as the partner coded it: offence class, test result, sentence type, first substance, modality, tenancy type and so on.
-- column detail_label: What the code in detail means; missing when detail is, or when the list does not know the code.
-- check: unique event_id
-- check: not_null event_id, person_id, partner, event_type, event_date
-- check: related person_id -> person.person_id
-- check: accepted partner: police, probation, treatment, housing
-- check: holds event_type IN (SELECT code FROM code WHERE list = 'event')
-- check: rows = SELECT count(*) FROM int_event WHERE has_happened
SELECT row_number() OVER (
           ORDER BY person_id, event_date, event_rank, detail_list, detail
       ) AS event_id,
       person_id, partner, event_type, event_date, detail_list, detail, detail_label
FROM int_event
WHERE has_happened
ORDER BY event_id
