"""Hold an extract to its contract: keep what is valid, quarantine what is not, say what changed.

    present → tidied → typed → consenting → checked → standardised → unique → with its parent

What a broken rule leads to is policy (`schemas.policy`): the extract is rejected, the record is
quarantined by table, row, column and rule, the value is emptied and noted, or it is noted only.
No value of a record is ever in what this module returns beside the frames, or raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from schemas import identifiers, standardise
from schemas.codes import crosswalk, requirement_patterns
from schemas.columns import Column
from schemas.drift import Profile, TableProfile, table_profile
from schemas.errors import ConfigError, ExtractRejected
from schemas.extract import POLARS_ERRORS
from schemas.policy import UNUSABLE, Policy, packaged_policy
from schemas.tables import TABLES, Table, find_table

if TYPE_CHECKING:
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

    from schemas.models import CrossRule

ROW = "__row"
"""The 1-based number of a data row in the file, carried until the frames are handed over."""

QUARANTINE_SCHEMA = {
    "table": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
}
NOTED_SCHEMA = {"table": pl.String, "column": pl.String, "rule": pl.String, "count": pl.Int64}

FINDINGS_SCHEMA = {**QUARANTINE_SCHEMA, "outcome": pl.String}

LIKE_A_CODE = r"^[A-Z]{0,3}[0-9]{1,4}[A-Z]?$"
"""What a code that no list knows must look like to be let pass; too short to be an identifier."""

LEFT_OUT = ("reject", "quarantine")
"""Outcomes of a broken rule by which the record is not kept."""


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
        withheld: Rows left out because the person did not consent, by table.
    """

    partner: str
    frames: dict[str, pl.DataFrame]
    quarantine: pl.DataFrame
    noted: pl.DataFrame
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
    findings: pl.DataFrame
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
    year: int
    policy: Policy


@dataclass(frozen=True)
class _Checked:
    """One table on its way through: the rows still standing and all that was found."""

    frame: pl.DataFrame
    found: pl.DataFrame
    received: int
    withheld: int
    profile: TableProfile


