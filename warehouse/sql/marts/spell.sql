-- One row per period that a person spent under something: supervision, custody, structured treatment, a homelessness duty or a tenancy.
-- column spell_id: Number of the row in this release; it changes from release to release.
-- column person_id: The person, as in person.
-- column partner: The partner that recorded it.
-- column spell_type: supervision, custody, structured_treatment, homelessness_duty or tenancy.
-- column start_date: First day. Custody is taken to begin on the day of sentence.
-- column end_date: Last day; missing while the spell is open or when its end is not known. Custody ends on the first release; time after a recall is not shown.
-- column detail: Sentence type, modality, duty or tenancy type, as the partner coded it.
-- check: unique spell_id
-- check: not_null spell_id, person_id, partner, spell_type, start_date
-- check: related person_id -> person.person_id
-- check: accepted spell_type: supervision, custody, structured_treatment, homelessness_duty, tenancy
WITH first_release AS (
    SELECT sentence_key, min(release_date) AS release_date
    FROM stg_prison_release
    GROUP BY sentence_key
),

spell AS (
    SELECT person_id, 'probation' AS partner, 'supervision' AS spell_type,
           sentence_date AS start_date, sentence_end_date AS end_date, sentence_type AS detail
    FROM stg_sentence
    WHERE sentence_category IS DISTINCT FROM 'custody'
    UNION ALL
    SELECT sentence.person_id, 'probation', 'supervision',
           first_release.release_date, sentence.sentence_end_date, 'LICENCE'
    FROM stg_sentence AS sentence
    INNER JOIN first_release USING (sentence_key)
    WHERE sentence.sentence_category = 'custody'
    UNION ALL
    SELECT sentence.person_id, 'probation', 'custody',
           sentence.sentence_date, first_release.release_date, sentence.sentence_type
    FROM stg_sentence AS sentence
    LEFT JOIN first_release USING (sentence_key)
    WHERE sentence.sentence_category = 'custody'
    UNION ALL
    SELECT person_id, 'treatment', 'structured_treatment', start_date, end_date, modality
    FROM stg_intervention
    WHERE is_structured
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_duty', start_date, end_date, duty FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'tenancy', start_date, end_date, tenancy_type FROM stg_tenancy
)

SELECT row_number() OVER (ORDER BY person_id, start_date, spell_type, detail) AS spell_id, *
FROM spell
WHERE start_date IS NOT NULL
ORDER BY spell_id
