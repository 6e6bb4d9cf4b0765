-- One row per area, age band and sex: how many people live there, as the partnership gives it in population.csv; empty where it gives none. These are residents, whoever they are; they are the denominators of rates.
-- column area: Postcode district, as in person.
-- column age_band: Age band, as in person.
-- column sex: F or M.
-- column people: Number of residents.
-- column source: Where the figure is from.
-- column as_at: The day it is of.
-- check: unique area, age_band, sex
-- check: not_null area, age_band, sex, people, source, as_at
-- check: accepted sex: F, M
-- check: accepted age_band: Under 18, 18-24, 25-34, 35-44, 45-54, 55 and over
-- check: holds people >= 0
SELECT area, age_band, sex, people, source, as_at
FROM population_given
ORDER BY area, age_band, sex
