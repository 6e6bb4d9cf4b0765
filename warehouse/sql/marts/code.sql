-- One row per code: what the codes in other tables mean. Labels of offence classes, of housing lists and of requirement outcomes are general knowledge of the field, not confirmed by the partners; they are kept in warehouse/sql/seeds/code.csv, which a data lead may edit.
-- column list: Which list the code is of.
-- column code: The code, as the partner sends it.
-- column label: What it means.
-- column category: The wider kind that the metrics go by; for events, the partner; for steps, journey when journeys are told by it, derived when it only says what another step was, restricted for a death that journeys do not show. The list met has the kinds of event in which somebody met the person.
-- column rank: For events and steps, their order on one day; for next steps, the order of the published columns; missing for other lists.
-- check: unique list, code
-- check: not_null list, code, label, category
-- check: holds list NOT IN ('event', 'step', 'next_step') OR "rank" IS NOT NULL
SELECT list, code, label, category, nullif("rank", '')::INTEGER AS "rank"
FROM seed_code
ORDER BY list, code
