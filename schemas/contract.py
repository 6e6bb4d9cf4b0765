"""Hold an extract to its contract: keep what is valid, quarantine what is not, say what changed.

    present → tidied → typed → consenting → checked → unique → standardised → with its parent

A record that breaks a rule is quarantined by table, row, column and rule. An optional identifier
that fails its own check is emptied and noted: losing it costs a link, losing the record costs the
event. No value of a record is ever in what this module returns beside the frames, or raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from schemas import identifiers, standardise
from schemas.codes import crosswalk, requirement_patterns
from schemas.columns import PLANNED_DATES, Column
from schemas.errors import ConfigError, ExtractRejected
from schemas.extract import POLARS_ERRORS
from schemas.tables import TABLES, Table

if TYPE_CHECKING:
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

    from schemas.models import CrossRule

MAX_QUARANTINED_SHARE = 0.5
"""Above this share of a table's rows the fault is in the extract, not in the records."""

ROW = "__row"
"""The 1-based number of a data row in the file, carried until the frames are handed over."""

QUARANTINE_SCHEMA = {
    "table": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
}
NOTED_SCHEMA = {"table": pl.String, "column": pl.String, "rule": pl.String, "count": pl.Int64}

NULLED_RULES = {
    "dob": "dummy_date_of_birth",
    "name": "name_placeholder",
    "nhs_number": "nhs_number_invalid",
    "nino": "nino_invalid",
    "pnc_id": "pnc_id_invalid",
    "cro_number": "cro_number_invalid",
    "crn": "crn_invalid",
    "noms_number": "noms_number_invalid",
    "uprn": "uprn_invalid",
    "la_code": "la_code_invalid",
    "postcode": "postcode_invalid",
    "postcode_sector": "postcode_sector_invalid",
}
"""For each kind whose unusable values are emptied: the rule under which they are counted."""


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
class _Checked:
    """One table on its way through: the rows still standing and what befell the others."""

    frame: pl.DataFrame
    failures: pl.DataFrame
    noted: pl.DataFrame
    received: int
    withheld: int


def validate_extract(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    *,
    codes: Path | None = None,
    as_at: date | None = None,
    max_quarantined_share: float = MAX_QUARANTINED_SHARE,
) -> Validated:
    """Validate all tables of a partner together.

    Args:
        partner: Who sent them.
        frames: Each table as strings, its columns in lower case. A column that is not required
            may be absent (the agreement may leave it out) and is then empty; columns that the
            contract does not know are left out.
        codes: The partnership's own code lists; a list there wins over the packaged one.
        as_at: The day of the extract, which two-digit years are read against and after which
            nothing can have happened; today if not given.
        max_quarantined_share: The share of a table's rows above which the extract is rejected.

    Raises:
        ExtractRejected: A table or required column is missing, a table has no rows, too many
            rows are invalid, or the tables cannot be checked.
        ConfigError: Checks are switched off in the environment, or a code list is unusable.
    """
    refuse_if_checks_are_off()
    tables = TABLES[partner]
    _require_tables(partner, tables, frames)
    today = as_at or date.today()
    checked: dict[str, _Checked] = {}
    for table in tables:
        own = _without_dates_ahead(
            table, _guarded(table, frames[table.name], codes, today.year), today
        )
        checked[table.name] = _with_parents(table, own, checked)
        _reject_if_mostly_invalid(table, checked[table.name], max_quarantined_share)
    return _hand_over(partner, checked)


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
    missing = [table.name for table in tables if table.name not in frames]
    if missing:
        raise ExtractRejected(
            f"The {partner} extract lacks {', '.join(missing)}.",
            "Ask the partner to send all of its tables together.",
        )
    for table in tables:
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
    if raw.is_empty() and table.identity is not None:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table has no rows.",
            "Ask the partner to run its export again.",
        )


