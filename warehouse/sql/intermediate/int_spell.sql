-- One row per period spent under something that has begun, its end split into past and planned.
-- check: not_null person_id, partner, spell_type, start_date
-- check: holds end_date IS NULL OR planned_end_date IS NULL
WITH first_release AS (
    SELECT sentence_key, min(release_date) AS release_date
    FROM stg_prison_release
    GROUP BY sentence_key
),

spell AS (
    SELECT person_id, 'probation' AS partner, 'supervision' AS spell_type,
           sentence_date AS start_date, sentence_end_date AS recorded_end,
           'sentence' AS detail_list, sentence_type AS detail
    FROM stg_sentence
    WHERE sentence_category IS DISTINCT FROM 'custody'
    UNION ALL
    SELECT sentence.person_id, 'probation', 'supervision',
           first_release.release_date, sentence.sentence_end_date, 'sentence', 'LICENCE'
    FROM stg_sentence AS sentence
    INNER JOIN first_release USING (sentence_key)
    WHERE sentence.sentence_category = 'custody'
    UNION ALL
    SELECT sentence.person_id, 'probation', 'custody',
           sentence.sentence_date, first_release.release_date, 'sentence', sentence.sentence_type
    FROM stg_sentence AS sentence
    LEFT JOIN first_release USING (sentence_key)
    WHERE sentence.sentence_category = 'custody'
    UNION ALL
    SELECT person_id, 'treatment', 'structured_treatment', start_date, end_date,
           'intervention', modality
    FROM stg_intervention
    WHERE is_structured
    UNION ALL
    SELECT person_id, 'housing', 'homelessness_duty', start_date, end_date, 'duty', duty
    FROM stg_duty
    UNION ALL
    SELECT person_id, 'housing', 'tenancy', start_date, end_date, 'tenancy_type', tenancy_type
    FROM stg_tenancy
)

SELECT spell.* EXCLUDE (recorded_end),
       CASE WHEN spell.recorded_end <= extract.data_as_at THEN spell.recorded_end END AS end_date,
       CASE WHEN spell.recorded_end > extract.data_as_at THEN spell.recorded_end END
           AS planned_end_date,
       code.label AS detail_label
FROM spell
INNER JOIN extract ON extract.partner = spell.partner AND spell.start_date <= extract.data_as_at
LEFT JOIN seed_code AS code ON code.list = spell.detail_list AND code.code = spell.detail
