"""Hold an extract to its contract: keep what is valid, quarantine what is not, say what changed.

    present → tidied → typed → consenting → checked → standardised → unique → with its parent

Each step has its room: `normal` brings columns to one form, `checks` runs the pandera models,
`relations` holds records against the person's consent and their parents, `findings` says which
rows stand, `refusals` when the whole extract falls. What a broken rule leads to is policy
(`schemas.policy`): the extract is rejected, the record is quarantined by table, row, column and
rule, the value is emptied and noted, or it is noted only. No value of a record is ever in what
these modules return beside the frames, or raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from schemas.checks import CheckError, broken_rules, refuse_if_checks_are_off
from schemas.codes import check_lists
from schemas.drift import table_profile
from schemas.errors import ExtractRejected
from schemas.extract import POLARS_ERRORS
from schemas.findings import (
    FINDINGS_SCHEMA,
    NOTED_SCHEMA,
    QUARANTINE_SCHEMA,
    ROW,
    Checked,
    emptied,
    failure,
    judged,
    no_failures,
    only_rows,
    standing,
    without_free_text,
    without_rows,
)
from schemas.normal import standardised, tidied, typed
from schemas.policy import Policy, packaged_policy
from schemas.refusals import refusals
from schemas.relations import consenting, parental, unaccompanied
from schemas.tables import TABLES, Table
from schemas.validated import Examined, Validated, gathered, hand_over

__all__ = [
    "FINDINGS_SCHEMA",
    "NOTED_SCHEMA",
    "QUARANTINE_SCHEMA",
    "ROW",
    "Examined",
    "Validated",
    "examine_extract",
    "refuse_if_checks_are_off",
    "validate_extract",
]


UNDER_18 = frozenset({"under_18_not_agreed"})
"""Rules that an agreement lifts by listing people under 18."""


@dataclass(frozen=True)
class _Terms:
    """What an extract is held to beside its contract."""

    codes: Path | None
    today: date
    policy: Policy
    lifted: frozenset[str] = frozenset()


def validate_extract(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    *,
    codes: Path | None = None,
    as_at: date | None = None,
    policy: Policy | None = None,
    under_18: bool = False,
) -> Validated:
    """Validate all tables of a partner together.

    Args:
        partner: Who sent them.
        frames: Each table as strings, its columns in lower case. A column that is not required
            may be absent (the agreement may leave it out) and is then empty; columns that the
            contract does not know are left out. An optional table may be absent.
        codes: The partnership's own code lists; a list there wins over the packaged one.
        as_at: The day of the extract, which two-digit years are read against and after which
            nothing can have happened; today if not given.
        policy: What a broken rule leads to and when an extract is refused; the packaged one if
            not given.
        under_18: Whether the agreement lists people under 18; if not, their treatment is not
            taken in.

    Raises:
        ExtractRejected: A table or required column is missing, a table has no rows, the policy
            refuses what was found, or the tables cannot be checked.
        ConfigError: Checks are switched off in the environment, or a code list is unusable.
    """
    return examine_extract(
        partner, frames, codes=codes, as_at=as_at, policy=policy, under_18=under_18
    ).usable()


def examine_extract(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    *,
    codes: Path | None = None,
    as_at: date | None = None,
    policy: Policy | None = None,
    under_18: bool = False,
    whole: bool = True,
) -> Examined:
    """Like `validate_extract`, but what the policy refuses is told and not raised.

    Args:
        partner: Who sent the tables.
        frames: As `validate_extract` takes them.
        codes: As there.
        as_at: As there.
        policy: As there.
        under_18: As there.
        whole: Whether they are a whole extract. If not, only the tables given are looked at, and
            a record is not looked for in a table that is not there.

    Raises:
        ExtractRejected: A table or required column is missing, a table has no rows, or the
            tables cannot be checked.
        ConfigError: As `validate_extract`.
    """
    refuse_if_checks_are_off()
    if codes is not None:
        check_lists(codes)
    tables = [table for table in TABLES[partner] if whole or table.name in frames]
    _require_tables(partner, tables, frames)
    lifted = UNDER_18 if under_18 else frozenset()
    terms = _Terms(codes, as_at or date.today(), policy or packaged_policy(), lifted)
    checked = _each_checked(tables, frames, terms)
    return Examined(
        validated=hand_over(partner, checked),
        findings=gathered(checked, FINDINGS_SCHEMA),
        refusals=tuple(refusals(tables, checked, terms.policy)),
        profile={name: one.profile for name, one in checked.items() if name in frames},
    )


def _require_tables(
    partner: str, tables: Iterable[Table], frames: Mapping[str, pl.DataFrame]
) -> None:
    missing = [t.name for t in tables if t.name not in frames and not t.optional]
    if missing:
        raise ExtractRejected(
            f"The {partner} extract lacks {', '.join(missing)}.",
            "Ask the partner to send all of its tables together.",
        )
    for table in tables:
        if table.name in frames:
            _require_columns(table, frames[table.name])


def _require_columns(table: Table, raw: pl.DataFrame) -> None:
    absent = [
        name
        for name, column in table.columns.items()
        if column.required and name not in raw.columns
    ]
    if absent:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table lacks {', '.join(absent)}.",
            "Ask the partner to send the table in the agreed layout.",
        )
    if raw.is_empty() and table.identity is not None and not table.optional:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table has no rows.",
            "Ask the partner to run its export again.",
        )


def _nothing(table: Table) -> pl.DataFrame:
    """An optional table that was not delivered: its columns and no rows."""
    return pl.DataFrame(schema=dict.fromkeys(table.columns, pl.String))


def _each_checked(
    tables: Sequence[Table], frames: Mapping[str, pl.DataFrame], terms: _Terms
) -> dict[str, Checked]:
    """Each table held to its contract, after those that it belongs to."""
    checked: dict[str, Checked] = {}
    # What needs no other table is begun while the one before is still looked at.
    with ThreadPoolExecutor(max_workers=1) as beside:
        raw = {table.name: frames.get(table.name, _nothing(table)) for table in tables}
        coming = [beside.submit(tidied, raw[t.name], t.columns, terms.codes) for t in tables]
        for table in tables:
            look = _Look(table, raw[table.name].columns, terms, checked, beside)
            # Popped, so that no tidy table is held longer than it is looked at.
            own = _guarded(look, coming.pop(0))
            own = _with_more(table, own, _ahead(table, own.frame, terms.today), terms)
            own = _with_more(table, own, unaccompanied(table, own.frame, frames), terms)
            checked[table.name] = _with_more(table, own, parental(table, own.frame, checked), terms)
    return checked


@dataclass(frozen=True)
class _Look:
    """A table to be looked at: what was sent of it, what holds for it, and the tables before it."""

    table: Table
    sent: Sequence[str]
    terms: _Terms
    before: Mapping[str, Checked]
    beside: Executor


def _guarded(look: _Look, tidy: Future[pl.DataFrame]) -> Checked:
    """Check one table; an error of pandera or polars, which may quote a record, is not let out."""
    own = _check_or_none(look, tidy)
    if own is None:
        raise ExtractRejected(
            f"The {look.table.partner} {look.table.name} table could not be checked.",
            "Ask the partner for a fresh export; if it fails again, report the table's name.",
        )
    return own


def _check_or_none(look: _Look, tidy: Future[pl.DataFrame]) -> Checked | None:
    from pandera.errors import SchemaError, SchemaErrors

    try:
        return _check(look, tidy.result())
    except (*POLARS_ERRORS, SchemaError, SchemaErrors, CheckError):
        return None


def _check(look: _Look, tidy: pl.DataFrame) -> Checked:
    """Hold one table to every rule that needs no other table."""
    table, terms = look.table, look.terms
    profile = look.beside.submit(table_profile, table, tidy, look.sent, terms.codes)
    read, undated = typed(tidy, table.columns)
    agreeing, without_consent = consenting(table, read, look.before)
    set_aside = without_rows(read, agreeing[ROW]) if agreeing.height < read.height else read.clear()
    undated = without_rows(undated, set_aside[ROW])
    settled, broken = _settled(table, agreeing, undated, terms)
    made, lost = standardised(table, standing(settled, broken), terms.codes, terms.today.year)
    unusable = judged(table, lost, terms.policy)
    found = [judged(table, without_consent, terms.policy), broken, unusable]
    own = Checked(
        frame=standing(made, unusable),
        found=pl.concat(found),
        set_aside=set_aside,
        received=read.height,
        withheld=set_aside.height - without_consent[ROW].n_unique(),
        profile=profile.result(),
    )
    return _with_more(table, own, _repeated(table, own.frame), terms)


def _settled(
    table: Table, agreeing: pl.DataFrame, undated: pl.DataFrame, terms: _Terms
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check every rule of a record, and empty what the policy empties.

    A record that then breaks a rule that it kept before is quarantined: an empty value may say
    something that the partner did not.
    """
    failures = broken_rules(table, agreeing, terms.codes, terms.lifted)
    failures = failures.join(undated, on=[ROW, "column"], how="anti")
    found = judged(table, pl.concat([undated, failures]), terms.policy)
    found = without_free_text(table, agreeing, found)
    settled = emptied(agreeing, found)
    touched = found.filter((pl.col("outcome") == "empty") & (pl.col("rule") != "not_a_date"))
    if touched.is_empty():
        return settled, found
    again = broken_rules(table, only_rows(settled, touched[ROW]), terms.codes, terms.lifted)
    new = again.join(found, on=[ROW, "column", "rule"], how="anti")
    worse = judged(table, new, terms.policy).with_columns(
        pl.col("outcome").replace("empty", "quarantine")
    )
    return settled, pl.concat([found, worse])


