-- One row per measure of how well records were linked: what the linkage found, and its estimates of error where it could make them.
-- column partner_a: One of two partners, or the only one.
-- column partner_b: The other; missing when the measure is of one partner.
-- column measure: What is measured.
-- column value: The figure.
-- column low: Lower end of its confidence interval, when there is one.
-- column high: Upper end of its confidence interval, when there is one.
-- column note: What to bear in mind.
-- check: not_null partner_a, measure
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

SELECT partner_a, partner_b, measure, value, low, high, note FROM linkage_given
UNION ALL
SELECT partner_a, partner_b, 'people known to both', people::DOUBLE, NULL, NULL,
       'A person who was not linked is not a person who was not known.'
FROM overlap
UNION ALL
SELECT partner, NULL, 'records', records::DOUBLE, NULL, NULL, NULL FROM sizes
UNION ALL
SELECT partner, NULL, 'people', people::DOUBLE, NULL, NULL, NULL FROM sizes
ORDER BY measure, partner_a, partner_b
