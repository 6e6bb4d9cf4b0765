"""The contracts as pages a partner can read, generated from the contracts themselves.

`python -m schemas.reference docs/reference/contracts` writes one page a partner. A test holds the
pages to the contracts, so that neither can change without the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.codes import PATTERNS, code_frame, list_title, requirement_patterns, unknown_codes
from schemas.columns import Column
from schemas.policy import packaged_policy
from schemas.rules import MAY_BE_ANYTHING, NO_CONSENT, rules_of
from schemas.tables import TABLES, Table

TYPES = {
    "key": "key",
    "code": "code",
    "date": "date, written 2026-04-01",
    "dob": "date, written 2026-04-01",
    "consent": "code",
    "sex": "code",
    "ethnicity": "code",
    "name": "name",
    "initial": "one letter",
    "postcode": "postcode",
    "postcode_sector": "postcode sector",
    "nhs_number": "NHS number",
    "nino": "National Insurance number",
    "pnc_id": "PNC ID",
    "cro_number": "CRO number",
    "crn": "case reference number",
    "noms_number": "NOMS number",
    "uprn": "property reference number",
    "la_code": "local authority code",
    "home_office_code": "Home Office code",
    "offence_code": "CJS offence code",
    "dat_code": "drug action team",
    "requirement": "description, read by its words",
    "days_of_28": "whole number, 0 to 28",
    "score_of_20": "whole number, 0 to 20",
}
"""How each kind of column is written; a kind that is not here goes by its own name."""

FOLLOWS = {
    "reject": "the extract is rejected",
    "quarantine": "the record is quarantined",
    "empty": "the value is emptied and counted",
    "note": "it is counted",
    NO_CONSENT: "the record is withheld and counted",
}

LIKE_CODES = "up to three capitals, then one to four digits, then perhaps a capital"
"""What `schemas.findings.LIKE_A_CODE` says, in words."""

HEADING = """# What {partner} sends

This page is generated from the contract in `schemas/{partner}.py`; do not edit it. Examples are
made up or published as examples. Check your own files against it, before you send them, with
`journeys check {partner} FOLDER`.

A field marked *required* must be filled in every record. *Identifier* says who or where somebody
is: it is encoded or generalised on arrival and never kept. What follows a broken rule is the
packaged policy; your partnership may have changed it in its `policy.yaml`.

A code may be written in capitals or in small letters, unless two codes of its list would then be
the same. A word of your own for *not known* is no code: where a code need not be given, list that
word under `empty:` in [the mapping](../mappings.md), and the value is read as empty. What belongs
to a record that is quarantined is quarantined with it.
"""


def contract_page(partner: str) -> str:
    """Every table, field, type, rule, code list and example of a partner, as Markdown."""
    tables = TABLES[partner]
    parts = [HEADING.format(partner=partner), _contents(tables)]
    parts += [_table(table) for table in tables]
    parts.append("## Code lists\n")
    parts += [_code_list(name) for name in _lists(tables)]
    if any(column.kind == "requirement" for t in tables for column in t.columns.values()):
        parts.append(_patterns())
    return "\n".join(parts).rstrip() + "\n"


def write_pages(folder: Path) -> list[Path]:
    """Write every partner's page into a folder; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for partner in TABLES:
        path = folder / f"{partner}.md"
        path.write_text(contract_page(partner), encoding="utf-8")
        written.append(path)
    return written


def _contents(tables: Iterable[Table]) -> str:
    rows = [
        f"| [{table.name}](#{_anchor(table)}) | {_cell(table.title)} | {_asked(table)} |"
        for table in tables
    ]
    return "\n".join(["| Table | What it holds | |", "|---|---|---|", *rows, ""])


def _asked(table: Table) -> str:
    words = ["optional" if table.optional else "required"]
    if table.restricted:
        words.append("restricted: only where the agreement names it")
    return "; ".join(words)


def _table(table: Table) -> str:
    lines = [f"## {table.name}", "", _sentence(table), ""]
    lines += ["| Field | Type | | Meaning | Example |", "|---|---|---|---|---|"]
    lines += [_field(name, column) for name, column in table.columns.items()]
    lines += ["", "| Rule | Field | What it asks | What follows |", "|---|---|---|---|"]
    lines += list(_rules(table))
    return "\n".join([*lines, ""])


def _sentence(table: Table) -> str:
    said = [f"{(table.title or table.name).rstrip('.')}."]
    said.append(f"A record is known by {_names(table.key)}.")
    for columns, parent in table.parents.items():
        said.append(
            f"It belongs to the record of [{parent}](#{parent}) with its {_names(columns)}."
        )
    if table.identity is None:
        said.append("It names no person.")
    if table.consent:
        given = _names(table.given_without_consent)
        said.append(f"Where `{table.consent}` is N, only {given} may be filled.")
    if table.optional:
        said.append("The table is optional.")
    return " ".join(said)


def _field(name: str, column: Column) -> str:
    kind = TYPES.get(column.kind, column.kind.replace("_", " "))
    if column.codes:
        kind = f"code of [{column.codes}](#{column.codes})"
    marks = [word for word, holds in (("required", column.required), (column.role, True)) if holds]
    cells = (f"`{name}`", kind, ", ".join(marks), column.description, f"`{column.example}`")
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _rules(table: Table) -> Iterator[str]:
    policy = packaged_policy()
    for column, rule, asks in rules_of(table):
        outcome = NO_CONSENT if rule == NO_CONSENT else policy.severity_of(table, column, rule)
        follows = FOLLOWS[outcome]
        if outcome == "note" and rule in MAY_BE_ANYTHING:
            otherwise = "the record is quarantined" if table.columns[column].required else "emptied"
            follows += f"; what does not look like a code: {otherwise}"
        yield f"| `{rule}` | `{column}` | {_cell(asks)} | {follows} |"


def _lists(tables: Iterable[Table]) -> list[str]:
    named = [column.codes for t in tables for column in t.columns.values() if column.codes]
    return sorted(set(named))


def _code_list(name: str) -> str:
    frame = code_frame(name)
    unknown = {
        "quarantine": "A record with another code is quarantined.",
        "pass": f"Another is counted, and let pass where it looks like a code: {LIKE_CODES}. Any "
        "other could be a name, so its value is emptied, or where one is required the record "
        "quarantined.",
    }[unknown_codes(name)]
    lines = [f"### {name}", "", f"{list_title(name).rstrip('.')}. {unknown}", ""]
    lines += ["| Code | Label | From | To | Status | Source |", "|---|---|---|---|---|---|"]
    columns = ["code", "label", "valid_from", "valid_to", "status", "source"]
    for code, *rest in frame.select(columns).iter_rows():
        lines.append(f"| `{code}` | {' | '.join(_cell(cell or '') for cell in rest)} |")
    return "\n".join([*lines, ""])


def _patterns() -> str:
    lines = [f"### {PATTERNS}", ""]
    lines += ["A description is put under the first category whose pattern it matches.", ""]
    lines += ["| Pattern | Category |", "|---|---|"]
    lines += [
        f"| `{_cell(pattern)}` | {category} |" for pattern, category in requirement_patterns()
    ]
    return "\n".join([*lines, ""])


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _anchor(table: Table) -> str:
    return table.name


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    for page in write_pages(Path(sys.argv[1])):
        sys.stdout.write(f"{page}\n")
