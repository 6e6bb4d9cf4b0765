"""What the Police and Criminal Evidence Act 1984 says of drug tests on arrest.

Section 63B(7) lists the purposes for which a result may be disclosed. So no test is taken in until
the police agreement names one of them: a test without its result is of no use to the pipeline.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

PARTNER, RESULT_TABLE = "police", "drug_test"
"""Whose agreement names a purpose, and the table that is not taken in without one."""

NO_PURPOSE = (
    "its agreement names no purpose for which drug-test results may be disclosed "
    "(PACE 1984 section 63B(7)): have `pace_63b_purpose` agreed"
)
"""Why the table is not taken in then."""


@cache
def disclosure_purposes() -> dict[str, str]:
    """The purposes that section 63B(7) allows, each with what it means in words.

    They are data with a source, a date and a status, for the controllers' advisers to confirm.
    """
    listed = resources.files("governance").joinpath("law", "pace_63b_purposes.csv")
    rows = csv.DictReader(listed.read_text("utf-8").splitlines())
    return {row["purpose"]: row["label"] for row in rows}
