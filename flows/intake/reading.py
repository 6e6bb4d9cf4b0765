"""Reading one partner's extract: only what its agreement shares, held to its contract.

It needs the files and the terms and nothing else, so that it is the same at the hub, in a child
process, and on a partner's own machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from flows.intake.increments import joined
from flows.sources.inbox import Arrived, check_untouched
from governance.agreements import Agreement, minimise
from schemas.columns import PLANNED_NAMES
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    import polars as pl

    from schemas.contract import Examined
    from schemas.drift import Profile
    from schemas.mapping import SystemMapping
    from schemas.policy import Policy

# Policy of 2026-11-21: so many mistyped dates may lie past the last day of an extract.
SLIPS = 5

TOP_RULES = 5

COUNTS = ("received", "kept", "quarantined", "withheld")

WHOLE_TABLE: Final = "the whole table"
"""Stands for the columns of a table of which an agreement lists none."""


@dataclass(frozen=True)
class Terms:
    """On what terms an extract is read.

    Args:
        agreement: What is shared, and what may be done with it.
        mapping: How the partner's system names and writes its columns.
        policy: What broken rules lead to.
        codes: A folder of code lists that win over the packaged ones.
        as_at: The day of the extract.
    """

    agreement: Agreement
    mapping: SystemMapping
    policy: Policy
    codes: Path | None
    as_at: date


@dataclass(frozen=True)
class Facts:
    """What is told of an extract beside its records: counts, rules and days, no value.

    Args:
        rows: Table → rows received, kept, quarantined and withheld.
        over_shared: Columns that were sent though the agreement does not list them; a whole table
            that it does not list stays unread and counts as one.
        data_as_at: The day the data reach to.
        profile: What is remembered of it, to hold later ones against.
        missing: The columns it lacks that are shared, as table.column.
        top_rules: The rules most often broken: table, column, rule, count.
        noted: What was emptied or withheld: table, column, rule, count.
        other_files: Files beside it that were not read.
        not_taken: Rows of each table that may not be taken in.
        over_listed: The names of those columns, by table, or `WHOLE_TABLE`; they stay where the
            files were read.
    """

    rows: Mapping[str, Mapping[str, int]]
    over_shared: int
    data_as_at: date
    profile: Profile
    missing: tuple[str, ...] = ()
    top_rules: list[dict[str, str | int]] = field(default_factory=list)
    noted: list[dict[str, str | int]] = field(default_factory=list)
    other_files: int = 0
    not_taken: Mapping[str, int] = field(default_factory=dict)
    over_listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def total(self, count: str) -> int:
        """Rows received, kept, quarantined or withheld, over all tables."""
        return sum(table[count] for table in self.rows.values())


@dataclass(frozen=True)
class Read:
    """An extract as it was read and examined, whether or not it can be used.

    `raw` has its tables as they were sent; `left` counts files that were not read.
    """

    raw: Mapping[str, pl.DataFrame] = field(repr=False)
    examined: Examined = field(repr=False)
    over_listed: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    left: int
    not_taken: Mapping[str, int]


def read_extract(arrived: Arrived, terms: Terms) -> Read:
    """Read, minimise and examine one partner's extract.

    Raises:
        ExtractRejected: A file cannot be read or changed meanwhile, a table or column is missing,
            or the tables cannot be checked.
        ConfigError: A code list cannot be used.
    """
    from schemas.contract import examine_extract

    agreement = terms.agreement
    # A table that the agreement does not share stays unread.
    agreed = [name for name in arrived.files if agreement.shared_columns(name)]
    raw = {name: _read(arrived, name, terms) for name in agreed}
    not_taken = {
        name: _read(arrived, name, terms).height
        for name in agreement.undisclosed
        if name in arrived.files
    }
    listed = {*agreement.tables, *agreement.undisclosed}
    unlisted = [name for name in arrived.files if name not in listed]
    check_untouched(arrived)
    missing = _missing_columns(raw, terms)
    shared, over_shared = minimise(agreement, raw)
    examined = examine_extract(
        arrived.partner,
        shared | {name: _no_rows(arrived.partner, name) for name in agreement.undisclosed},
        codes=terms.codes,
        as_at=terms.as_at,
        policy=terms.policy,
        under_18=agreement.under_18,
    )
    return Read(
        raw=raw,
        examined=examined,
        over_listed={name: columns for name, columns in over_shared.items() if columns}
        | dict.fromkeys(unlisted, (WHOLE_TABLE,)),
        missing=missing,
        left=arrived.others + len(arrived.files) - len(agreed) - len(not_taken) - len(unlisted),
        not_taken=not_taken,
    )


def facts_of(read: Read, as_at: date) -> Facts:
    """What is told of an extract that can be used."""
    validated = read.examined.validated
    return Facts(
        rows={
            name: {
                "received": received,
                "kept": validated.frames[name].height,
                "quarantined": validated.quarantined[name],
                "withheld": validated.withheld[name],
            }
            for name, received in validated.rows.items()
        },
        over_shared=sum(map(len, read.over_listed.values())),
        data_as_at=data_reach(validated.frames.values(), as_at),
        profile={name: one for name, one in read.examined.profile.items() if name in read.raw},
        missing=read.missing,
        top_rules=_top_rules(validated.quarantine),
        noted=validated.noted.sort("count", descending=True).to_dicts(),
        other_files=read.left,
        not_taken=read.not_taken,
        over_listed=read.over_listed,
    )


def data_reach(frames: Iterable[pl.DataFrame], run_day: date) -> date:
    """The day an extract's data reach to, which follow-up is counted to.

    It is not the very latest date: one mistyped year would then move every window and leave out
    those who left since. It is the latest day that `SLIPS` event dates, or one in a thousand of a
    large extract, reach or pass.

    Args:
        frames: The validated tables. A date of birth is no event; a date that is written down
            before it comes (`PLANNED_NAMES`) says nothing.
        run_day: The day of the run, which is also the answer where no event has a date.
    """
    happened = event_days(frames, run_day).sort(descending=True)
    if happened.is_empty():
        return run_day
    rank = min(len(happened), max(SLIPS, len(happened) // 1000))
    return cast(date, happened[rank - 1])


def event_days(frames: Iterable[pl.DataFrame], until: date) -> pl.Series:
    """Every date up to a day on which something happened, as `data_reach` counts them."""
    import polars as pl

    days = [
        frame[column].drop_nulls()
        for frame in frames
        for column, kind in frame.schema.items()
        if kind == pl.Date and column != "dob" and column not in PLANNED_NAMES
    ]
    found = pl.concat(days) if days else pl.Series(dtype=pl.Date)
    return found.filter(found <= until)


def _read(arrived: Arrived, name: str, terms: Terms) -> pl.DataFrame:
    """Read one table as the partner's system writes it."""
    from schemas.extract import read_table
    from schemas.tables import find_table

    table = find_table(arrived.partner, name)
    shared = terms.agreement.shared_columns(name)
    frames = [
        read_table(
            path,
            table,
            mapping=terms.mapping,
            columns=[
                name for name, one in table.columns.items() if name in shared and one.required
            ],
            as_at=terms.as_at,
        )
        for path in arrived.parts(name)
    ]
    return joined(frames, table.key)


