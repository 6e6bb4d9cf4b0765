-- One row per breach or recall during a sentence, by person. One whose sentence was rejected is left out.
-- check: unique enforcement_key
-- check: not_null person_id, enforcement_key, sentence_key
-- check: rows = SELECT count(*) FROM probation_enforcement SEMI JOIN probation_sentence USING (sentence_key)
SELECT sentence.person_id, enforcement.enforcement_key, enforcement.sentence_key,
       enforcement.enforcement_type, enforcement.enforcement_date,
       code.category AS enforcement_category
FROM probation_enforcement AS enforcement
INNER JOIN stg_sentence AS sentence USING (sentence_key)
LEFT JOIN seed_code AS code
    ON code.list = 'enforcement' AND code.code = enforcement.enforcement_type
