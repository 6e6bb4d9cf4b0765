"""People whose every identifier is a canary, put among the rows of synthetic extracts."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from leak_scan import Needles

# Valid where the contracts check, so that they travel as far as a value can.
CANARY = {
    "forename": "Zyxforena",
    "surname": "Qwcanaryson",
    "dob": "1931-07-23",
    "postcode": "NR7 9QX",
    "pnc_id": "2003/0123456L",
    "cro_number": "65656/91H",
    "noms_number": "A9876ZQ",
    "nino": "JK971864C",
    "crn": "Q971864",
    "nhsno": "9990000018",
    "uprn": "987612345678",
}
KEYS = {
    "custody_ref": "CUSTCANARY1",
    "sentence_ref": "SENTCANARY1",
    "clientid": "CLIENTCANARY1",
    "case_ref": "CASECANARY1",
    "person_ref": "PERSCANARY1",
}
# Put where the contracts refuse it, so that it travels the road of a refused value.
REFUSED = "Zzrefusedcanary"
# A column nobody agreed to, by name and by value.
UNAGREED_COLUMN, UNAGREED_VALUE = "zzcolcanary", "Zzunagreedcanary"

_DAY = date.fromisoformat(CANARY["dob"])
NEEDLES = Needles(
    [
        *CANARY.values(),
        "065656/91H",
        "0123456L",
        _DAY.strftime("%Y%m%d"),
        _DAY.strftime("%d/%m/%Y"),
        _DAY.strftime("%d-%m-%Y"),
        _DAY.strftime("%d/%m/%y"),
        _DAY.strftime("%d %B %Y"),
        repr(_DAY).removeprefix("datetime."),
        *KEYS.values(),
        REFUSED,
        UNAGREED_COLUMN,
        UNAGREED_VALUE,
    ]
)


def plant(inbox: Path) -> int:
    """Put canaries into every table of every inbox; say how many cells they fill."""
    planted = 0
    old_keys: dict[str, str] = {}
    for path in sorted(inbox.glob("*/*.csv")):
        rows = _read(path)
        header = rows[0]
        names = [name.lower() for name in header]
        for place, name in enumerate(names):
            if name in KEYS and name not in old_keys and len(rows) > 1:
                old_keys[name] = next(row[place] for row in rows[1:] if row[place])
    for path in sorted(inbox.glob("*/*.csv")):
        rows = _read(path)
        names = [name.lower() for name in rows[0]]
        first = True
        for row in rows[1:]:
            for place, name in enumerate(names):
                if name in KEYS and row[place] == old_keys.get(name):
                    row[place] = KEYS[name]
                    planted += 1
            if "surname" in names and first and row[names.index("surname")]:
                for place, name in enumerate(names):
                    if name in CANARY:
                        row[place] = CANARY[name]
                        planted += 1
                first = False
            if "uprn" in names:
                row[names.index("uprn")] = CANARY["uprn"]
                planted += 1
        _refuse_something(names, rows)
        _write(path, [[*rows[0], UNAGREED_COLUMN], *([*row, UNAGREED_VALUE] for row in rows[1:])])
        planted += len(rows)
    return planted


def _refuse_something(names: list[str], rows: list[list[str]]) -> None:
    """Make the last row of a table break a rule with a canary."""
    for column in (
        "outcome",
        "result",
        "sentence_type",
        "release_date",
        "drug1",
        "modst",
        "duty",
        "assessment",
        "role",
        "start_date",
    ):
        if column in names and len(rows) > 2:
            rows[-1][names.index(column)] = REFUSED
            return


def _read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
