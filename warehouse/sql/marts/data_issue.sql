-- One row per thing that may be wrong with what is used, and the place where it was found: what it is, how many rows and people it is of, and what was done. A thing that was not found has one row, of nought. Rows that are not used are in data_quality.
-- column issue: Short name of it (list issue in code).
-- column title: What it is.
-- column what_was_done: How the release treats the rows.
-- column partner: The partner whose rows they are; missing where they are of several, or there are none.
-- column place: The kind of event or spell, the table or the cohort; missing where there are none.
-- column rows: Number of rows; of a person merged, split or retired, the records that moved; of a cohort or an extract 1.
-- column people: Number of people they are of.
-- check: unique issue, partner, place
-- check: not_null issue, title, what_was_done, rows, people
-- check: accepted partner: police, probation, treatment, housing
-- check: holds (SELECT count(DISTINCT issue) FROM data_issue) = (SELECT count(*) FROM seed_code WHERE list = 'issue')
-- check: holds rows >= people OR issue LIKE 'person_%'
WITH release_order AS (
    SELECT person_id, sentence_key,
           lag(release_key) OVER sentence IS NOT NULL AND lag(recall_date) OVER sentence IS NULL
               AS is_without_recall
    FROM stg_prison_release
    WINDOW sentence AS (PARTITION BY sentence_key ORDER BY release_date, release_key)
),

-- What is in the community is in structured_treatment too.
spell_once AS (
    SELECT * FROM int_spell WHERE spell_type <> 'community_treatment'
),

found (issue, partner, place, person_id) AS (
    SELECT 'event_before_birth', event.partner, event.event_type, event.person_id
    FROM int_event AS event
    INNER JOIN int_birth AS birth
        ON birth.person_id = event.person_id
        AND year(event.event_date) < birth.earliest_year
    WHERE event.has_happened
    UNION ALL
    SELECT 'event_after_death', event.partner, event.event_type, event.person_id
    FROM int_event AS event
    INNER JOIN int_death_report AS death
        ON death.person_id = event.person_id AND event.event_date > death.death_date
    WHERE event.has_happened
    UNION ALL
    SELECT 'death_contradicted', partner, source, person_id
    FROM int_death_report
    WHERE NOT is_believed
    UNION ALL
    SELECT 'overlapping_spell', partner, spell_type, person_id FROM spell_once WHERE is_overlapping
    UNION ALL
    SELECT 'endless_spell', partner, spell_type, person_id
    FROM spell_once
    WHERE end_date IS NULL
        AND planned_end_date IS NULL
        AND days > CASE
            WHEN spell_type IN (
                'homelessness_duty', 'temporary_accommodation', 'intensive_programme', 'caseload',
                'secure_treatment'
            ) THEN policy('endless_short')
            ELSE policy('endless_long')
        END
    UNION ALL
    SELECT CASE end_basis WHEN 'start' THEN 'end_before_start' ELSE 'open_at_death' END,
           partner, spell_type, person_id
    FROM spell_once
    WHERE end_basis IN ('start', 'death')
    UNION ALL
    SELECT 'sentence_outlived', 'probation', 'custody', period.person_id
    FROM int_custody_period AS period
    INNER JOIN extract
        ON extract.partner = 'probation' AND period.recorded_end <= extract.data_as_at
    WHERE period.ends_with = 'sentence end'
    UNION ALL
    SELECT 'release_without_recall', 'probation', 'release', person_id
    FROM release_order
    WHERE is_without_recall
    UNION ALL
    SELECT 'release_without_custody', 'probation', 'release', person_id
    FROM stg_prison_release
    ANTI JOIN int_custody_period USING (sentence_key)
    UNION ALL
    SELECT 'discharge_before_triage', 'treatment', 'episode', person_id
    FROM stg_episode
    WHERE is_discharged_early
    UNION ALL
    SELECT 'intervention_before_triage', 'treatment', 'intervention', intervention.person_id
    FROM stg_intervention AS intervention
    INNER JOIN stg_episode AS episode
        ON episode.episode_key = intervention.episode_key
        AND intervention.start_date < episode.triage_date
    UNION ALL
    SELECT 'duty_before_application', 'housing', 'duty', duty.person_id
    FROM (SELECT DISTINCT person_id, duty_key, case_key, start_date FROM stg_duty) AS duty
    INNER JOIN housing_application AS application
        ON application.case_key = duty.case_key AND duty.start_date < application.application_date
    UNION ALL
    SELECT 'twice_in_household', 'housing', 'person', person_id
    FROM stg_application
    GROUP BY person_id, case_key
    HAVING count(*) > 1
    UNION ALL
    SELECT 'birth_years_differ', NULL, 'person', person_id
    FROM int_birth
    WHERE latest_year - earliest_year > 1
),

counted AS (
    SELECT issue, partner, place, count(*) AS "rows", count(DISTINCT person_id) AS people
    FROM found
    GROUP BY issue, partner, place
    UNION ALL
    SELECT 'person_' || cause, NULL, 'person_history',
           sum(records)::BIGINT, count(DISTINCT person_before)
    FROM history_given
    SEMI JOIN run USING (run_id)
    GROUP BY cause
    UNION ALL
    SELECT 'extract_overdue', partner, 'extract', 1, 0
    FROM extract
    INNER JOIN cadence_given USING (partner)
    CROSS JOIN run
    WHERE run.built_at::DATE - extract.data_as_at > cadence_given.cadence_days
    UNION ALL
    -- Its file may hold a word that its author did not mean, such as a detail that no record has.
    SELECT 'cohort_of_nobody', NULL, cohort, 1, 0
    FROM cohort_period
    WHERE is_reported
    GROUP BY cohort
    HAVING sum(people) = 0
)

SELECT code.code AS issue, code.label AS title, code.category AS what_was_done,
       counted.partner, counted.place, coalesce(counted."rows", 0) AS "rows",
       coalesce(counted.people, 0) AS people
FROM seed_code AS code
LEFT JOIN counted ON counted.issue = code.code
WHERE code.list = 'issue'
ORDER BY issue, counted.partner, counted.place
