"""The contracts' rules as examples: for each rule a good record and the same with one change.

    rules that can be reported ← the code        cases ← the tables in tests/spec and the examples

A case is plain text, made once. It is judged by whatever `schemas` is imported at that moment, so
that a rule can be taken out of the code and the cases run again.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

SPEC = Path(__file__).parents[1] / "spec"
AS_AT = date(2026, 6, 30)
TOMORROW = AS_AT + timedelta(days=1)

PARTNERS = ("police", "probation", "treatment", "housing")
PACKAGED, DATED, PASSING = "packaged", "dated", "passing"
"""The packaged code lists; the same with codes that begin and end; the same, letting codes pass."""

UNLISTED = "999X"
"""A code that looks like one and is in no list."""

CLASSES = {
    "9": "Z",
    "999": "9999",
    "99Z": "9Z9",
    "999Z": "999ZZ",
    "999/99": "99/99",
    "990/09": "990/9",
    "909/90": "909/900",
    "099/90": "0990/90",
    "1A": "A CLASS",
}
"""In the partnership's own list of offence classes: what a class may look like, and may not."""

LIKE_CODES = (UNLISTED, "9", "9999", "ZZZ9999Z", "AB99")
WORDS = ("Quillfeather Tufnell", "99999", "ABCD99", "99XX", "ABC", "9.9")
"""What is in no list and looks like a code, or does not and could be a name or an identifier."""

SHAPED = {"offence_class": ((UNLISTED, "999"), ("092/05",))}
"""The same of a kind that has to have a shape, with that shape."""

ALSO = {
    # A date that is none is empty, and so is a word where a list lets codes pass; an end without a
    # way of ending, or the reverse, breaks a rule of its own.
    ("treatment", "intervention", "modend", "not_a_date", "quarantine"): {
        ("modexit", "intervention_end_and_exit_differ", "quarantine")
    },
    ("treatment", "intervention", "modexit", "code_unknown_passed", "empty"): {
        ("modexit", "intervention_end_and_exit_differ", "quarantine")
    },
    # Likewise of a decision or a discharge without its day, and an end without its reason.
    ("housing", "application", "main_duty_decision", "code_unknown_passed", "empty"): {
        ("main_duty_decision_date", "decision_and_date_differ", "note")
    },
    ("housing", "duty", "end_reason", "code_unknown_passed", "empty"): {
        ("end_date", "duty_end_and_reason_differ", "note")
    },
    ("treatment", "episode", "disrsn", "code_unknown_passed", "empty"): {
        ("disd", "discharge_and_reason_differ", "note")
    },
    # Nobody joins before they are referred, so both days have to lie ahead.
    ("police", "intensive_programme", "referral_date", "after_the_extract", "quarantine"): {
        ("start_date", "after_the_extract", "quarantine")
    },
}
"""The only changes that break a second rule, each with why."""

AHEAD_TOGETHER = {("intensive_programme", "referral_date"): "start_date"}
"""A date that cannot lie ahead unless another does."""

BLANKED_TOGETHER = {
    "modexit": "modend",
    "disrsn": "disd",
    "main_duty_decision": "main_duty_decision_date",
    "end_reason": "end_date",
}
"""A field that has to be empty where the date is."""

GIVEN_TOGETHER = {"modend": "modst"}
"""A date that is not given without another."""

Rule = tuple[str, str, str, str]
"""Partner, table, column and rule."""

Record = dict[str, str | None]
Family = dict[str, list[Record]]
"""One record of each table of a line of parents, of the last one perhaps two."""


@dataclass(frozen=True)
class Case:
    """One rule, and a family of records that keeps it and breaks it.

    Args:
        rule: The rule.
        outcome: What follows.
        good: Records that keep every rule.
        bad: The same with one change.
        at: Which record of the table is blamed.
        lists: The code lists it is read with.
        withheld: Whether the good record is of a person who withheld consent.
    """

    rule: Rule
    outcome: str
    good: Family
    bad: Family
    at: int = 0
    lists: str = PACKAGED
    withheld: bool = False

    @property
    def expected(self) -> Counter[tuple[str, int, str, str, str]]:
        """The whole verdict: table, record, column, rule, outcome."""
        _, table, column, rule = self.rule
        told = {(column, rule, self.outcome)} | ALSO.get((*self.rule, self.outcome), set())
        return Counter((table, self.at, *one) for one in told)


# What the code can report.


