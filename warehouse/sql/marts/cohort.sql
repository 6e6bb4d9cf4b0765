-- One row per cohort: whom it is about, what is looked for afterwards, and how far behind the data it is. It is made from the cohort's file.
-- column cohort: Short name, which is that of its file.
-- column title: What a reader sees.
-- column definition: The question it answers.
-- column unit: What is counted.
-- column index_event: What brings a person in.
-- column entry_rules: What must hold on the index day.
-- column numerator: What each stage counts.
-- column denominator: Who is in the cohort.
-- column period: The period it covers.
-- column lag: How far behind the data it is, and why.
-- column follow_up_days: Days after the index day that the longest path through the stages takes.
-- column look_back_days: Days before the index day that the entry rules look at.
-- column partners: The partners whose dates bound the follow-up.
-- column exclusions: Who or what is left out.
-- column sources: The partners' tables it uses.
-- column status: exact definition on linked data or proxy, as in metric.
-- column caveat: What linkage does to it.
-- column owner: Who answers for it.
-- column is_published: True when its funnel is published, once it has been through the gate.
-- check: unique cohort
-- check: not_null cohort, title, definition, numerator, denominator, period, lag, follow_up_days, partners, exclusions, sources, status, caveat, owner, is_published
-- check: accepted status: exact definition on linked data, proxy
SELECT cohort, title, definition, unit, index_event, entry_rules, numerator, denominator, period,
       lag, follow_up_days, look_back_days, array_to_string(partners, ', ') AS partners,
       exclusions, sources, status, caveat, owner, is_published
FROM cohort_given
ORDER BY cohort
