-- One row per substance: how many people of the whole area are estimated to depend on it, as the partnership gives it in prevalence.csv; empty where it gives none. These partners' records cannot tell it.
-- column substance: opiate, crack, both (opiates and crack), opiate or crack (either or both), alcohol.
-- column people: The estimate, in people.
-- column low: Lower end of the estimate's own range, in people.
-- column high: Upper end of it.
-- column source: Where the estimate is from.
-- column as_at: The day it is of.
-- check: unique substance
-- check: not_null substance, people, low, high, source, as_at
-- check: accepted substance: opiate, crack, both, opiate or crack, alcohol
-- check: holds people BETWEEN low AND high
SELECT substance, people, low, high, source, as_at
FROM prevalence_given
ORDER BY substance
