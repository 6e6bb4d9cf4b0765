-- One row per sentence, by person.
-- check: unique sentence_key
-- check: not_null person_id, sentence_key
-- check: rows = SELECT count(*) FROM probation_sentence
SELECT record_person.person_id, sentence.sentence_key, sentence.sentence_type,
       sentence.sentence_date, sentence.sentence_end_date, sentence.tier, sentence.rosh,
       sentence.mappa, sentence.iom, code.category AS sentence_category
FROM probation_sentence AS sentence
LEFT JOIN record_person USING (record_id)
LEFT JOIN seed_code AS code ON code.list = 'sentence' AND code.code = sentence.sentence_type
