-- One row per person and quarter in which they were arrested: how services knew them on the day of the first arrest in it, and what led up to it and followed. The groups are set on that day, from what came before, so that they can be compared by what came after.
-- column period_id: The quarter of the arrest, as in period. Only quarters that ended by the earlier of the police and treatment extracts' dates.
-- column person_id: The person, as in person; a person may be in a row of each quarter.
-- column contact_group: As in the metric contact_groups: In the intensive programme (Project ADDER) on the day of the first arrest; In contact with mainstream treatment in the 12 months up to it; Known to treatment before, or referred only; or Not known to treatment.
-- column arrests: Arrests in the quarter.
-- column neighbourhood_crime_arrests: Of these, for neighbourhood crime.
-- column drug_offence_arrests: Of these, for a drug offence.
-- column crime_types: Kinds of crime among them (categories of the list offence_class in code).
-- column positive_tests: Positive drug tests in the quarter.
-- column substances: Substances that treatment had named by the first arrest.
-- column has_mental_health_need: True when a treatment episode or a homelessness application by the first arrest tells of a mental health need.
-- column is_homeless: True when homelessness was known on any of the 365 days up to the first arrest, as in multiple_disadvantage.
-- column days_in_custody: Nights in prison in the 365 days up to the first arrest.
-- column is_followed: True when the quarter ended 365 days or more before the earlier of the police and treatment extracts' dates, so that the columns below are complete; they are missing otherwise.
-- column is_rearrested: True when arrested again on a later day within 365 days.
-- column interventions: Treatment interventions that began in the 365 days after the first arrest, structured or not.
-- column is_engaged: True when in structured treatment that began or was open in those 365 days and that became effective: 84 days or more, or completed sooner.
-- check: unique person_id, period_id
-- check: not_null person_id, period_id, contact_group, arrests, crime_types, positive_tests, substances, days_in_custody, is_followed
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: holds is_followed = (is_rearrested IS NOT NULL) AND is_followed = (interventions IS NOT NULL) AND is_followed = (is_engaged IS NOT NULL)
-- check: holds neighbourhood_crime_arrests <= arrests AND drug_offence_arrests <= arrests AND crime_types <= arrests
WITH reach AS (
    SELECT least(police, treatment) AS as_at FROM int_as_at
    WHERE police IS NOT NULL AND treatment IS NOT NULL
),

first_arrest AS (
    SELECT period.period_id, period.start_date, period.end_date, contact.person_id,
           contact.arrest_date, contact.contact_group,
           contact.arrest_date - policy('before_after') AS year_before,
           contact.arrest_date + policy('before_after') AS year_after,
           period.end_date + policy('before_after') <= reach.as_at AS is_followed
    FROM int_arrest_contact AS contact
    CROSS JOIN reach
    INNER JOIN int_period AS period
        ON contact.arrest_date BETWEEN period.start_date AND period.end_date
        AND period.end_date <= reach.as_at
    QUALIFY row_number() OVER (
        PARTITION BY contact.person_id, period.period_id
        ORDER BY contact.arrest_date, contact.custody_key
    ) = 1
),

