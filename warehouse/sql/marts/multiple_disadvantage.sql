-- One row per person and quarter: the domains of disadvantage that any partner knew of in the twelve months that end with the quarter. Only quarters that ended by the earliest of the extracts' dates, and people known in at least one domain. Each domain is known only as far as a partner asks about it: domestic abuse by housing alone.
-- column period_id: The quarter with which the twelve months end, as in period.
-- column person_id: The person, as in person.
-- column has_homelessness: A homelessness duty was owed, or the person was in temporary accommodation, seen sleeping rough, of no fixed abode when treatment assessed them, released from prison to none, or in homeless accommodation by probation's record.
-- column has_substance_dependence: In assessed treatment, in the community or a secure setting, sentenced to a drug rehabilitation or alcohol treatment requirement, or an adult of a household with a drug or alcohol need.
-- column has_mental_health: A mental health need in a treatment episode or of an adult's household, or a mental health treatment requirement.
-- column has_domestic_abuse: An adult of a household that applied with a need for reason of domestic abuse.
-- column has_criminal_justice: Arrested, sentenced, under supervision, on licence or in prison.
-- column domains: How many of the five, 1 to 5.
-- column is_multiple: True when three or more.
-- check: unique person_id, period_id
-- check: not_null person_id, period_id, domains, is_multiple
-- check: related person_id -> person.person_id
-- check: related period_id -> period.period_id
-- check: holds domains BETWEEN 1 AND 5 AND is_multiple = (domains >= 3)
SELECT quarter AS period_id, person_id,
       has_homelessness, has_substance_dependence, has_mental_health, has_domestic_abuse,
       has_criminal_justice, domains, domains >= policy('disadvantage_domains') AS is_multiple
FROM int_multiple_disadvantage
CROSS JOIN int_as_at
WHERE as_of <= int_as_at.earliest
ORDER BY person_id, as_of
