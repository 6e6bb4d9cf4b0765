-- One row per referral of a person in prison to the criminal-justice team, by person.
-- check: unique prison_referral_key
-- check: not_null person_id, prison_referral_key
-- check: rows = SELECT count(*) FROM treatment_prison_referral
SELECT record_person.person_id, referral.prison_referral_key, referral.prison,
       referral.referral_date, referral.release_date, referral.reported_date,
       referral.referral_outcome
FROM treatment_prison_referral AS referral
LEFT JOIN record_person USING (record_id)
