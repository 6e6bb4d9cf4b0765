-- One row per spell of accommodation during a sentence, by person. One whose sentence was rejected is left out.
-- check: unique accommodation_key
-- check: not_null person_id, accommodation_key, sentence_key
-- check: rows = SELECT count(*) FROM probation_accommodation SEMI JOIN probation_sentence USING (sentence_key)
SELECT sentence.person_id, accommodation.accommodation_key, accommodation.sentence_key,
       accommodation.accommodation_type, accommodation.start_date, accommodation.end_date,
       code.category AS accommodation_category
FROM probation_accommodation AS accommodation
INNER JOIN stg_sentence AS sentence USING (sentence_key)
LEFT JOIN seed_code AS code
    ON code.list = 'accommodation' AND code.code = accommodation.accommodation_type
