-- One row per period that a person spent under something: supervision, custody, structured treatment, a homelessness duty or a tenancy. Only periods that had begun by the date of the partner's extract.
-- column spell_id: Number of the row in this release; it changes from release to release.
-- column person_id: The person, as in person.
-- column partner: The partner that recorded it.
-- column spell_type: supervision, custody, structured_treatment, homelessness_duty or tenancy.
-- column start_date: First day. Custody is taken to begin on the day of sentence.
-- column end_date: Last day, once it has passed; missing while the spell is open or when its end is not known. Custody ends on the first release (time after a recall is not shown); supervision ends as the sentence was recorded to end; an intervention that was left open ends with its episode's discharge.
-- column planned_end_date: The recorded end when it lies after the date of the partner's extract, as supervision's often does; missing otherwise.
-- column detail_list: The list in code that explains detail.
-- column detail: Sentence type (LICENCE after custody), modality, duty or tenancy type, as the partner coded it.
-- column detail_label: What the code in detail means, when the list knows it.
-- check: unique spell_id
-- check: not_null spell_id, person_id, partner, spell_type, start_date
-- check: related person_id -> person.person_id
-- check: accepted spell_type: supervision, custody, structured_treatment, homelessness_duty, tenancy
-- check: rows = SELECT count(*) FROM int_spell
SELECT row_number() OVER (ORDER BY person_id, start_date, spell_type, detail) AS spell_id,
       person_id, partner, spell_type, start_date, end_date, planned_end_date,
       detail_list, detail, detail_label
FROM int_spell
ORDER BY spell_id
