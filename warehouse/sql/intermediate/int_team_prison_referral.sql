-- One row per referral from prison to the criminal-justice team: how soon it was reported on.
-- check: unique prison_referral_key
-- check: rows = SELECT count(*) FROM stg_prison_referral
SELECT *, reported_date - referral_date AS days_to_reported
FROM stg_prison_referral
