-- One row per release from prison, by person. One whose sentence was rejected is left out.
-- check: unique release_key
-- check: not_null person_id, release_key
-- check: rows = SELECT count(*) FROM probation_release SEMI JOIN probation_sentence USING (sentence_key)
SELECT sentence.person_id, sentence.sentence_key, release.release_key,
       release.conditional_release_date, release.automatic_release_date,
       release.confirmed_release_date, release.release_date, release.licence_expiry_date,
       release.sentence_expiry_date, release.recall_date,
       release.treatment_need, release.treatment_need = 'Y' AS has_treatment_need,
       release.discharge_accommodation
FROM probation_release AS release
INNER JOIN stg_sentence AS sentence USING (sentence_key)