def _guarded(table: Table, raw: pl.DataFrame, codes: Path | None, year: int) -> _Checked:
    """Check one table; an error of pandera or polars, which may quote a record, is not let out."""
    checked = _check_or_none(table, raw, codes, year)
    if checked is None:
        raise ExtractRejected(
            f"The {table.partner} {table.name} table could not be checked.",
            "Ask the partner for a fresh export; if it fails again, report the table's name.",
        )
    return checked


def _check_or_none(
    table: Table, raw: pl.DataFrame, codes: Path | None, year: int
) -> _Checked | None:
    from pandera.errors import SchemaError, SchemaErrors

    try:
        return _check(table, raw, codes, year)
    except (*POLARS_ERRORS, SchemaError, SchemaErrors, _CheckError):
        return None


class _CheckError(Exception):
    """A pandera check that failed to run; it holds nothing."""


def _check(table: Table, raw: pl.DataFrame, codes: Path | None, year: int) -> _Checked:
    """Hold one table to every rule that needs no other table."""
    columns = table.columns
    tidied = _tidied(raw, columns)
    typed, undated = _typed(tidied, columns)
    consenting, without_consent = _consenting(table, typed)
    undated = undated.join(consenting.select(ROW), on=ROW, how="semi")
    broken = _broken_rules(table, consenting, codes).join(undated, on=[ROW, "column"], how="anti")
    failures = pl.concat([without_consent, _not_dates(undated, columns), broken])
    standing = consenting.join(failures, on=ROW, how="anti", maintain_order="left")
    repeated = _repeated(table, standing)
    standing = standing.join(repeated, on=ROW, how="anti", maintain_order="left")
    kept, noted = _standardised(table, standing, undated, codes, year)
    withheld = typed.height - consenting.height - without_consent[ROW].n_unique()
    return _Checked(
        kept, pl.concat([failures, repeated]), _with_withheld(table, noted, withheld),
        typed.height, withheld,
    )  # fmt: skip


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
    """Read the dates; also (row, column) of each value that is none."""
    dates = [name for name, column in columns.items() if column.kind in ("date", "dob")]
    typed = tidied.with_columns(standardise.iso_date(pl.col(name)) for name in dates)
    undated = [
        tidied.filter(pl.col(name).is_not_null() & typed[name].is_null()).select(
            ROW, pl.lit(name).alias("column")
        )
        for name in dates
    ]
    return typed, pl.concat(undated) if undated else _failures([]).select(ROW, "column")


def _not_dates(undated: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Failures for unreadable dates, except optional dates of birth, which are emptied.

    An optional date of an event is quarantined too: an empty end would say that it goes on.
    """
    may_be_empty = [
        name for name, column in columns.items() if column.kind == "dob" and not column.required
    ]
    return undated.filter(~pl.col("column").is_in(may_be_empty)).select(
        ROW, "column", pl.lit("not_a_date").alias("rule")
    )


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
    return pl.concat(found) if found else _failures([])


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
    table: Table, standing: pl.DataFrame, undated: pl.DataFrame, codes: Path | None, year: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring every column to its one form, and count what had to be emptied."""
    made = standing
    counts: list[tuple[str, str, str, int]] = []
    for name, column in table.columns.items():
        series = _standard(standing[name], column, codes, year)
        emptied = series.null_count() - standing[name].null_count()
        if emptied and column.kind in NULLED_RULES:
            counts.append((table.name, name, NULLED_RULES[column.kind], emptied))
        made = made.with_columns(series.alias(name))
        if column.becomes:
            made = made.rename({name: column.becomes})
    unread = undated.join(standing.select(ROW), on=ROW, how="semi")
    counts += [
        (table.name, name, "not_a_date", count)
        for name, count in unread.group_by("column", maintain_order=True).len().iter_rows()
    ]
    return made, pl.DataFrame(counts, NOTED_SCHEMA, orient="row")


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
}


def _category(description: pl.Expr, codes: Path | None) -> pl.Expr:
    """The first category whose pattern a requirement's description matches, else OTHER."""
    matches = [
        pl.when(description.str.contains(pattern)).then(pl.lit(category))
        for pattern, category in requirement_patterns(codes)
    ]
    return pl.coalesce(*matches, pl.lit("OTHER"))


