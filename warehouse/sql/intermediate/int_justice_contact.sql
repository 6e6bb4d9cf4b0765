-- One row per twelve months that are counted and person in structured treatment in them: whether
-- they were arrested or under sentence in these months, and whether they had completed treatment by
-- the end. It is of the person's latest journey in them.
-- check: unique person_id, as_of
-- check: not_null person_id, as_of, is_in_contact, is_completed
WITH treated AS (
    SELECT period.year_start, period.end_date AS as_of, journey.*
    FROM int_period AS period
    INNER JOIN int_treatment_journey AS journey
        ON journey.structured_start_date <= period.end_date
        AND coalesce(journey.structured_end_date, DATE '9999-12-31') >= period.year_start
    QUALIFY row_number() OVER (
        PARTITION BY journey.person_id, period.end_date
        ORDER BY journey.structured_start_date DESC
    ) = 1
),

contact AS (
    SELECT person_id, arrest_date AS from_date, arrest_date AS to_date FROM stg_custody
    UNION ALL
    SELECT person_id, sentence_date, coalesce(sentence_end_date, DATE '9999-12-31')
    FROM stg_sentence
)

SELECT treated.person_id, treated.as_of, treated.substance_group, treated.opiate_or_crack,
       coalesce(bool_or(
           contact.from_date <= treated.as_of AND contact.to_date >= treated.year_start
       ), FALSE) AS is_in_contact,
       coalesce(
           treated.is_successful_completion AND treated.end_date <= treated.as_of
           AND coalesce(treated.next_start_date > treated.as_of, TRUE), FALSE
       ) AS is_completed
FROM treated
LEFT JOIN contact USING (person_id)
GROUP BY ALL
