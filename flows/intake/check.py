"""Check a partner's files as the hub would, before they are sent: a verdict, and nothing stored.

It needs no partnership, no agreement and no key. What it tells is table, column, row number, rule
and count. Record keys are looked up only where the partner itself asks for its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from flows.intake.given import Given
from flows.safe_errors import guarded
from schemas.errors import ConfigError, ExtractRejected
from schemas.tables import TABLES

if TYPE_CHECKING:
    from schemas.contract import Examined
    from schemas.mapping import SystemMapping
    from schemas.policy import Policy

Verdict = Literal["accepted", "quarantined", "rejected"]

SHOWN_ROWS = 10
"""How many row numbers of a rule are shown; the CSV report has them all."""

LONGEST_KEY = 60


@dataclass(frozen=True)
class TableCount:
    """What became of one table's rows, and which of its columns were not in the file.

    `missing` are those of `not_sent` that the mapping says the system gives.
    """

    table: str
    received: int
    kept: int
    quarantined: int
    withheld: int
    not_sent: tuple[str, ...]
    missing: tuple[str, ...]
    not_known: int


@dataclass(frozen=True)
class BrokenRule:
    """One rule that a column of a table breaks: what it asks, what follows, how often, where."""

    table: str
    column: str
    rule: str
    asks: str
    outcome: str
    count: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class CheckReport:
    """What checking found.

    Args:
        partner: Whose files.
        verdict: Whether the hub would take them in, and whether it would take in every record.
        reasons: Why they are rejected: the problem and the remedy.
        tables: What became of the rows of each table.
        rules: Each broken rule, the most frequent first.
        findings: `table, row, column, rule, outcome` of every broken rule.
        not_checked: What could not be checked with the files given.
    """

    partner: str
    verdict: Verdict
    reasons: tuple[tuple[str, str], ...]
    tables: tuple[TableCount, ...]
    rules: tuple[BrokenRule, ...]
    findings: pl.DataFrame
    not_checked: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report without its rows."""
        return {
            "partner": self.partner,
            "verdict": self.verdict,
            "reasons": [{"problem": p, "remedy": r} for p, r in self.reasons],
            "tables": [vars(one) for one in self.tables],
            "rules": [
                {key: value for key, value in vars(one).items() if key != "rows"}
                for one in self.rules
            ],
            "not_checked": list(self.not_checked),
        }


def check_files(
    given: Given,
    *,
    today: date,
    codes: Path | None = None,
    policy: Policy | None = None,
    under_18: bool = False,
) -> tuple[CheckReport, dict[str, pl.DataFrame]]:
    """Read the files and hold them to the contract.

    Args:
        given: The files.
        today: The day, which two-digit years are read against.
        codes: A folder of code lists that win over the packaged ones.
        policy: What broken rules lead to; the packaged one if not given.
        under_18: Whether the partner's agreement shares people under 18.

    Returns:
        The report, and the tables as they were read, for the partner's own keys.

    Raises:
        ConfigError: A code list cannot be used or validation is switched off.
    """
    from schemas.contract import examine_extract
    from schemas.policy import packaged_policy

    policy = policy or packaged_policy()
    frames: dict[str, pl.DataFrame] = {}
    reasons: list[tuple[str, str]] = []
    for name, path in given.files.items():
        try:
            frames[name] = _read(given.mapping, name, path, today)
        except ExtractRejected as error:
            reasons.append((error.problem, error.remedy))
    reasons += _stopped_by_missing(given, frames, policy)
    whole = given.whole and len(frames) == len(given.files)
    examined: Examined | None = None
    try:
        examined = guarded(
            "check",
            examine_extract,
            given.partner,
            frames,
            codes=codes,
            as_at=today,
            policy=policy,
            under_18=under_18,
            whole=whole,
        )
    except ExtractRejected as error:
        reasons.append((error.problem, error.remedy))
    if examined is not None:
        reasons += [(said, "Correct the export and check again.") for said in examined.refusals]
    return report_of(given, frames, examined, reasons), frames


def report_of(
    given: Given,
    frames: Mapping[str, pl.DataFrame],
    examined: Examined | None,
    reasons: Sequence[tuple[str, str]],
) -> CheckReport:
    """What checking found.

    Args:
        given: The files.
        frames: The tables that could be read, as they were sent.
        examined: What was found in them; None where they could not be examined.
        reasons: Why they are refused: the problem and the remedy.
    """
    from schemas.contract import FINDINGS_SCHEMA

    findings = pl.DataFrame(schema=FINDINGS_SCHEMA) if examined is None else examined.findings
    left_out = findings.filter(pl.col("outcome").is_in(["reject", "quarantine"]))
    verdict: Verdict = "accepted" if left_out.is_empty() else "quarantined"
    return CheckReport(
        partner=given.partner,
        verdict="rejected" if reasons else verdict,
        reasons=tuple(reasons),
        tables=tuple(_table_counts(given, frames, examined)),
        rules=tuple(_broken_rules(given.partner, findings)),
        findings=findings,
        not_checked=tuple(_not_checked(given, frames)),
    )