def _without_dates_ahead(table: Table, own: _Checked, today: date) -> _Checked:
    """Quarantine records of what has not happened yet; only a planned date may lie ahead."""
    happened = [
        name
        for name, column in table.columns.items()
        if column.kind == "date" and name not in PLANNED_DATES
    ]
    ahead = [
        _failure(own.frame.filter(pl.col(name) > today), name, "after_the_extract")
        for name in happened
    ]
    return _without(own, pl.concat(ahead)) if ahead else own


def _with_parents(table: Table, own: _Checked, checked: Mapping[str, _Checked]) -> _Checked:
    """Quarantine records whose parent is not kept, and those that contradict it."""
    for columns, parent_name in table.parents.items():
        parent = checked[parent_name].frame
        orphans = own.frame.join(parent, on=columns, how="anti", maintain_order="left")
        failures = [_failure(orphans, columns[-1], "parent_missing")]
        failures += [_contradicting(own.frame, parent, columns, rule) for rule in table.cross_rules]
        own = _without(own, pl.concat(failures))
    return own


def _contradicting(
    frame: pl.DataFrame, parent: pl.DataFrame, columns: tuple[str, ...], rule: CrossRule
) -> pl.DataFrame:
    seen = parent.select(
        *columns, *(pl.col(name).alias(f"{name}__parent") for name in rule.parent_columns)
    )
    joined = frame.join(seen, on=columns, how="inner")
    return _failure(joined.filter(~rule.holds.fill_null(True)), rule.column, rule.rule)


def _without(own: _Checked, failures: pl.DataFrame) -> _Checked:
    return _Checked(
        own.frame.join(failures, on=ROW, how="anti", maintain_order="left"),
        pl.concat([own.failures, failures]),
        own.noted,
        own.received,
        own.withheld,
    )


def _reject_if_mostly_invalid(table: Table, checked: _Checked, share: float) -> None:
    bad = checked.failures[ROW].n_unique()
    if bad <= share * checked.received:
        return
    top = checked.failures.group_by("column", "rule").len().sort(
        "len", "column", "rule", descending=[True, False, False]
    )  # fmt: skip
    reasons = "; ".join(
        f"{rule} in {column}: {count}" for column, rule, count in top.head(3).rows()
    )
    raise ExtractRejected(
        f"Of {checked.received} rows of the {table.partner} {table.name} table, {bad} are invalid "
        f"({reasons}).",
        "Ask the partner to correct its export before it is loaded.",
    )


def _hand_over(partner: str, checked: Mapping[str, _Checked]) -> Validated:
    failures = [
        one.failures.select(pl.lit(name).alias("table"), pl.col(ROW).alias("row"), "column", "rule")
        for name, one in checked.items()
    ]
    return Validated(
        partner=partner,
        frames={name: one.frame.drop(ROW) for name, one in checked.items()},
        quarantine=pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), *failures]).sort(
            "table", "row", "column", "rule"
        ),
        noted=pl.concat(
            [pl.DataFrame(schema=NOTED_SCHEMA), *(one.noted for one in checked.values())]
        ),
        rows={name: one.received for name, one in checked.items()},
        withheld={name: one.withheld for name, one in checked.items()},
    )


def _with_withheld(table: Table, noted: pl.DataFrame, withheld: int) -> pl.DataFrame:
    if not withheld:
        return noted
    row = (table.name, table.consent, "no_consent", withheld)
    return pl.concat([noted, pl.DataFrame([row], NOTED_SCHEMA, orient="row")])


def _failure(rows: pl.DataFrame, column: str, rule: str) -> pl.DataFrame:
    return rows.select(ROW, pl.lit(column).alias("column"), pl.lit(rule).alias("rule"))


def _failures(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    schema = {ROW: pl.Int64, "column": pl.String, "rule": pl.String}
    return pl.DataFrame(rows, schema, orient="row")
