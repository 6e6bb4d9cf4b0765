-- One row per requirement of a sentence, by person. One whose sentence was rejected is left out.
-- check: unique requirement_key
-- check: not_null person_id, requirement_key
-- check: rows = SELECT count(*) FROM probation_requirement SEMI JOIN probation_sentence USING (sentence_key)
SELECT sentence.person_id, requirement.requirement_key, requirement.sentence_key,
       sentence.sentence_date, requirement.main_category, requirement.category,
       requirement.start_date, requirement.end_date, requirement.outcome
FROM probation_requirement AS requirement
INNER JOIN stg_sentence AS sentence USING (sentence_key)
