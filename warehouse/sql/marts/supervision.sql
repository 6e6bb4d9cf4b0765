-- One row per sentence passed: its requirements, the time under supervision, and how it was enforced.
-- column person_id: The person, as in person.
-- column sentence_number: 1 for the person's first sentence in the data, 2 for the next, and so on.
-- column sentence_type: Kind of sentence, by probation's code (list sentence in code).
-- column sentence_category: custody, community or licence; missing when the list does not know the code.
-- column sentence_week: Monday of the week in which it was passed.
-- exact sentence_date: The day it was passed.
-- column start_week: Monday of the week in which supervision began: when it was passed, or after custody the first release. Missing until there is one.
-- exact start_date: The day supervision began.
-- column end_week: Monday of the week in which supervision ended, once that has passed; missing while it goes on.
-- exact end_date: The day supervision ended.
-- column supervised_days: Days under supervision so far, those between a recall and the next release left out; missing when it has not begun. What goes on is counted to the date of probation's extract, in whole weeks from Monday to Monday unless the release tells exact days.
-- column tier: Tier of supervision, as coded.
-- column risk_of_serious_harm: Risk of serious harm, as coded.
-- column mappa: Level of multi-agency public protection, as coded; missing without one.
-- column is_iom: True when the integrated offender management flag is set.
-- column has_drr: True with a drug rehabilitation requirement.
-- column has_atr: True with an alcohol treatment requirement.
-- column has_mhtr: True with a mental health treatment requirement.
-- column requirements: Number of requirements of any kind.
-- column drr_outcome: How the drug rehabilitation requirement ended (list requirement_outcome in code), of the last that has ended.
-- column atr_outcome: The same of the alcohol treatment requirement.
-- column breaches: Breaches begun, up to the date of probation's extract.
-- column recalls: Recalls to prison from licence, each counted once.
-- column releases: Releases from prison.
-- check: unique person_id, sentence_number
-- check: not_null person_id, sentence_number, sentence_week, has_drr, has_atr, has_mhtr, requirements, breaches, recalls, releases
-- check: related person_id -> person.person_id
-- check: accepted sentence_category: custody, community, licence
-- check: rows = SELECT count(*) FROM stg_sentence INNER JOIN extract ON extract.partner = 'probation' AND sentence_date <= extract.data_as_at
-- check: holds (SELECT coalesce(sum(requirements), 0) FROM supervision) = (SELECT count(*) FROM stg_requirement INNER JOIN stg_sentence USING (sentence_key) INNER JOIN extract ON extract.partner = 'probation' AND stg_sentence.sentence_date <= extract.data_as_at)
WITH as_at AS (
    SELECT data_as_at FROM extract WHERE partner = 'probation'
),

requirement AS (
    SELECT sentence_key, count(*) AS requirements,
           bool_or(category = 'DRR') AS has_drr, bool_or(category = 'ATR') AS has_atr,
           bool_or(category = 'MHTR') AS has_mhtr,
           arg_max(outcome, (end_date, requirement_key)) FILTER (category = 'DRR') AS drr_outcome,
           arg_max(outcome, (end_date, requirement_key)) FILTER (category = 'ATR') AS atr_outcome
    FROM stg_requirement
    GROUP BY sentence_key
),

enforcement AS (
    SELECT sentence_key, count(*) AS breaches
    FROM stg_enforcement
    INNER JOIN as_at ON enforcement_date <= data_as_at
    WHERE enforcement_category = 'breach'
    GROUP BY sentence_key
),

released AS (
    SELECT sentence_key, count(*) FILTER (release_date <= data_as_at) AS releases,
           count(DISTINCT recall_date) FILTER (recall_date <= data_as_at) AS recalls
    FROM stg_prison_release
    CROSS JOIN as_at
    GROUP BY sentence_key
),

-- A spell of supervision has the sentence's key, one on licence its release's.
supervised AS (
    SELECT coalesce(release.sentence_key, spell.spell_key) AS sentence_key,
           min(spell.start_date) AS start_date,
           CASE WHEN bool_and(spell.end_date IS NOT NULL) THEN max(spell.end_date) END AS end_date,
           sum(lasted(spell.start_date, spell.until, spell.end_date IS NOT NULL, clock.days_off))::BIGINT
               AS supervised_days
    FROM int_spell AS spell
    INNER JOIN clock_given AS clock ON clock.person_id = spell.person_id
    LEFT JOIN stg_prison_release AS release
        ON spell.spell_type = 'licence' AND release.release_key = spell.spell_key
    WHERE spell.spell_type IN ('supervision', 'licence')
    GROUP BY ALL
)

SELECT sentence.person_id,
       row_number() OVER (
           PARTITION BY sentence.person_id ORDER BY sentence.sentence_date, sentence.sentence_key
       ) AS sentence_number,
       sentence.sentence_type, sentence.sentence_category,
       own_week(sentence.sentence_date, clock.days_off) AS sentence_week, sentence.sentence_date,
       own_week(supervised.start_date, clock.days_off) AS start_week, supervised.start_date,
       own_week(supervised.end_date, clock.days_off) AS end_week, supervised.end_date,
       supervised.supervised_days,
       sentence.tier, sentence.rosh AS risk_of_serious_harm, sentence.mappa,
       sentence.iom IS NOT NULL AS is_iom,
       coalesce(requirement.has_drr, FALSE) AS has_drr,
       coalesce(requirement.has_atr, FALSE) AS has_atr,
       coalesce(requirement.has_mhtr, FALSE) AS has_mhtr,
       coalesce(requirement.requirements, 0) AS requirements,
       requirement.drr_outcome, requirement.atr_outcome,
       coalesce(enforcement.breaches, 0) AS breaches,
       coalesce(released.recalls, 0) AS recalls,
       coalesce(released.releases, 0) AS releases
FROM stg_sentence AS sentence
INNER JOIN as_at ON sentence.sentence_date <= as_at.data_as_at
INNER JOIN clock_given AS clock ON clock.person_id = sentence.person_id
LEFT JOIN requirement USING (sentence_key)
LEFT JOIN enforcement USING (sentence_key)
LEFT JOIN released USING (sentence_key)
LEFT JOIN supervised USING (sentence_key)
ORDER BY sentence.person_id, sentence_number
