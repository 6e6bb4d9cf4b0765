"""The sharing agreement as data: who may share which field, why, under what terms and until when.

An agreement is a YAML file beside `partnership.yaml`, or a folder of its versions. It is in force
on a day when its dates cover that day, both controllers have signed it, and what they signed is
what it says now: a signature carries the digest of the terms, so a term changed afterwards makes it
void.

    parts       what it is made of
    codes, law  the law as data, and what an agreement lacks of it
    model       its clauses, what may be done by them, and its digests
    in_force    whether it is in force on a day
    versions    the file, or the folder, and the version in force on a day
    checks      whether it suits the partner and the partnership
    minimised   dropping what it does not share
    differing   two versions compared, in words
    examined    all that is amiss with a file, at once
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
from governance.agreements.differing import differences
from governance.agreements.examined import Examined, earlier_form, examine
from governance.agreements.law import gaps_in_words
from governance.agreements.minimised import minimise
from governance.agreements.model import LATER_CLAUSES, LAW_ENFORCEMENT, Agreement
from governance.agreements.parts import SIGNING_ROLES, Recipient, Treatment, Use
from governance.agreements.versions import (
    agreement_files,
    coming,
    file_of_day,
    is_version,
    load_agreement,
    load_versions,
    parse_agreement,
    problem_with,
)

__all__ = [
    "LATER_CLAUSES",
    "LAW_ENFORCEMENT",
    "SIGNING_ROLES",
    "Agreement",
    "Examined",
    "Recipient",
    "Treatment",
    "Use",
    "agreement_files",
    "check_covers",
    "check_demonstration",
    "check_known",
    "check_may_receive",
    "check_purpose",
    "check_recipients",
    "coming",
    "differences",
    "earlier_form",
    "examine",
    "file_of_day",
    "gaps_in_words",
    "is_version",
    "load_agreement",
    "load_versions",
    "minimise",
    "parse_agreement",
    "problem_with",
]
