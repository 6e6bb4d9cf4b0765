"""The sharing agreement as data: who may share which field, why, under what terms and until when.

An agreement is a YAML file beside `partnership.yaml`, or a folder of its versions. It is in force
on a day when its dates cover that day, both controllers have signed it, and what they signed is
what it says now: a signature carries the digest of the terms, so a term changed afterwards makes it
void.

    parts       what it is made of
    codes, law  the law as data, and what an agreement lacks of it
    model       its clauses and digests, and whether it is in force
    versions    the file, or the folder, and the version in force on a day
    checks      whether it suits the partner and the partnership
    minimised   dropping what it does not share
"""

from __future__ import annotations

from governance.agreements.checks import (
    check_covers,
    check_demonstration,
    check_known,
    check_may_receive,
    check_purpose,
    check_recipients,
)
from governance.agreements.law import gaps_in_words
from governance.agreements.minimised import minimise
from governance.agreements.model import LATER_CLAUSES, LAW_ENFORCEMENT, Agreement
from governance.agreements.parts import SIGNING_ROLES, Recipient, Treatment, Use
from governance.agreements.versions import load_agreement, load_versions, parse_agreement

__all__ = [
    "LATER_CLAUSES",
    "LAW_ENFORCEMENT",
    "SIGNING_ROLES",
    "Agreement",
    "Recipient",
    "Treatment",
    "Use",
    "check_covers",
    "check_demonstration",
    "check_known",
    "check_may_receive",
    "check_purpose",
    "check_recipients",
    "gaps_in_words",
    "load_agreement",
    "load_versions",
    "minimise",
    "parse_agreement",
]
