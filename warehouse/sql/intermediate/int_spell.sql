-- One row per spell that had begun by its partner's as-at date, its end settled: past, planned, or
-- none. An end before the start is not believed, and the spell ends on the day it begins; a spell
-- that would outlast a death ends with it. Spells of a kind that overlap stay rows of their own:
-- own_days are those no earlier spell of the kind covers, so that their sum counts each day once;
-- they begin on own_start_date, which is missing where all are covered.
-- check: unique spell_type, spell_key, person_id, start_date, begins_with
-- check: not_null person_id, partner, spell_type, start_date, until, days, own_days, stretch_number
-- check: accepted end_basis: recorded, death, start
-- check: rows = SELECT count(*) FROM int_recorded_spell AS spell INNER JOIN extract ON extract.partner = spell.partner AND spell.start_date <= extract.data_as_at
-- check: holds end_date IS NULL OR planned_end_date IS NULL
-- check: holds (end_date IS NULL) = (end_basis IS NULL)
-- check: holds until >= start_date AND own_days BETWEEN 0 AND days
WITH begun AS (
    SELECT spell.*, extract.data_as_at, int_death.death_date,
           CASE
               WHEN spell.recorded_end < spell.start_date THEN spell.start_date
               ELSE spell.recorded_end
           END AS sound_end
    FROM int_recorded_spell AS spell
    INNER JOIN extract
        ON extract.partner = spell.partner AND spell.start_date <= extract.data_as_at
    LEFT JOIN int_death
        ON int_death.person_id = spell.person_id AND int_death.death_date >= spell.start_date
        AND int_death.death_date <= extract.data_as_at
),

ended AS (
    SELECT *,
           CASE
               WHEN sound_end <= data_as_at AND recorded_end < start_date THEN 'start'
               WHEN sound_end <= data_as_at THEN 'recorded'
               WHEN death_date IS NOT NULL THEN 'death'
           END AS end_basis,
           CASE WHEN sound_end <= data_as_at THEN sound_end ELSE death_date END AS end_date
    FROM begun
),

reached AS (
    SELECT *, coalesce(end_date, data_as_at) AS until,
           max(coalesce(end_date, data_as_at)) OVER (
               PARTITION BY person_id, spell_type
               ORDER BY start_date, coalesce(end_date, data_as_at), spell_key, begins_with
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS covered_to
    FROM ended
)

SELECT reached.person_id, reached.partner, reached.spell_type, reached.spell_key,
       reached.begins_with, reached.start_date, reached.end_date, reached.end_basis,
       CASE WHEN reached.end_date IS NULL THEN reached.sound_end END AS planned_end_date,
       reached.until, reached.until - reached.start_date AS days,
       CASE WHEN reached.covered_to > reached.start_date AND reached.covered_to >= reached.until
           THEN NULL ELSE greatest(reached.start_date, reached.covered_to) END AS own_start_date,
       coalesce(reached.until - own_start_date, 0) AS own_days,
       coalesce(reached.start_date < reached.covered_to, FALSE) AS is_overlapping,
       -- Spells that follow each other from one day to the next are one stretch.
       count(*) FILTER (reached.covered_to IS NULL OR reached.start_date - reached.covered_to > 1)
           OVER (
               PARTITION BY reached.person_id, reached.spell_type
               ORDER BY reached.start_date, reached.until, reached.spell_key, reached.begins_with
               ROWS UNBOUNDED PRECEDING
           ) AS stretch_number,
       reached.ended_well, reached.detail_list,
       coalesce(untold.told_as, reached.detail) AS detail, code.label AS detail_label
FROM reached
LEFT JOIN seed_untold_reason AS untold
    ON untold.list = reached.detail_list AND untold.code = reached.detail
    AND NOT deaths_are_told()
LEFT JOIN seed_code AS code
    ON code.list = reached.detail_list
    AND code.code = coalesce(untold.told_as, reached.detail)
