-- One row per measure of how well records were linked: what the linkage found, and its estimates of error where it could make them.
-- column split: How records are told apart: all, partners, sex, age_band, ethnicity_group or completeness.
-- column slice: Which of them; all when there is one only. A pair counts in each slice that one of its records is in.
-- column partner_a: One of two partners, or the only one; all for all.
-- column partner_b: The other, the same again for pairs within one; missing when the measure is of one partner.
-- column measure: What is measured.
-- column value: The figure; missing when it cannot be estimated, for the reason in note.
-- column low: Lower end of its confidence interval, when there is one.
-- column high: Upper end of its confidence interval, when there is one.
-- column judged: Pairs that an estimate rests on; missing when it is a plain count.
-- column note: What to bear in mind.
-- check: not_null split, slice, partner_a, measure
-- check: holds value IS NULL OR low IS NULL OR (low <= value AND value <= high)
-- check: accepted partner_a: police, probation, treatment, housing, all
WITH known AS (
    SELECT DISTINCT partner, person_id FROM stg_person_record
),

overlap AS (
    SELECT a.partner AS partner_a, b.partner AS partner_b, count(*) AS people
    FROM known AS a
    INNER JOIN known AS b ON a.person_id = b.person_id AND a.partner < b.partner
    GROUP BY a.partner, b.partner
),

sizes AS (
    SELECT partner, count(*) AS records, count(DISTINCT person_id) AS people
    FROM stg_person_record
    GROUP BY partner
)

SELECT coalesce(split, 'all') AS split, coalesce(slice, 'all') AS slice, partner_a, partner_b,
       measure, value, low, high, judged, note
FROM linkage_given
UNION ALL
SELECT 'partners', 'all', partner_a, partner_b, 'people known to both', people::DOUBLE, NULL, NULL,
       NULL, 'A person who was not linked is not a person who was not known.'
FROM overlap
UNION ALL
SELECT 'partners', 'all', partner, NULL, 'records', records::DOUBLE, NULL, NULL, NULL, NULL
FROM sizes
UNION ALL
SELECT 'partners', 'all', partner, NULL, 'people', people::DOUBLE, NULL, NULL, NULL, NULL
FROM sizes
ORDER BY measure, split, partner_a, partner_b, slice