def _no_rows(partner: str, name: str) -> pl.DataFrame:
    """A table as it is without a row."""
    import polars as pl

    from schemas.tables import find_table

    return pl.DataFrame(schema=dict.fromkeys(find_table(partner, name).columns, pl.String))


def _missing_columns(raw: Mapping[str, pl.DataFrame], terms: Terms) -> tuple[str, ...]:
    """The columns that are shared and not in the files, though the system is said to give them.

    Raises:
        ExtractRejected: If the policy stops an extract without such a column.
    """
    from schemas.missing import missing_columns

    shared = {name: terms.agreement.shared_columns(name) for name in raw}
    found = missing_columns(terms.mapping, raw, terms.policy, shared)
    if found["stop"]:
        raise ExtractRejected(
            f"The {terms.agreement.partner} extract lacks {', '.join(found['stop'])}, which its "
            "agreement shares.",
            "Ask the partner to name its columns as the agreed layout does, or say under "
            "`missing_columns` in policy.yaml that they may be missing.",
        )
    return tuple(found["warn"])


def _top_rules(quarantine: pl.DataFrame) -> list[dict[str, str | int]]:
    """The rules most often broken: table, column, rule, count."""
    import polars as pl

    return (
        quarantine.group_by("table", "column", "rule")
        .agg(count=pl.len())
        .sort("count", "table", "column", "rule", descending=[True, False, False, False])
        .head(TOP_RULES)
        .to_dicts()
    )
