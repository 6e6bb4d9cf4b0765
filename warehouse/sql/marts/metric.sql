-- One row per metric, funnel and transitions table: its definition. Tables and this catalogue come from one file each.
-- column metric: Short name: of a metric as in outcome, of a funnel its cohort.
-- column kind: metric (in outcome and figure), funnel (in funnel) or transitions (in transition).
-- column title: What a reader sees.
-- column definition: The question it answers.
-- column unit: What is counted.
-- column theme: What it is about: treatment, criminal justice, housing, health or journeys.
-- column numerator: What is counted above the line.
-- column denominator: What is counted below the line.
-- column period: The period it covers.
-- column lag: How far behind the data it is, and why.
-- column exclusions: Who or what is left out.
-- column partners: The partners whose dates bound what is reported; missing for funnels and transitions.
-- column sources: The partners' tables it uses.
-- column status: exact definition on linked data (the definition is the national or agreed one; linkage still misses people), proxy (stands in for something these partners do not record) or restricted.
-- column caveat: What linkage does to it.
-- column model: The model that holds its units, or the table that computes it.
-- column owner: Who answers for it.
-- column relation: How twelve months come about: sum of quarters or stock; missing for funnels and transitions.
-- column category_kind: The metric's first own category, all where it has none: outcome summed over it is everyone.
-- column is_published: True when it is published, once it has been through the gate.
-- check: unique metric
-- check: not_null metric, kind, title, definition, unit, numerator, denominator, period, lag, exclusions, sources, status, caveat, model, owner
-- check: accepted status: exact definition on linked data, proxy, restricted
-- check: accepted kind: metric, funnel, transitions
SELECT metric, kind, title, definition, theme, unit, numerator, denominator, period, lag,
       exclusions, partners, sources, status, caveat, model, owner, relation, category_kind,
       coalesce(is_published, TRUE) AS is_published
FROM metric_given
ORDER BY metric
