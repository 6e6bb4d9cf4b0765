-- One row per release from prison: where the person went, and when treatment began or a recall came.
-- check: unique release_key
-- check: not_null person_id, release_key, has_treatment_need, is_on_licence, is_accommodation_known
-- check: holds days_to_structured >= 0 AND days_to_recall >= 0 OR days_to_structured IS NULL OR days_to_recall IS NULL
-- check: rows = SELECT count(*) FROM stg_prison_release
WITH next_release AS (
    SELECT release_key,
           lead(release_date) OVER (
               PARTITION BY sentence_key ORDER BY release_date, release_key
           ) AS next_date
    FROM stg_prison_release
),

recall AS (
    -- A recall is on the release itself, or an enforcement before the sentence's next release.
    SELECT released.release_key,
           least(
               -- A recall before the release is not believed.
               any_value(released.recall_date) FILTER (
                   released.recall_date >= released.release_date
               ),
               min(enforcement.enforcement_date)
           ) AS recall_date
    FROM stg_prison_release AS released
    INNER JOIN next_release USING (release_key)
    LEFT JOIN stg_enforcement AS enforcement
        ON enforcement.sentence_key = released.sentence_key
        AND enforcement.enforcement_category = 'recall'
        AND enforcement.enforcement_date >= released.release_date
        AND enforcement.enforcement_date < coalesce(next_release.next_date, DATE '9999-12-31')
    GROUP BY released.release_key
)

SELECT person_id, released.release_key, release_date,
       coalesce(released.has_treatment_need, FALSE) AS has_treatment_need,
       CASE released.treatment_need
           WHEN 'Y' THEN 'Treatment need'
           WHEN 'N' THEN 'No treatment need'
           ELSE 'Not known'
       END AS treatment_need,
       coalesce(went.label, 'Not known') AS accommodation,
       coalesce(went.category <> 'not known', FALSE) AS is_accommodation_known,
       coalesce(went.category = 'housed', FALSE) AS is_housed,
       coalesce(went.category = 'homeless', FALSE) AS is_homeless,
       released.licence_expiry_date IS NOT NULL AS is_on_licence,
       started.days_to_structured,
       recall.recall_date - released.release_date AS days_to_recall
FROM stg_prison_release AS released
INNER JOIN recall USING (release_key)
LEFT JOIN int_community_start AS started USING (person_id, release_date)
LEFT JOIN seed_code AS went
    ON went.list = 'discharge_accommodation' AND went.code = released.discharge_accommodation
