-- One row: the day up to which each partner's extract is complete (missing if it sent none).
-- check: rows = SELECT 1
SELECT max(data_as_at) FILTER (partner = 'police') AS police,
       max(data_as_at) FILTER (partner = 'probation') AS probation,
       max(data_as_at) FILTER (partner = 'treatment') AS treatment,
       max(data_as_at) FILTER (partner = 'housing') AS housing,
       min(data_as_at) AS earliest,
       count(*) AS partners
FROM extract
