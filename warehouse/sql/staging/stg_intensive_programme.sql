-- One row per membership of an intensive programme, by person.
-- check: unique intensive_programme_key
-- check: not_null person_id, intensive_programme_key
-- check: rows = SELECT count(*) FROM police_intensive_programme
SELECT record_person.person_id, membership.intensive_programme_key, membership.programme,
       membership.referral_date, membership.start_date, membership.end_date, membership.end_reason
FROM police_intensive_programme AS membership
LEFT JOIN record_person USING (record_id)