def _repeated(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Findings of each later row with the key of an earlier one that stands."""
    keys = pl.struct(table.key)
    # As many hashes as rows prove that no key is repeated, for much less than the keys do.
    if frame.select(keys.hash().n_unique()).item() == frame.height:
        return no_failures()
    repeated = frame.select(~keys.is_first_distinct()).to_series()
    return failure(frame[ROW].filter(repeated), table.key[-1], "duplicate_key")


def _ahead(table: Table, frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Findings of what cannot have happened yet; only a date that is planned may lie ahead."""
    has_come = {
        name: pl.lit(True) if settled is None else pl.col(settled).is_not_null()
        for name, settled in table.past_dates.items()
    }
    ahead = frame.select((pl.col(name) > today) & come for name, come in has_come.items())
    found = [
        failure(frame[ROW].filter(late), late.name, "after_the_extract")
        for late in ahead
        if late.any()
    ]
    return pl.concat([no_failures(), *found])


def _with_more(table: Table, own: Checked, failures: pl.DataFrame, terms: _Terms) -> Checked:
    """A table with more found in it, and without the rows that this leaves out."""
    if failures.is_empty():
        return own
    more = judged(table, failures, terms.policy)
    return replace(own, frame=standing(own.frame, more), found=pl.concat([own.found, more]))
