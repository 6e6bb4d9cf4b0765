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
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from schemas.checks import CheckError, broken_rules, refuse_if_checks_are_off
from schemas.codes import check_lists
from schemas.drift import Profile, table_profile
from schemas.errors import ExtractRejected
from schemas.extract import POLARS_ERRORS
from schemas.findings import (
    FINDINGS_SCHEMA,
    LEFT_OUT,
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
from schemas.policy import NO_CONSENT, Policy, packaged_policy
from schemas.refusals import refusals
from schemas.relations import consenting, parental, unaccompanied
from schemas.tables import TABLES, Table, find_table

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
class Validated:
    """A partner's extract, held to its contract.

    For every table, received = kept + quarantined + withheld, in rows.

    Args:
        partner: Who sent it.
        frames: The kept rows of each table: typed, standardised, in the order received.
        quarantine: `table, row, column, rule` for each rule a row breaks; `row` counts data rows
            from 1. A row may break several.
        noted: `table, column, rule, count` of what was emptied, and of rows withheld.
        rows: Rows received, by table.
        withheld: Rows left out because the person did not consent, by table; what belongs to such
            a row is withheld with it.
    """

    partner: str
    frames: dict[str, pl.DataFrame] = field(repr=False)
    quarantine: pl.DataFrame = field(repr=False)
    noted: pl.DataFrame = field(repr=False)
    rows: dict[str, int]
    withheld: dict[str, int]

    @property
    def quarantined(self) -> dict[str, int]:
        """Rows quarantined, by table."""
        counted = dict(self.quarantine.group_by("table").agg(pl.col("row").n_unique()).iter_rows())
        return {table: counted.get(table, 0) for table in self.rows}


@dataclass(frozen=True)
class Examined:
    """What was found in an extract, whether or not it can be used.

    Args:
        validated: Its tables, held to the contract; not to be used where it is refused.
        findings: `table, row, column, rule, outcome` of every rule that was broken.
        refusals: Why the extract cannot be used; none where it can.
        profile: What is remembered of it, to hold later ones against.
    """

    validated: Validated
    findings: pl.DataFrame = field(repr=False)
    refusals: tuple[str, ...]
    profile: Profile

    def usable(self) -> Validated:
        """The tables.

        Raises:
            ExtractRejected: The extract is refused.
        """
        if self.refusals:
            raise ExtractRejected(
                " ".join(self.refusals),
                "Ask the partner to correct its export before it is loaded.",
            )
        return self.validated


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
    today = as_at or date.today()
    terms = _Terms(codes, today, policy or packaged_policy(), UNDER_18 if under_18 else frozenset())
    checked: dict[str, Checked] = {}
    # What needs no other table is begun while the one before is still looked at.
    with ThreadPoolExecutor(max_workers=1) as beside:
        raw = {table.name: frames.get(table.name, _nothing(table)) for table in tables}
        coming = [beside.submit(tidied, raw[t.name], t.columns, codes) for t in tables]
        for table in tables:
            # Popped, so that no tidy table is held longer than it is looked at.
            columns, tidy = raw[table.name].columns, coming.pop(0)
            own = _guarded(table, columns, tidy, checked, terms, beside)
            own = _with_more(table, own, _ahead(table, own.frame, terms.today), terms)
            own = _with_more(table, own, unaccompanied(table, own.frame, frames), terms)
            own = _with_more(table, own, parental(table, own.frame, checked), terms)
            checked[table.name] = own
    sent = {name: one for name, one in checked.items() if name in frames}
    return Examined(
        validated=_hand_over(partner, checked),
        findings=_gathered(checked, FINDINGS_SCHEMA),
        refusals=tuple(refusals(tables, checked, terms.policy)),
        profile={name: one.profile for name, one in sent.items()},
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


def _guarded(
    table: Table,
    sent: Sequence[str],
    tidy: Future[pl.DataFrame],
    checked: Mapping[str, Checked],
    terms: _Terms,
    beside: Executor,
) -> Checked:
    """Check one table; an error of pandera or polars, which may quote a record, is not let out."""
    own = _check_or_none(table, sent, tidy, checked, terms, beside)
    if own is None:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table could not be checked.",
            "Ask the partner for a fresh export; if it fails again, report the table's name.",
        )
    return own


def _check_or_none(
    table: Table,
    sent: Sequence[str],
    tidy: Future[pl.DataFrame],
    checked: Mapping[str, Checked],
    terms: _Terms,
    beside: Executor,
) -> Checked | None:
    from pandera.errors import SchemaError, SchemaErrors

    try:
        return _check(table, sent, tidy.result(), checked, terms, beside)
    except (*POLARS_ERRORS, SchemaError, SchemaErrors, CheckError):
        return None


def _check(
    table: Table,
    sent: Sequence[str],
    tidy: pl.DataFrame,
    checked: Mapping[str, Checked],
    terms: _Terms,
    beside: Executor,
) -> Checked:
    """Hold one table to every rule that needs no other table."""
    profile = beside.submit(table_profile, table, tidy, sent, terms.codes)
    read, undated = typed(tidy, table.columns)
    agreeing, without_consent = consenting(table, read, checked)
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
    more = judged(table, failures, terms.policy)
    return replace(own, frame=standing(own.frame, more), found=pl.concat([own.found, more]))


def _hand_over(partner: str, checked: Mapping[str, Checked]) -> Validated:
    return Validated(
        partner=partner,
        frames={name: one.frame.drop(ROW) for name, one in checked.items()},
        quarantine=_gathered(checked, QUARANTINE_SCHEMA, LEFT_OUT),
        noted=pl.concat(
            [pl.DataFrame(schema=NOTED_SCHEMA)]
            + [_noted(find_table(partner, name), one) for name, one in checked.items()]
        ),
        rows={name: one.received for name, one in checked.items()},
        withheld={name: one.withheld for name, one in checked.items()},
    )


def _gathered(
    checked: Mapping[str, Checked], columns: Iterable[str], outcomes: Iterable[str] | None = None
) -> pl.DataFrame:
    """What was found in every table, of some outcomes or of all."""
    found = [
        one.found.rename({ROW: "row"}).with_columns(pl.lit(name).alias("table"))
        for name, one in checked.items()
    ]
    told = pl.concat([pl.DataFrame(schema=FINDINGS_SCHEMA), *found], how="diagonal")
    if outcomes is not None:
        told = told.filter(pl.col("outcome").is_in(list(outcomes)))
    return told.select(list(columns)).sort("table", "row", "column", "rule")


def _noted(table: Table, checked: Checked) -> pl.DataFrame:
    """What was emptied or let pass in the rows that are kept, and how many rows were withheld."""
    kept = standing(checked.found, checked.found)
    counts = kept.group_by("column", "rule").len().sort("column", "rule").iter_rows()
    rows = [(table.name, column, rule, count) for column, rule, count in counts]
    if checked.withheld:
        rows.append((table.name, table.withheld_by, NO_CONSENT, checked.withheld))
    return pl.DataFrame(rows, NOTED_SCHEMA, orient="row")