def reportable(table: Any, codes: Path | None = None) -> set[tuple[str, str]]:
    """(column, rule) of everything that validation can say of a table, read off the code."""
    from schemas.models import schema_of
    from schemas.rules import UNUSABLE

    schema = schema_of(table.model, codes)
    found = {(check.title, check.name) for check in schema.checks}
    found |= {(name, check.name) for name, column in schema.columns.items()
              for check in column.checks}  # fmt: skip
    found |= {(rule.column, rule.rule) for rule in table.cross_rules}
    found |= {(name, "after_the_extract") for name in table.past_dates}
    found |= {(columns[-1], "parent_missing") for columns in table.parents}
    found |= {(table.key[-1], rule) for rule in table.expected.values()}
    found.add((table.key[-1], "duplicate_key"))
    if table.consent:
        found.add((table.consent, "data_without_consent"))
    for name, column in table.columns.items():
        if column.kind in ("date", "dob"):
            found.add((name, "not_a_date"))
        if column.kind in UNUSABLE:
            found.add((name, UNUSABLE[column.kind]))
    return found


def every_rule(folders: Mapping[str, Path | None]) -> set[Rule]:
    """Every rule of every table, by the packaged code lists and a partnership's own."""
    from schemas.tables import TABLES

    return {
        (partner, table.name, *one)
        for partner, tables in TABLES.items()
        for table in tables
        for codes in folders.values()
        for one in reportable(table, codes)
    }


# Code lists of a partnership's own.