arrested AS (
    SELECT first_arrest.person_id, first_arrest.period_id, count(*) AS arrests,
           count(*) FILTER (arrest.is_neighbourhood_crime) AS neighbourhood_crime_arrests,
           count(*) FILTER (arrest.is_drug_offence) AS drug_offence_arrests,
           count(DISTINCT arrest.offence_group) AS crime_types,
           min(arrest.days_to_next_arrest) FILTER (arrest.arrest_date = first_arrest.arrest_date)
               AS days_to_next_arrest
    FROM first_arrest
    INNER JOIN int_arrest AS arrest
        ON arrest.person_id = first_arrest.person_id
        AND arrest.arrest_date BETWEEN first_arrest.start_date AND first_arrest.end_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

tested AS (
    SELECT first_arrest.person_id, first_arrest.period_id, count(*) AS positive_tests
    FROM first_arrest
    INNER JOIN stg_drug_test AS test
        ON test.person_id = first_arrest.person_id AND test.result_category = 'positive'
        AND test.test_date BETWEEN first_arrest.start_date AND first_arrest.end_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

named AS (
    SELECT first_arrest.person_id, first_arrest.period_id,
           count(DISTINCT known.substance) AS substances
    FROM first_arrest
    INNER JOIN int_person_substance AS known
        ON known.person_id = first_arrest.person_id AND known.found_by <> 'drug test'
        AND known.first_date <= first_arrest.arrest_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

disadvantaged AS (
    SELECT first_arrest.person_id, first_arrest.period_id,
           bool_or(known.domain = 'mental health') AS has_mental_health_need,
           bool_or(known.domain = 'homelessness' AND known.until >= first_arrest.year_before)
               AS is_homeless
    FROM first_arrest
    INNER JOIN int_disadvantage AS known
        ON known.person_id = first_arrest.person_id
        AND known.start_date <= first_arrest.arrest_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

held AS (
    SELECT first_arrest.person_id, first_arrest.period_id,
           sum(
               least(spell.until, first_arrest.arrest_date)
               - greatest(spell.until - spell.own_days::INTEGER, first_arrest.year_before)
           ) AS days_in_custody
    FROM first_arrest
    INNER JOIN int_spell AS spell
        ON spell.person_id = first_arrest.person_id AND spell.spell_type = 'custody'
        AND spell.until > first_arrest.year_before
        AND spell.until - spell.own_days::INTEGER < first_arrest.arrest_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

provided AS (
    SELECT first_arrest.person_id, first_arrest.period_id, count(*) AS interventions
    FROM first_arrest
    INNER JOIN stg_intervention AS intervention
        ON intervention.person_id = first_arrest.person_id
        AND intervention.start_date BETWEEN first_arrest.arrest_date AND first_arrest.year_after
    GROUP BY first_arrest.person_id, first_arrest.period_id
),

engaged AS (
    SELECT first_arrest.person_id, first_arrest.period_id,
           bool_or(coalesce(journey.is_effective, FALSE)) AS is_engaged
    FROM first_arrest
    INNER JOIN int_treatment_journey AS journey
        ON journey.person_id = first_arrest.person_id
        AND journey.structured_start_date <= first_arrest.year_after
        AND coalesce(journey.structured_end_date, DATE '9999-12-31') >= first_arrest.arrest_date
    GROUP BY first_arrest.person_id, first_arrest.period_id
)

SELECT first_arrest.period_id, first_arrest.person_id, first_arrest.contact_group,
       arrested.arrests, arrested.neighbourhood_crime_arrests, arrested.drug_offence_arrests,
       arrested.crime_types, coalesce(tested.positive_tests, 0) AS positive_tests,
       coalesce(named.substances, 0) AS substances,
       coalesce(disadvantaged.has_mental_health_need, FALSE) AS has_mental_health_need,
       coalesce(disadvantaged.is_homeless, FALSE) AS is_homeless,
       coalesce(held.days_in_custody, 0)::INTEGER AS days_in_custody,
       first_arrest.is_followed,
       CASE WHEN first_arrest.is_followed
           THEN coalesce(arrested.days_to_next_arrest <= policy('before_after'), FALSE)
       END AS is_rearrested,
       CASE WHEN first_arrest.is_followed THEN coalesce(provided.interventions, 0) END
           AS interventions,
       CASE WHEN first_arrest.is_followed THEN coalesce(engaged.is_engaged, FALSE) END
           AS is_engaged
FROM first_arrest
INNER JOIN arrested USING (person_id, period_id)
LEFT JOIN tested USING (person_id, period_id)
LEFT JOIN named USING (person_id, period_id)
LEFT JOIN disadvantaged USING (person_id, period_id)
LEFT JOIN held USING (person_id, period_id)
LEFT JOIN provided USING (person_id, period_id)
LEFT JOIN engaged USING (person_id, period_id)
ORDER BY first_arrest.person_id, first_arrest.period_id