def validate_extract(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    *,
    codes: Path | None = None,
    as_at: date | None = None,
    policy: Policy | None = None,
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

    Raises:
        ExtractRejected: A table or required column is missing, a table has no rows, the policy
            refuses what was found, or the tables cannot be checked.
        ConfigError: Checks are switched off in the environment, or a code list is unusable.
    """
    return examine_extract(partner, frames, codes=codes, as_at=as_at, policy=policy).usable()


def examine_extract(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    *,
    codes: Path | None = None,
    as_at: date | None = None,
    policy: Policy | None = None,
    whole: bool = True,
) -> Examined:
    """Like `validate_extract`, but what the policy refuses is told and not raised.

    Args:
        partner: Who sent the tables.
        frames: As `validate_extract` takes them.
        codes: As there.
        as_at: As there.
        policy: As there.
        whole: Whether they are a whole extract. If not, only the tables given are looked at, and
            a record is not looked for in a table that is not there.

    Raises:
        ExtractRejected: A table or required column is missing, a table has no rows, or the
            tables cannot be checked.
        ConfigError: As `validate_extract`.
    """
    refuse_if_checks_are_off()
    tables = [table for table in TABLES[partner] if whole or table.name in frames]
    _require_tables(partner, tables, frames)
    today = as_at or date.today()
    terms = _Terms(codes, today.year, policy or packaged_policy())
    checked: dict[str, _Checked] = {}
    for table in tables:
        raw = frames.get(table.name, _nothing(table))
        own = _without_dates_ahead(table, _guarded(table, raw, terms), today, terms)
        checked[table.name] = _with_parents(table, own, checked, terms)
    sent = {name: one for name, one in checked.items() if name in frames}
    return Examined(
        validated=_hand_over(partner, checked),
        findings=_gathered(checked, FINDINGS_SCHEMA),
        refusals=tuple(_refusals(tables, checked, terms)),
        profile={name: one.profile for name, one in sent.items()},
    )


def refuse_if_checks_are_off() -> None:
    """Refuse to run where the environment silently disables pandera.

    Raises:
        ConfigError: If it does.
    """
    from pandera.config import ValidationDepth, get_config_global

    enabled = os.environ.get("PANDERA_VALIDATION_ENABLED", "true").strip().lower()
    config = get_config_global()
    if (
        enabled not in ("true", "1")
        or not config.validation_enabled
        or config.validation_depth not in (None, ValidationDepth.SCHEMA_AND_DATA)
    ):
        raise ConfigError(
            "The environment switches validation off, so nothing would be checked.",
            "Unset PANDERA_VALIDATION_ENABLED and PANDERA_VALIDATION_DEPTH and run again.",
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


def _guarded(table: Table, raw: pl.DataFrame, terms: _Terms) -> _Checked:
    """Check one table; an error of pandera or polars, which may quote a record, is not let out."""
    checked = _check_or_none(table, raw, terms)
    if checked is None:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table could not be checked.",
            "Ask the partner for a fresh export; if it fails again, report the table's name.",
        )
    return checked


def _check_or_none(table: Table, raw: pl.DataFrame, terms: _Terms) -> _Checked | None:
    from pandera.errors import SchemaError, SchemaErrors

    try:
        return _check(table, raw, terms)
    except (*POLARS_ERRORS, SchemaError, SchemaErrors, _CheckError):
        return None


class _CheckError(Exception):
    """A pandera check that failed to run; it holds nothing."""


def _check(table: Table, raw: pl.DataFrame, terms: _Terms) -> _Checked:
    """Hold one table to every rule that needs no other table."""
    tidied = _tidied(raw, table.columns)
    typed, undated = _typed(tidied, table.columns)
    consenting, without_consent = _consenting(table, typed)
    undated = undated.join(consenting.select(ROW), on=ROW, how="semi")
    settled, broken = _settled(table, consenting, undated, terms)
    made, unusable = _standardised(table, _standing(settled, broken), terms)
    found = pl.concat([_judged(table, without_consent, terms), broken, unusable])
    standing = _standing(made, unusable)
    repeated = _judged(table, _repeated(table, standing), terms)
    return _Checked(
        frame=_standing(standing, repeated),
        found=pl.concat([found, repeated]),
        received=typed.height,
        withheld=typed.height - consenting.height - without_consent[ROW].n_unique(),
        profile=table_profile(table, tidied, raw.columns, terms.codes),
    )


def _settled(
    table: Table, consenting: pl.DataFrame, undated: pl.DataFrame, terms: _Terms
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check every rule of a record, and empty what the policy empties.

    A record that then breaks a rule that it kept before is quarantined: an empty value may say
    something that the partner did not.
    """
    failures = _broken_rules(table, consenting, terms.codes)
    found = _judged(
        table, pl.concat([undated, failures.join(undated, on=[ROW, "column"], how="anti")]), terms
    )
    found = _without_free_text(table, consenting, found)
    emptied = _emptied(consenting, found)
    touched = found.filter((pl.col("outcome") == "empty") & (pl.col("rule") != "not_a_date"))
    if touched.is_empty():
        return emptied, found
    again = emptied.join(touched, on=ROW, how="semi", maintain_order="left")
    new = _broken_rules(table, again, terms.codes).join(
        found, on=[ROW, "column", "rule"], how="anti"
    )
    judged = _judged(table, new, terms).with_columns(
        pl.col("outcome").replace("empty", "quarantine")
    )
    return emptied, pl.concat([found, judged])


def _without_free_text(table: Table, typed: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Let a value that is only noted stay where it looks like a code: any other may be a name.

    The record of one that does not is kept without it, or quarantined where it is required.
    """
    noted = (pl.col("outcome") == "note") & (pl.col("rule") != "not_a_date")
    for column in found.filter(noted)["column"].unique(maintain_order=True):
        if typed.schema[column] != pl.String:
            continue
        wordy = typed.filter(~pl.col(column).str.contains(LIKE_A_CODE))[ROW]
        at = noted & (pl.col("column") == column) & pl.col(ROW).is_in(wordy.implode())
        instead = "quarantine" if table.columns[column].required else "empty"
        found = found.with_columns(
            pl.when(at).then(pl.lit(instead)).otherwise("outcome").alias("outcome")
        )
    return found


def _emptied(frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The rows with each value gone that the policy empties."""
    gone = found.filter(pl.col("outcome") == "empty")
    for column in gone["column"].unique(maintain_order=True):
        rows = gone.filter(pl.col("column") == column)[ROW].unique()
        frame = frame.with_columns(
            pl.when(~pl.col(ROW).is_in(rows.implode())).then(pl.col(column)).alias(column)
        )
    return frame


def _standing(frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The rows of which nothing was found that leaves them out."""
    left_out = found.filter(pl.col("outcome").is_in(LEFT_OUT))
    return frame.join(left_out, on=ROW, how="anti", maintain_order="left")


def _judged(table: Table, failures: pl.DataFrame, terms: _Terms) -> pl.DataFrame:
    """Failures with what each leads to."""
    kinds = failures.select("column", "rule").unique(maintain_order=True)
    outcomes = [terms.policy.severity_of(table, *kind) for kind in kinds.iter_rows()]
    return failures.join(
        kinds.with_columns(pl.Series("outcome", outcomes, pl.String)),
        on=["column", "rule"],
        how="left",
        maintain_order="left",
    )


def _tidied(raw: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """The contract's columns in its order, as trimmed strings, empty ones null, rows numbered."""
    tidy = [
        pl.col(name).cast(pl.String).str.strip_chars().replace("", None).alias(name)
        if name in raw.columns
        else pl.lit(None, pl.String).alias(name)
        for name in columns
    ]
    rows = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW)
    return raw.select(rows, *tidy)


def _typed(
    tidied: pl.DataFrame, columns: Mapping[str, Column]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the dates; also (row, column, rule) of each value that is none."""
    dates = [name for name, column in columns.items() if column.kind in ("date", "dob")]
    typed = tidied.with_columns(standardise.iso_date(pl.col(name)) for name in dates)
    undated = [
        tidied.filter(pl.col(name).is_not_null() & typed[name].is_null()).select(
            ROW, pl.lit(name).alias("column"), pl.lit("not_a_date").alias("rule")
        )
        for name in dates
    ]
    return typed, pl.concat([_failures([]), *undated])


def _consenting(table: Table, typed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set aside every row of a person who withheld consent in any; one that says too much fails."""
    if table.consent is None:
        return typed, _failures([])
    refused = (pl.col(table.consent) == "N").fill_null(False)
    others = [name for name in table.columns if name not in table.given_without_consent]
    too_much = typed.filter(refused & pl.any_horizontal(pl.col(others).is_not_null()))
    whose = [name for name in table.given_without_consent if name != table.consent]
    consenting = typed.join(
        typed.filter(refused), on=whose, how="anti", nulls_equal=True, maintain_order="left"
    )
    return consenting, _failure(too_much, table.consent, "data_without_consent")


def _broken_rules(table: Table, typed: pl.DataFrame, codes: Path | None) -> pl.DataFrame:
    """Run the pandera model and return (row, column, rule) of each failure, without its value."""
    from schemas.models import schema_of

    schema = schema_of(table.model, codes)
    masks = _masks(schema, typed)
    found = [_failure(typed.filter(~holds), column, rule) for column, rule, holds in masks]
    return pl.concat([_failures([]), *found])


def _masks(schema: pa.DataFrameSchema, typed: pl.DataFrame) -> list[tuple[str, str, pl.Series]]:
    """(column, rule, row by row whether it holds) of each check that some row fails."""
    from pandera.errors import SchemaErrors

    if typed.is_empty():
        return []
    try:
        schema.validate(typed, lazy=True)
    except SchemaErrors as caught:
        return _read_failures(caught, typed.height)
    return []


def _read_failures(caught: SchemaErrors, height: int) -> list[tuple[str, str, pl.Series]]:
    masks = []
    for error in caught.schema_errors:
        output, check = error.check_output, error.check
        if not isinstance(output, pl.DataFrame) or output.height != height:
            raise _CheckError
        masks.append((check.title or error.schema.name, check.name, output.to_series()))
    return masks


def _repeated(table: Table, standing: pl.DataFrame) -> pl.DataFrame:
    """Failures for each later row with the key of an earlier one that stands."""
    first = pl.struct(table.key).is_first_distinct()
    return _failure(standing.filter(~first), table.key[-1], "duplicate_key")


def _standardised(
    table: Table, standing: pl.DataFrame, terms: _Terms
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring every column to its one form, and find what has none."""
    made = standing
    unusable = [_failures([])]
    for name, column in table.columns.items():
        series = _standard(standing[name], column, terms.codes, terms.year)
        if column.kind in UNUSABLE and series.null_count() > standing[name].null_count():
            lost = standing.filter(series.is_null() & standing[name].is_not_null())
            unusable.append(_failure(lost, name, UNUSABLE[column.kind]))
        made = made.with_columns(series.alias(name))
        if column.becomes:
            made = made.rename({name: column.becomes})
    return made, _judged(table, pl.concat(unusable), terms)


def _standard(values: pl.Series, column: Column, codes: Path | None, year: int) -> pl.Series:
    """One column in its normal form; worked out once for each value where values repeat."""
    rule = _rule(column, codes, year)
    if rule is None:
        return values
    distinct = values.unique().drop_nulls()
    if 2 * distinct.len() > values.len():
        return _apply(rule, values)
    normal = _apply(rule, distinct)
    return values.replace_strict(distinct, normal, default=None, return_dtype=normal.dtype)


def _apply(rule: pl.Expr, values: pl.Series) -> pl.Series:
    return values.alias("raw").to_frame().select(rule.alias("normal")).to_series()


def _rule(column: Column, codes: Path | None, year: int) -> pl.Expr | None:
    """What brings a kind of column to its normal form, over a column named `raw`."""
    raw = pl.col("raw")
    match column.kind:
        case "pnc_id":
            return identifiers.pnc_id(raw, year)
        case "ethnicity" if column.codes:
            return raw.replace_strict(crosswalk(column.codes, codes), default=None)
        case "requirement":
            return _category(raw, codes)
        case kind if kind in _RULES:
            return _RULES[kind](raw)
        case _:
            return None


_RULES = {
    "name": standardise.person_name,
    "initial": standardise.initial,
    "dob": standardise.date_of_birth,
    "sex": standardise.sex,
    "nhs_number": identifiers.nhs_number,
    "nino": identifiers.nino,
    "cro_number": identifiers.cro_number,
    "crn": identifiers.crn,
    "noms_number": identifiers.noms_number,
    "uprn": identifiers.uprn,
    "la_code": identifiers.la_code,
    "postcode": identifiers.postcode,
    "postcode_sector": identifiers.postcode_sector,
    "days_of_28": standardise.whole_number,
    "score_of_20": standardise.whole_number,
}


def _category(description: pl.Expr, codes: Path | None) -> pl.Expr:
    """The first category whose pattern a requirement's description matches, else OTHER."""
    matches = [
        pl.when(description.str.contains(pattern)).then(pl.lit(category))
        for pattern, category in requirement_patterns(codes)
    ]
    return pl.coalesce(*matches, pl.lit("OTHER"))


def _without_dates_ahead(table: Table, own: _Checked, today: date, terms: _Terms) -> _Checked:
    """Judge records of what has not happened yet; only a planned date may lie ahead."""
    ahead = [
        _failure(own.frame.filter(pl.col(name) > today), name, "after_the_extract")
        for name in table.past_dates
    ]
    return _judged_so(table, own, pl.concat(ahead), terms) if ahead else own


def _judged_so(table: Table, own: _Checked, failures: pl.DataFrame, terms: _Terms) -> _Checked:
    """A table with more failures found in it, and without the rows they leave out."""
    judged = _judged(table, failures, terms)
    return replace(own, frame=_standing(own.frame, judged), found=pl.concat([own.found, judged]))


def _with_parents(
    table: Table, own: _Checked, checked: Mapping[str, _Checked], terms: _Terms
) -> _Checked:
    """Leave out records whose parent is not kept, and judge those that contradict it."""
    for columns, parent_name in table.parents.items():
        if parent_name not in checked:
            continue
        parent = checked[parent_name].frame
        orphans = own.frame.join(parent, on=columns, how="anti", maintain_order="left")
        failures = [_failure(orphans, columns[-1], "parent_missing")]
        failures += [_contradicting(own.frame, parent, columns, rule) for rule in table.cross_rules]
        own = _judged_so(table, own, pl.concat(failures), terms)
    return own


def _contradicting(
    frame: pl.DataFrame, parent: pl.DataFrame, columns: tuple[str, ...], rule: CrossRule
) -> pl.DataFrame:
    seen = parent.select(
        *columns, *(pl.col(name).alias(f"{name}__parent") for name in rule.parent_columns)
    )
    joined = frame.join(seen, on=columns, how="inner")
    return _failure(joined.filter(~rule.holds.fill_null(True)), rule.column, rule.rule)


def _refusals(
    tables: Iterable[Table], checked: Mapping[str, _Checked], terms: _Terms
) -> Iterator[str]:
    """Why an extract cannot be used; a table below one that is refused is not told as well."""
    refused: set[str] = set()
    for table in tables:
        told = list(_table_refusals(table, checked[table.name], terms.policy))
        if told or refused & set(table.parents.values()):
            refused.add(table.name)
        if not refused & set(table.parents.values()):
            yield from told


def _table_refusals(table: Table, checked: _Checked, policy: Policy) -> Iterator[str]:
    limits = policy.thresholds_of(table.partner)
    rejecting = checked.found.filter(pl.col("outcome") == "reject")
    if not rejecting.is_empty():
        yield (
            f"The {table.partner} {table.name} table breaks rules that refuse the whole extract "
            f"({_most_broken(rejecting)})."
        )
    left_out = checked.found.filter(pl.col("outcome").is_in(LEFT_OUT))
    bad = left_out[ROW].n_unique()
    if bad > limits.quarantined * checked.received:
        yield (
            f"Of {checked.received} rows of the {table.partner} {table.name} table, {bad} are "
            f"invalid ({_most_broken(left_out)})."
        )
    for name, rows in _emptied_counts(checked.found):
        given = checked.received - checked.profile["empty"].get(name, checked.received)
        if given >= limits.judged_from and rows > limits.emptied * given:
            yield (
                f"Of {given} values of {name} in the {table.partner} {table.name} table, {rows} "
                "cannot be used."
            )


def _emptied_counts(found: pl.DataFrame) -> Iterable[tuple[str, int]]:
    emptied = found.filter(pl.col("outcome") == "empty")
    return emptied.group_by("column", maintain_order=True).agg(pl.col(ROW).n_unique()).iter_rows()


def _most_broken(found: pl.DataFrame) -> str:
    top = found.group_by("column", "rule").len().sort(
        "len", "column", "rule", descending=[True, False, False]
    )  # fmt: skip
    return "; ".join(f"{rule} in {column}: {count}" for column, rule, count in top.head(3).rows())


def _hand_over(partner: str, checked: Mapping[str, _Checked]) -> Validated:
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
    checked: Mapping[str, _Checked], columns: Iterable[str], outcomes: Iterable[str] | None = None
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


def _noted(table: Table, checked: _Checked) -> pl.DataFrame:
    """What was emptied or let pass in the rows that are kept, and how many rows were withheld."""
    kept = checked.found.filter(~pl.col("outcome").is_in(LEFT_OUT)).join(
        checked.frame, on=ROW, how="semi"
    )
    counts = kept.group_by("column", "rule").len().sort("column", "rule").iter_rows()
    rows = [(table.name, column, rule, count) for column, rule, count in counts]
    if checked.withheld:
        rows.append((table.name, str(table.consent), "no_consent", checked.withheld))
    return pl.DataFrame(rows, NOTED_SCHEMA, orient="row")


def _failure(rows: pl.DataFrame, column: str, rule: str) -> pl.DataFrame:
    return rows.select(ROW, pl.lit(column).alias("column"), pl.lit(rule).alias("rule"))


def _failures(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    schema = {ROW: pl.Int64, "column": pl.String, "rule": pl.String}
    return pl.DataFrame(rows, schema, orient="row")
