"""Hold an extract against what the partner sent before: how many rows, how full, which codes, when.

A profile of an extract is all that is remembered of it: counts of rows, of empty values, and of
the codes of coded columns. No value is in it but codes that stand in a code list; any other is
counted under `UNLISTED`. What this module says names tables and columns, shares and days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from schemas.codes import load_codes
from schemas.policy import DriftLimits, Response
from schemas.tables import Table

UNLISTED = ""
"""Under what a code is counted that is in no list: it could be anything."""

TableProfile = dict[str, Any]
"""`rows`, `empty` by column that was sent, and `codes`: the count of each code by column."""

Profile = Mapping[str, TableProfile]
"""The profile of each table that was sent."""


@dataclass(frozen=True)
class Delivery:
    """One extract as it is remembered.

    Args:
        digest: Of its files.
        received_on: The day it was taken in.
        data_as_at: The day its data reach to.
        profile: What it looked like; empty where it was not recorded.
    """

    digest: str
    received_on: date
    data_as_at: date
    profile: Profile

    @property
    def days_behind(self) -> int:
        """How many days its data were behind when it was taken in."""
        return (self.received_on - self.data_as_at).days


@dataclass(frozen=True)
class Drift:
    """One way in which an extract differs from the earlier ones, and what that leads to."""

    response: Response
    said: str


def table_profile(
    table: Table, tidied: pl.DataFrame, sent: Collection[str], codes: Path | None = None
) -> TableProfile:
    """What is remembered of a table.

    Args:
        table: The table.
        tidied: Its rows as strings, empty values null.
        sent: The columns that were in the file.
        codes: The partnership's own code lists.
    """
    names = [name for name in table.columns if name in sent]
    counted = tidied.select(pl.col(names).null_count()).row(0) if names else ()
    return {
        "rows": tidied.height,
        "empty": dict(zip(names, counted, strict=True)),
        "codes": {
            name: _code_counts(tidied[name], str(table.columns[name].codes), codes)
            for name in names
            if table.columns[name].codes
        },
    }


def drifts(
    partner: str,
    now: Delivery,
    before: Sequence[Delivery],
    limits: DriftLimits,
    *,
    expected: Mapping[str, Collection[str]],
) -> tuple[Drift, ...]:
    """How an extract differs from the partner's own earlier ones.

    Args:
        partner: Who sent it.
        now: The extract.
        before: Earlier ones that were taken in, newest first, each once.
        limits: How far it may differ.
        expected: The columns of each table that the agreement still shares; a column that it no
            longer shares has not vanished.

    Returns:
        What is to be told and what stops the extract; nothing for a partner's first deliveries.
    """
    if len(before) < limits.first_deliveries:
        return ()
    past = before[: limits.deliveries]
    found = [
        *_periods(partner, now, past, limits),
        *_tables(partner, now.profile, past, limits, expected),
    ]
    return tuple(one for one in found if one.response != "ignore")


def late(
    partner: str, reach: date, today: date, before: Sequence[Delivery], limits: DriftLimits
) -> Drift | None:
    """Whether a partner's data are further behind than they usually are.

    Args:
        partner: Whose data.
        reach: The day they reach to.
        today: The day of the run.
        before: Earlier deliveries, newest first.
        limits: How many days later than usual is late.
    """
    if len(before) < limits.first_deliveries:
        return None
    usual = median(one.days_behind for one in before[: limits.deliveries])
    behind = (today - reach).days
    response = limits.days_late.response(behind - usual)
    if response == "ignore":
        return None
    return Drift(
        response,
        f"The data of {partner} reach to {behind} days ago; usually {usual:.0f} days are missing.",
    )


def _periods(
    partner: str, now: Delivery, past: Sequence[Delivery], limits: DriftLimits
) -> Iterator[Drift]:
    tardy = late(partner, now.data_as_at, now.received_on, past, limits)
    if tardy is not None:
        yield tardy
    if now.digest in {one.digest for one in past[1:]}:
        yield Drift(
            limits.earlier_extract, f"{partner} sent the files of an earlier delivery again."
        )
    elif now.data_as_at < past[0].data_as_at:
        days = (past[0].data_as_at - now.data_as_at).days
        yield Drift(
            limits.period_back, f"The {partner} extract ends {days} days before the last one."
        )
    elif now.data_as_at == past[0].data_as_at:
        yield Drift(
            limits.period_repeated,
            f"The {partner} extract is new but reaches no further than the last one.",
        )


def _tables(
    partner: str,
    now: Profile,
    past: Sequence[Delivery],
    limits: DriftLimits,
    expected: Mapping[str, Collection[str]],
) -> Iterator[Drift]:
    for name, columns in expected.items():
        known = [one.profile[name] for one in past if name in one.profile]
        if not known:
            continue
        what = f"{partner} {name}"
        if name not in now:
            yield Drift(limits.vanished_table, f"The {what} table used to be sent and is not.")
            continue
        yield from _rows(what, now[name], known, limits)
        yield from _columns(what, now[name], known, limits, columns)


def _rows(
    what: str, now: TableProfile, known: Sequence[TableProfile], limits: DriftLimits
) -> Iterator[Drift]:
    usual = median(one["rows"] for one in known)
    if usual < limits.judged_from and now["rows"] < limits.judged_from:
        return
    change = (now["rows"] - usual) / usual if usual else 1.0
    yield Drift(
        limits.rows.response(abs(change)),
        f"The {what} table has {now['rows']} rows, {abs(change):.0%} "
        f"{'more' if change > 0 else 'fewer'} than the usual {usual:.0f}.",
    )


def _columns(
    what: str,
    now: TableProfile,
    known: Sequence[TableProfile],
    limits: DriftLimits,
    expected: Collection[str],
) -> Iterator[Drift]:
    judged = now["rows"] >= limits.judged_from
    large = [one for one in known if one["rows"] >= limits.judged_from]
    for column in sorted(expected):
        where = f"the {what} column {column}"
        filled = any(_empty_share(one, column) < 1.0 for one in known)
        if filled and (column not in now["empty"] or (judged and _empty_share(now, column) == 1.0)):
            yield Drift(
                limits.vanished_column, f"In {where} nothing is sent any more; it used to be."
            )
            continue
        earlier = [one for one in large if column in one["empty"]]
        if not judged or not earlier or column not in now["empty"]:
            continue
        usual = median(_empty_share(one, column) for one in earlier)
        share = _empty_share(now, column)
        yield Drift(
            limits.null_share.response(abs(share - usual)),
            f"In {where} {share:.0%} of values are empty; usually {usual:.0%} are.",
        )
        yield from _codes(where, now, earlier, limits, column)


def _codes(
    where: str,
    now: TableProfile,
    earlier: Sequence[TableProfile],
    limits: DriftLimits,
    column: str,
) -> Iterator[Drift]:
    shares = _code_shares(now, column)
    known = [shared for one in earlier if (shared := _code_shares(one, column))]
    if not shares or not known:
        return
    codes = sorted({*shares, *(code for one in known for code in one)})
    usual = {code: sum(one.get(code, 0.0) for one in known) / len(known) for code in codes}
    moved = sum(abs(shares.get(code, 0.0) - usual[code]) for code in codes) / 2
    yield Drift(
        limits.code_share.response(moved),
        f"In {where} the shares of the codes moved: {moved:.0%} of records would need another "
        "code to be as usual.",
    )


def _empty_share(profile: TableProfile, column: str) -> float:
    rows = profile["rows"]
    return profile["empty"].get(column, rows) / rows if rows else 1.0


def _code_shares(profile: TableProfile, column: str) -> dict[str, float]:
    counts = profile["codes"].get(column, {})
    total = sum(counts.values())
    return {code: count / total for code, count in counts.items()} if total else {}


def _code_counts(values: pl.Series, list_name: str, codes: Path | None) -> dict[str, int]:
    known = load_codes(list_name, codes)
    counts: dict[str, int] = {}
    for code, count in values.drop_nulls().value_counts().iter_rows():
        listed = code if code in known else UNLISTED
        counts[listed] = counts.get(listed, 0) + count
    return dict(sorted(counts.items()))
