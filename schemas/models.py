"""How a partner's table is declared to pandera: columns by what they are, rules by name.

A model lists its columns with the helpers below and its row rules as methods marked `@rule`.
`schema_of` turns it into a pandera schema, with the code lists of the partnership filled in. Every
check carries a snake_case name, which is the rule that quarantine reports. A check keeps one
failing case at most, and no failing value ever leaves `schemas.contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, cast

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.codes import load_codes
from schemas.columns import Column, Kind
from schemas.standardise import DUMMY_DATES_OF_BIRTH

LAST_IMPOSSIBLE_BIRTH_YEAR = 1902
"""NDTMS accepts no year of birth up to this one."""

SHAPES: Mapping[Kind, tuple[str, str]] = {
    # A bar parts the fields of a record key, so none may hold one.
    "key": ("key_unusable", r"^[^|\p{C}]{1,100}$"),
    "initial": ("initial_not_a_letter", r"^\p{L}$"),
    # CJS offence codes as HMPPS reads them; the last letter says attempt, aid, conspire, incite.
    "offence_code": (
        "offence_code_malformed",
        r"^(?:[A-Z]{2}[0-9]{5}|COML[0-9]{3}|XX00[0-9]{3})[ABCI]?$",
    ),
    # A Home Office class such as 92D, or the older form 092/05.
    "offence_class": ("offence_class_malformed", r"^(?:[0-9]{1,3}[A-Z]?|[0-9]{3}/[0-9]{2})$"),
}
"""For each kind that has to have a shape: the rule's name and the pattern."""


class Extract(pa.DataFrameModel):
    """What every partner's table has in common."""

    class Config:
        """Columns that no model lists are dropped before validation, so none is checked here."""

        strict = False


@dataclass(frozen=True)
class CrossRule:
    """A rule between a record and the record it belongs to.

    Args:
        table: The table whose record is quarantined.
        column: The column blamed.
        rule: The rule's name.
        parent_columns: Columns of the parent that the rule needs; there they end in `__parent`.
        holds: True or null where the record keeps the rule.
    """

    table: str
    column: str
    rule: str
    parent_columns: tuple[str, ...]
    holds: pl.Expr


def key() -> Any:
    """Part of the record's own key."""
    return _field(Column("key", "key", required=True))


def parent() -> Any:
    """Part of the key of the record that this one belongs to."""
    return _field(Column("parent", "key", required=True))


def identifier(kind: Kind, *, required: bool = False) -> Any:
    """Something that says who or where a person is."""
    return _field(Column("identifier", kind, required=required))


def attribute(kind: Kind, *, required: bool = False, becomes: str | None = None) -> Any:
    """Something that happened, read by its kind."""
    return _field(Column("attribute", kind, required=required, becomes=becomes))


def coded(codes: str, *, kind: Kind = "code", required: bool = False) -> Any:
    """Something that happened, given as a code from a list."""
    return _field(Column("attribute", kind, required=required, codes=codes))


def day(*, required: bool = False) -> Any:
    """A date on which something happened."""
    return _field(Column("attribute", "date", required=required))


def rule(column: str) -> Callable[[Any], Any]:
    """Mark a class method of a model as a row rule that blames `column`.

    The method returns an expression that is true or null where the row keeps the rule; its name
    is the rule's name and says what is wrong.
    """

    def mark(method: Any) -> Any:
        holds = method.__func__

        def check(cls: Any, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(holds(cls))

        return pa.dataframe_check(
            name=holds.__name__, title=column, description=holds.__doc__, n_failure_cases=1
        )(wraps(holds)(check))

    return mark


def born_by(event: str) -> pl.Expr:
    """True where a person's birth is before an event, or either date is not known."""
    return (pl.col("dob") < pl.col(event)) | pl.col("dob").is_in(DUMMY_DATES_OF_BIRTH)


def in_order(first: str, second: str) -> pl.Expr:
    """True where two dates are the same or in order."""
    return pl.col(first) <= pl.col(second)


def columns_of(model: type[Extract]) -> dict[str, Column]:
    """A model's columns in the order in which it lists them."""
    declared = model.to_schema().columns
    return {name: cast(Column, declared[name].metadata["column"]) for name in declared}


def schema_of(model: type[Extract], folder: Path | None = None) -> pa.DataFrameSchema:
    """The pandera schema of a model, its code lists filled in.

    Args:
        model: A partner's table.
        folder: The partnership's own code lists, if any.

    Raises:
        ConfigError: A code list cannot be used.
    """
    checks = {name: {"checks": _checks(c, folder)} for name, c in columns_of(model).items()}
    return model.to_schema().update_columns(checks)


def _field(column: Column) -> Any:
    # Nulls are allowed to pandera, because `required` is a check with a name like any other.
    return pa.Field(nullable=True, metadata={"column": column})


def _checks(column: Column, folder: Path | None) -> list[pa.Check]:
    checks = []
    if column.required:
        checks.append(_check("required", pl.Expr.is_not_null, ignore_na=False))
    if column.codes:
        codes = sorted(load_codes(column.codes, folder))
        checks.append(_check("code_unknown", lambda value: value.is_in(codes)))
    if column.kind in SHAPES:
        name, pattern = SHAPES[column.kind]
        checks.append(_check(name, lambda value: value.str.contains(pattern)))
    if column.kind == "dob":
        checks.append(_check("born_too_early", _possible_birth))
    return checks


def _possible_birth(born: pl.Expr) -> pl.Expr:
    return (born.dt.year() > LAST_IMPOSSIBLE_BIRTH_YEAR) | born.is_in(DUMMY_DATES_OF_BIRTH)


def _check(name: str, holds: Callable[[pl.Expr], pl.Expr], *, ignore_na: bool = True) -> pa.Check:
    def check(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(holds(pl.col(data.key)))

    return pa.Check(check, name=name, ignore_na=ignore_na, n_failure_cases=1)