def write_lists(folder: Path) -> dict[str, Path | None]:
    """The folders of code lists that cases are read with."""
    from schemas.codes import PACKAGED as SOURCE
    from schemas.codes import list_names

    days = event_days()
    for kind, unknown in ((DATED, "quarantine"), (PASSING, "pass")):
        (folder / kind).mkdir()
        rows = [("list", "title", "unknown"), *((name, "", unknown) for name in list_names())]
        _write(folder / kind / "lists.csv", rows)
        for name in list_names():
            with (SOURCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
                header, *listed = csv.reader(file)
            made = [_listed(header, code, *ends) for code, *ends in _codes_in_time(days)]
            if name == "offence_class" and kind == DATED:
                made += [_listed(header, code, "", "") for pair in CLASSES.items() for code in pair]
            _write(folder / kind / f"{name}.csv", [header, *listed, *made])
    return {PACKAGED: None, DATED: folder / DATED, PASSING: folder / PASSING}


def event_days() -> list[str]:
    """Every day on which an example's codes are read."""
    from schemas.tables import TABLES

    columns = [table.columns for tables in TABLES.values() for table in tables]
    return sorted({str(day) for each in columns for name in each if (day := _day_of(each, name))})


def in_time(days: Sequence[str], day: str) -> list[tuple[str, str]]:
    """Pairs of codes, one in force on a day, one that begins a day late or ended a day early."""
    at = 4 * days.index(day)
    return [(f"{700 + at}A", f"{701 + at}A"), (f"{702 + at}A", f"{703 + at}A")]


def _codes_in_time(days: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for place, day in enumerate(days):
        on, one, at = date.fromisoformat(day), timedelta(days=1), 700 + 4 * place
        yield f"{at}A", day, ""
        yield f"{at + 1}A", str(on + one), ""
        yield f"{at + 2}A", "", day
        yield f"{at + 3}A", "", str(on - one)


def _listed(header: Sequence[str], code: str, first: str, last: str) -> list[str]:
    said = {"code": code, "label": "Made up", "valid_from": first, "valid_to": last,
            "status": "unconfirmed", "source": "Test", "maps_to": "W1"}  # fmt: skip
    return [said[name] for name in header]


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _day_of(columns: Mapping[str, Any], name: str) -> str | None:
    """The day of the example that a code is read on."""
    column = columns[name]
    event = next((one for one, each in columns.items() if each.event), None)
    by = column.dated_by or event
    return columns[by].example if column.codes and by else None


# The cases.


@dataclass
class _Maker:
    """Makes families of records, each with keys of its own."""

    table: Any
    made: list[Case] = field(default_factory=list)

    def family(self, second: bool = False) -> Family:
        """The table's example and those of its parents, under keys that no other family has."""
        from schemas.tables import find_table

        tables, number = [self.table], next(_NUMBERS)
        while tables[-1].parents:
            (parent,) = tables[-1].parents.values()
            tables.append(find_table(self.table.partner, parent))
        family = {table.name: [_example(table, number)] for table in tables}
        if second:
            other = _example(self.table, number)
            other[self.table.key[-1]] = f"{other[self.table.key[-1]]}b"
            family[self.table.name].append({**other, **_SECOND.get(self.table.name, {})})
        return family

    def add(
        self,
        column: str,
        rule: str,
        change: Mapping[str, str | None],
        *,
        given: Mapping[str, str | None] | None = None,
        outcome: str = "quarantine",
        family: Family | None = None,
        at: int = 0,
        **more: Any,
    ) -> None:
        """One more case: a family, what it says beside its examples, and the change."""
        good = self._with(family or self.family(), given or {})
        spec = self.table.columns[column]
        must_stay = spec.required or spec.role in ("key", "parent")
        if outcome == "empty" and must_stay and rule != "dummy_date_of_birth":
            outcome = "quarantine"
        named = (self.table.partner, self.table.name, column, rule)
        self.made.append(Case(named, outcome, good, self._with(good, change), at=at, **more))

    def _with(self, family: Family, said: Mapping[str, str | None]) -> Family:
        """A family with other values: of the table, `second.` of its second, `parent.` of its."""
        changed = {name: [dict(record) for record in records] for name, records in family.items()}
        for where, value in said.items():
            place, _, column = where.rpartition(".")
            at = 1 if place == "second" else 0
            name = self.table.name if place in ("", "second") else place
            if column not in changed[name][at]:
                raise KeyError(f"{name} has no {column}")
            changed[name][at][column] = value
        return changed


FIRST_NUMBER = 10_000
_NUMBERS = iter(range(FIRST_NUMBER, 10_000_000))
_SECOND: dict[str, Record] = {"person": {"role": "partner"}}


def _example(table: Any, number: int) -> Record:
    return {
        name: f"{name}-{number}" if column.kind == "key" and name != "agncy" else column.example
        for name, column in table.columns.items()
    }


def every_case(days: Sequence[str]) -> list[Case]:
    """All cases of all tables."""
    from schemas.tables import TABLES

    return [
        case for tables in TABLES.values() for table in tables for case in cases_of(table, days)
    ]


def cases_of(table: Any, days: Sequence[str]) -> list[Case]:
    """All cases of a table."""
    maker = _Maker(table)
    for name, column in table.columns.items():
        _of_column(maker, name, column)
        if column.codes:
            _of_codes(maker, name, column, days)
        if name in table.past_dates:
            _ahead(maker, name)
        elif column.kind == "date":
            _planned(maker, name)
    _of_keys(maker)
    _of_expected(maker)
    if table.consent:
        _of_consent(maker)
    _between_fields(maker)
    return maker.made


def _of_column(maker: _Maker, name: str, column: Any) -> None:
    if column.required:
        for nothing in (None, "", "  "):
            maker.add(name, "required", {name: nothing})
    for rule, said in _BY_KIND.get(column.kind, {}).items():
        pairs, outcome = (said, "quarantine") if isinstance(said, list) else (
            said["pairs"], said["outcome"])  # fmt: skip
        for kept, broken in pairs:
            given = {} if kept is None else {name: kept}
            maker.add(name, rule, {name: broken}, given=given, outcome=outcome)
    if column.kind == "offence_class":
        for kept, broken in CLASSES.items():
            maker.add(name, "offence_class_malformed", {name: broken}, given={name: kept},
                      lists=DATED)  # fmt: skip
    if column.kind == "key":
        # One character that no other family has, and a hundred.
        letter = chr(0x4E00 + next(_NUMBERS) - FIRST_NUMBER)
        long = letter.ljust(100, "x")
        for kept, broken in (
            (letter, "|"),
            (long, f"{long}x"),
            (long[:50], "a|b"),
            (long[:60], "a\x07b"),
            (long[:70], "a\N{ZERO WIDTH SPACE}b"),
        ):
            family = maker.family()
            for records in family.values():
                for record in records:
                    record.update({name: kept} if name in record else {})
            maker.add(name, "key_unusable", {name: broken}, family=family)


def _of_codes(maker: _Maker, name: str, column: Any, days: Sequence[str]) -> None:
    from schemas.codes import load_codes, unknown_codes

    known = load_codes(column.codes)
    like_codes, words = SHAPED.get(column.kind, (LIKE_CODES, WORDS))
    like_codes = tuple(code for code in like_codes if code not in known)
    for lists, unknown in (
        (PACKAGED, unknown_codes(column.codes)), (DATED, "quarantine"), (PASSING, "pass"),
    ):  # fmt: skip
        ending = "_passed" if unknown == "pass" else ""
        # An answer that cannot be read is not a consent, whatever its list lets pass.
        passed = unknown == "pass" and name != maker.table.consent
        outcome = "note" if passed else "quarantine"
        for value in like_codes if unknown == "pass" else like_codes[:1]:
            maker.add(name, f"code_unknown{ending}", {name: value}, outcome=outcome, lists=lists)
        gone = "empty" if passed else "quarantine"
        for value in words if unknown == "pass" else words[:1]:
            maker.add(name, f"code_unknown{ending}", {name: value}, outcome=gone, lists=lists)
        day = _day_of(maker.table.columns, name)
        # Only Y is a consent, and it always is.
        if lists == PACKAGED or day is None or name == maker.table.consent:
            continue
        for kept, broken in in_time(days, day):
            maker.add(name, f"code_not_in_force{ending}", {name: broken}, given={name: kept},
                      outcome=outcome, lists=lists)  # fmt: skip


def _ahead(maker: _Maker, name: str) -> None:
    """The day of the extract and the day after."""
    family = _one_date(maker, name)
    dates = {name, AHEAD_TOGETHER.get((maker.table.name, name), name)}
    maker.add(name, "after_the_extract", dict.fromkeys(dates, str(TOMORROW)),
              given=dict.fromkeys(dates, str(AS_AT)), family=family)  # fmt: skip


def _planned(maker: _Maker, name: str) -> None:
    """A date that is written down before it comes may lie as far ahead as there are dates."""
    maker.add(name, "not_a_date", {name: "2151-01-01"}, given={name: "2150-12-31"},
              family=_one_date(maker, name))  # fmt: skip


def _one_date(maker: _Maker, name: str) -> Family:
    """A family in which all other dates that need not be there are left out."""
    family = maker.family()
    for records in family.values():
        for record in records:
            record.update(_without_dates(maker.table, record, name))
    return family


def _without_dates(table: Any, record: Record, but: str) -> Record:
    from schemas.tables import TABLES

    optional = {
        name
        for one in TABLES[table.partner]
        for name, column in one.columns.items()
        if set(record) == set(one.columns) and column.kind == "date" and not column.required
    } - {but, GIVEN_TOGETHER.get(but)}
    optional |= {name for name, day in BLANKED_TOGETHER.items() if day in optional}
    return {name: None for name in record if name in optional}


def _of_keys(maker: _Maker) -> None:
    table = maker.table
    for part in table.key:
        family = maker.family(second=True)
        first, second = family[table.name]
        second[table.key[-1]] = first[table.key[-1]]
        second[part] = f"{first[part]}b"
        maker.add(table.key[-1], "duplicate_key", {f"second.{part}": first[part]},
                  family=family, at=1)  # fmt: skip
    for columns in table.parents:
        for part in columns:
            maker.add(columns[-1], "parent_missing", {part: f"NONE{next(_NUMBERS)}"})


def _of_expected(maker: _Maker) -> None:
    """Two records, each with one that belongs to it, and the first without."""
    from schemas.tables import find_table

    table = maker.table
    for name, rule in table.expected.items():
        family = maker.family(second=True)
        below = [_example(find_table(table.partner, name), next(_NUMBERS)) for _ in range(2)]
        for record, above in zip(below, family[table.name], strict=True):
            record.update({part: above[part] for part in table.key})
        named = (table.partner, table.name, table.key[-1], rule)
        good, bad = {**family, name: below}, {**family, name: below[1:]}
        maker.made.append(Case(named, "note", good, bad))


def _of_consent(maker: _Maker) -> None:
    table = maker.table
    nothing: Record = dict.fromkeys(set(table.columns) - set(table.given_without_consent))
    for name in nothing:
        example = table.columns[name].example
        value = f"{name}-{next(_NUMBERS)}" if table.columns[name].kind == "key" else example
        maker.add(table.consent, "data_without_consent", {name: value},
                  given={**nothing, table.consent: "N"}, withheld=True)  # fmt: skip


def _between_fields(maker: _Maker) -> None:
    for title, said in _BETWEEN.get(f"{maker.table.partner}.{maker.table.name}", {}).items():
        rule = re.sub(r" \(.*", "", title)
        for where, kept, broken in said["pairs"]:
            second = where.startswith("second.")
            given = {**said.get("given", {}), **({} if kept is None else {where: kept})}
            maker.add(said["blames"], rule, {where: broken}, given=given,
                      outcome=said.get("outcome", "quarantine"),
                      family=maker.family(second), at=int(second))  # fmt: skip


def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((SPEC / name).read_text("utf-8"))


_BY_KIND = _read("rules_by_kind.yaml")
_BETWEEN = _read("rules_between_fields.yaml")


# The judgement.


def faults(
    partner: str, cases: Sequence[Case], folders: Mapping[str, Path | None]
) -> Iterator[tuple[Case, str]]:
    """Each case of a partner that is not judged as it says, with what is wrong, never a value."""
    for lists, codes in folders.items():
        some = [case for case in cases if case.rule[0] == partner and case.lists == lists]
        if some:
            yield from _faults_of_bad(partner, some, codes)
            yield from _faults_of_good(partner, some, codes)


def _faults_of_good(
    partner: str, cases: Sequence[Case], codes: Path | None
) -> Iterator[tuple[Case, str]]:
    verdicts, kept = _judged(partner, [case.good for case in cases], codes)
    for case, verdict, counted in zip(cases, verdicts, kept, strict=True):
        sent = {name: len(records) for name, records in case.good.items()}
        if case.withheld:
            sent[case.rule[1]] = 0
        if verdict:
            yield case, f"the good one breaks {_told(verdict)}"
        elif counted != sent:
            yield case, "the good one is not kept whole"


def _faults_of_bad(
    partner: str, cases: Sequence[Case], codes: Path | None
) -> Iterator[tuple[Case, str]]:
    verdicts, kept = _judged(partner, [case.bad for case in cases], codes)
    for case, verdict, counted in zip(cases, verdicts, kept, strict=True):
        table = case.rule[1]
        left_out = any(outcome == "quarantine" for *_, outcome in case.expected)
        left = len(case.bad[table]) - left_out
        if verdict != case.expected:
            yield case, f"the bad one breaks {_told(verdict) or 'nothing'}"
        elif counted[table] != left:
            yield case, f"of the bad one {counted[table]} records are kept"


def _told(verdict: Iterable[tuple[str, int, str, str, str]]) -> str:
    return ", ".join(f"{table}.{column} {rule} ({outcome})"
                     for table, _, column, rule, outcome in sorted(verdict))  # fmt: skip


def _judged(
    partner: str, families: Sequence[Family], codes: Path | None
) -> tuple[list[Counter[tuple[str, int, str, str, str]]], list[dict[str, int]]]:
    """All families as one extract: the verdict on each and how many of its records are kept."""
    from schemas.contract import examine_extract
    from schemas.tables import TABLES, find_table

    owners: dict[str, list[tuple[int, int]]] = {}
    frames: dict[str, pl.DataFrame] = {}
    for name in [table.name for table in TABLES[partner]]:
        rows = [
            (at, place, record)
            for at, family in enumerate(families)
            for place, record in enumerate(family.get(name, ()))
        ]
        if rows:
            owners[name] = [(at, place) for at, place, _ in rows]
            columns = dict.fromkeys(rows[0][2], pl.String)
            frames[name] = pl.DataFrame([record for *_, record in rows], columns, orient="row")
    _add_expected(partner, families, frames)
    whole = len(frames) == len(TABLES[partner])
    examined = examine_extract(partner, frames, codes=codes, as_at=AS_AT, whole=whole)
    verdicts: list[Counter[tuple[str, int, str, str, str]]] = [Counter() for _ in families]
    for name, row, column, rule, outcome in examined.findings.select(
        "table", "row", "column", "rule", "outcome"
    ).iter_rows():
        if row > len(owners[name]):
            continue
        at, place = owners[name][row - 1]
        # Whoever leaves a record out leaves the one above it with less: that is another's case.
        of_another = name != next(iter(families[at]))
        if not (of_another and rule in find_table(partner, name).expected.values()):
            verdicts[at][name, place, column, rule, outcome] += 1
    return verdicts, _kept(families, examined.validated.frames)


def _add_expected(
    partner: str, families: Sequence[Family], frames: dict[str, pl.DataFrame]
) -> None:
    """What each record should have below it, where its family says nothing of that.

    They come after the others and are judged by no case.
    """
    from schemas.tables import TABLES, find_table

    for table in TABLES[partner]:
        for name in table.expected:
            below = find_table(partner, name)
            made = [
                _example(below, next(_NUMBERS)) | {part: record[part] for part in table.key}
                for family in families
                if name not in family
                for record in family.get(table.name, ())
            ]
            if name in frames and made:
                added = pl.DataFrame(made, frames[name].schema, orient="row")
                frames[name] = frames[name].vstack(added)


def _kept(families: Sequence[Family], frames: Mapping[str, pl.DataFrame]) -> list[dict[str, int]]:
    """How many records of each table of a family are kept, known by their keys."""
    counted = {
        name: Counter(frame.select(_KEYS[name]).iter_rows()) for name, frame in frames.items()
    }
    return [
        {
            name: sum(
                counted[name][key]
                for key in {tuple(record[part] for part in _KEYS[name]) for record in records}
            )
            for name, records in family.items()
        }
        for family in families
    ]


def _keys() -> dict[str, tuple[str, ...]]:
    from schemas.tables import TABLES

    return {table.name: table.key for tables in TABLES.values() for table in tables}


_KEYS = _keys()