def own_keys(report: CheckReport, frames: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, ...]]:
    """(table, row, key, column, rule) of each record left out, for the partner that sent it.

    A record key is an identifier: this is for the partner's own screen and nothing else.
    """
    from schemas.reading.rows import rows_in_file

    keys = {one.name: one.key for one in TABLES[report.partner]}
    left_out = report.findings.filter(pl.col("outcome").is_in(["reject", "quarantine"]))
    numbers = {table: rows_in_file(frame) for table, frame in frames.items()}
    for table, row, column, rule, _ in left_out.iter_rows():
        frame, at = frames[table], numbers[table].search_sorted(row)
        parts = [frame[name][at] if name in frame.columns else None for name in keys[table]]
        yield table, f"{row:,}", _printable("|".join(part or "" for part in parts)), column, rule


def csv_report(report: CheckReport) -> str:
    """Every broken rule by table, row and column, with how often that rule is broken there."""
    counted = pl.len().over("table", "column", "rule").alias("count")
    return report.findings.with_columns(counted).write_csv()


def html_report(report: CheckReport, checked_on: date) -> str:
    """The report as one page that needs nothing else."""
    from importlib import resources

    from jinja2 import Environment, StrictUndefined

    template = resources.files("flows").joinpath("templates", "check.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template).render(
        report=report, checked_on=checked_on, shown=SHOWN_ROWS
    )


def refuse_keys_at_a_hub(paths: Sequence[Path], named: str | None) -> None:
    """Refuse to show record keys where a partnership's folder is.

    Args:
        paths: The files to be checked.
        named: The partnership.yaml that the environment names, if any.

    Raises:
        ConfigError: One is named, or lies in this folder or above a file.
    """
    from flows.settings import FILE_NAME

    folders = {Path.cwd()}
    for path in paths:
        folders.update((path.resolve(), *path.resolve().parents))
    if named or any((folder / FILE_NAME).exists() for folder in folders):
        raise ConfigError(
            "Record keys are shown on the partner's own desk only; this is a partnership's hub.",
            "Do it on the partner's own machine; `journeys check` runs here without --show-keys.",
        )


def _read(mapping: SystemMapping, name: str, path: Path, today: date) -> pl.DataFrame:
    from schemas.extract import read_table
    from schemas.tables import find_table

    table = find_table(mapping.partner, name)
    required = [column for column, spec in table.columns.items() if spec.required]
    return guarded("read", read_table, path, table, mapping=mapping, columns=required, as_at=today)


def _stopped_by_missing(
    given: Given, frames: Mapping[str, pl.DataFrame], policy: Policy
) -> Iterator[tuple[str, str]]:
    """Why the hub would stop files that lack columns, as if it were shared all that is given."""
    from schemas.missing import missing_columns

    lacking = missing_columns(given.mapping, frames, policy)["stop"]
    if lacking:
        yield (
            f"The {given.partner} files lack {', '.join(lacking)}, which the layout gives.",
            "Name those columns as the layout or the mapping does. One that the agreement does not "
            "share may be left out of the mapping, or sent empty.",
        )


def _table_counts(
    given: Given, frames: Mapping[str, pl.DataFrame], examined: Examined | None
) -> Iterator[TableCount]:
    from schemas.reading.rows import FILE_ROW

    for table in TABLES[given.partner]:
        if table.name not in frames or examined is None:
            continue
        seen, mapped = examined.validated, given.mapping.tables[table.name]
        sent = [name for name in frames[table.name].columns if name != FILE_ROW]
        not_sent = tuple(name for name in table.columns if name not in sent)
        yield TableCount(
            table=table.name,
            received=seen.rows[table.name],
            kept=seen.frames[table.name].height,
            quarantined=seen.quarantined[table.name],
            withheld=seen.withheld[table.name],
            not_sent=not_sent,
            missing=tuple(name for name in not_sent if name in mapped.columns),
            not_known=sum(name not in table.columns for name in sent),
        )


def _broken_rules(partner: str, findings: pl.DataFrame) -> Iterator[BrokenRule]:
    from schemas.rules import meaning, rules_of

    asks = {
        (table.name, column, rule): said
        for table in TABLES[partner]
        for column, rule, said in rules_of(table)
    }
    grouped = (
        findings.group_by("table", "column", "rule", "outcome")
        .agg(pl.len().alias("count"), pl.col("row").sort().head(SHOWN_ROWS))
        .sort("count", "table", "column", "rule", descending=[True, False, False, False])
    )
    for table, column, rule, outcome, count, rows in grouped.iter_rows():
        said = asks.get((table, column, rule)) or meaning(rule)
        yield BrokenRule(table, column, rule, said, outcome, count, tuple(rows))


def _not_checked(given: Given, frames: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    if absent := [] if given.whole else given.absent:
        yield f"{', '.join(absent)}: not given, and the hub takes these tables in together."
    for name in given.unread:
        yield (
            f"{name}: something in the folder is named after it and is not read. Give it as a file "
            "named as the mapping says; save an old workbook (.xls) as .xlsx."
        )
    if given.others:
        yield f"{given.others} other file(s) of the folder, named as none of its tables."
    for table in TABLES[given.partner]:
        if table.name in frames:
            yield from (
                f"Whether the records of {table.name} belong to records of {parent}: the "
                f"{parent} table was not given or cannot be read."
                for parent in table.parents.values()
                if parent not in frames and not given.whole
            )


def _printable(key: str) -> str:
    """A key without what a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in key)
    return shown if len(shown) <= LONGEST_KEY else shown[: LONGEST_KEY - 1] + "…"
