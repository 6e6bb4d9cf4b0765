-- One row per code: what the codes in other tables mean.
-- column list: Which list the code is of.
-- column code: The code, as the partner sends it.
-- column label: What it means.
-- column category: The wider kind that the metrics go by; for steps and next contacts, their order.
-- check: unique list, code
-- check: not_null list, code, label, category
SELECT list, code, label, category
FROM seed_code
ORDER BY list, code
