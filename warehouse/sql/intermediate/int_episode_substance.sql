-- One row per treatment episode: its substance group, whether it names an opiate or crack, and how
-- many substances it names. Any opiate makes it Opiate.
-- check: unique episode_key
-- check: accepted substance_group: Opiate, Non-opiate & alcohol, Non-opiate only, Alcohol only
-- check: rows = SELECT count(*) FROM treatment_episode
WITH drug AS (
    UNPIVOT (SELECT episode_key, drug1, drug2, drug3 FROM stg_episode)
    ON drug1, drug2, drug3 INTO NAME place VALUE drug_code
),

kind AS (
    SELECT drug.episode_key,
           bool_or(code.category = 'opiate') AS opiate,
           bool_or(code.category = 'non-opiate') AS non_opiate,
           bool_or(code.category = 'alcohol') AS alcohol,
           bool_or(answer.category IN ('opiate', 'crack')) AS opiate_or_crack,
           count(DISTINCT drug.drug_code) AS substances
    FROM drug
    LEFT JOIN seed_code AS code ON code.list = 'substance' AND code.code = drug.drug_code
    LEFT JOIN seed_code AS answer ON answer.list = 'profile_answer' AND answer.code = drug.drug_code
    GROUP BY drug.episode_key
)

SELECT episode.episode_key,
       CASE
           WHEN kind.opiate THEN 'Opiate'
           WHEN kind.non_opiate AND kind.alcohol THEN 'Non-opiate & alcohol'
           WHEN kind.non_opiate THEN 'Non-opiate only'
           WHEN kind.alcohol THEN 'Alcohol only'
       END AS substance_group,
       coalesce(kind.opiate_or_crack, FALSE) AS is_opiate_or_crack,
       coalesce(kind.substances, 0) AS substances
FROM stg_episode AS episode
LEFT JOIN kind USING (episode_key)
