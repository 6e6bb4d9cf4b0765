"""How a partner's table is declared to pandera: columns by what they are, rules by name.

A model lists its columns with the helpers below and its row rules as methods marked `@rule`.
`schema_of` turns it into a pandera schema, with the code lists of the partnership filled in. Every
check carries a snake_case name, which is the rule that quarantine reports. A check keeps one
failing case at most, and no failing value ever leaves `schemas.checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, cast

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.codes import CodeList, Stamp, code_list, requirement_patterns, stamps
from schemas.columns import Column, Kind
from schemas.numbered import RAW, worked_out
from schemas.standardise import DUMMY_DATES_OF_BIRTH

LAST_IMPOSSIBLE_BIRTH_YEAR = 1902
"""NDTMS accepts no year of birth up to this one."""

ADULT_AGE = 18
"""From this age on; younger people only where the agreement lists them."""

LONGEST_KEY = 100
"""Characters of one part of a record key."""

Holds = Callable[[pl.Expr], pl.Expr]


def _like(pattern: str) -> Holds:
    return lambda value: value.str.contains(pattern)


def _like_any(patterns: Sequence[str]) -> Holds:
    return lambda value: pl.any_horizontal(value.str.contains(one) for one in patterns)


SHAPES: Mapping[Kind, tuple[str, Holds]] = {
    # A bar parts the fields of a record key, so none may hold one.
    "key": (
        "key_unusable",
        lambda value: ~value.str.contains(r"[|\p{C}]") & (value.str.len_chars() <= LONGEST_KEY),
    ),
    "initial": ("initial_not_a_letter", _like(r"^\p{L}$")),
    # CJS offence codes as HMPPS reads them; the last letter says attempt, aid, conspire, incite.
    "offence_code": (
        "offence_code_malformed",
        _like(r"^(?:[A-Z]{2}[0-9]{5}|COML[0-9]{3})[ABCI]?$"),
    ),
    # A Home Office class such as 92D, or the code of one offence, such as 092/05.
    "offence_class": (
        "offence_class_malformed",
        _like(r"^(?:[0-9]{1,3}[A-Z]?|[0-9]{3}/[0-9]{2})$"),
    ),
    "home_office_code": ("home_office_code_malformed", _like(r"^[0-9]{3}/[0-9]{2}$")),
    # A drug action team of residence such as A09B; Z00B is outside England.
    "dat_code": ("dat_malformed", _like(r"^[A-Z][0-9]{2}[A-Z]$")),
    "agency": ("agency_malformed", _like(r"^[A-Z0-9]{3,10}$")),
    "prison": ("prison_malformed", _like(r"^[A-Z]{3}$")),
    "days_of_28": ("days_out_of_range", _like(r"^0*(?:[0-9]|1[0-9]|2[0-8])$")),
    "score_of_20": ("score_out_of_range", _like(r"^0*(?:[0-9]|1[0-9]|20)$")),
}
"""For each kind that has to have a shape: the rule's name and what has to hold."""


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
        description: What the rule asks for, in a sentence.
    """

    table: str
    column: str
    rule: str
    parent_columns: tuple[str, ...]
    holds: pl.Expr
    description: str


CONSENT_GIVEN = "Y"
"""The one answer by which a record stands: where it is N the record is withheld before its codes
are looked at, and no other answer that a partnership's own list may hold is a consent."""

EXAMPLES: Mapping[Kind, str] = {
    "date": "2024-01-05",
    "dob": "1980-05-06",
    "initial": "M",
    "postcode": "NR3 1AA",
    "postcode_sector": "NR3 1",
    "nhs_number": "943 476 5919",
    "nino": "AB123456C",
    "pnc_id": "1979/0163001B",
    "cro_number": "065656/91H",
    "crn": "X123456",
    "noms_number": "A1234BC",
    "uprn": "100",
    "la_code": "E07000148",
    "dat_code": "A09B",
    "agency": "N0853",
    "prison": "NWI",
    "offence_code": "TH68001",
    "offence_class": "92D",
    "home_office_code": "092/05",
    "days_of_28": "12",
    "score_of_20": "11",
}
"""A safe value of each kind: made up, or published as an example; nobody's own."""


def key(description: str, example: str) -> Any:
    """Part of the record's own key."""
    return _field(Column("key", "key", True, description=description, example=example))


def parent(description: str, example: str) -> Any:
    """Part of the key of the record that this one belongs to."""
    return _field(Column("parent", "key", True, description=description, example=example))


def identifier(kind: Kind, description: str, example: str = "", *, required: bool = False) -> Any:
    """Something that says who or where a person is."""
    return _field(Column("identifier", kind, required, description=description, example=example))


def attribute(
    kind: Kind,
    description: str,
    example: str = "",
    *,
    required: bool = False,
    becomes: str | None = None,
) -> Any:
    """Something that happened, read by its kind."""
    return _field(
        Column("attribute", kind, required, None, becomes, description=description, example=example)
    )


def coded(
    codes: str,
    description: str,
    example: str = "",
    *,
    kind: Kind = "code",
    required: bool = False,
    dated_by: str | None = None,
) -> Any:
    """Something that happened, given as a code from a list.

    Args:
        codes: The list.
        description: What the column holds.
        example: One of its codes; the list's first if not given.
        kind: How it is read.
        required: Whether it has to be given.
        dated_by: The column whose day the code is read against; the record's own if not given.
    """
    return _field(
        Column(
            "attribute",
            kind,
            required,
            codes,
            description=description,
            example=example,
            dated_by=dated_by,
        )
    )


def day(description: str, example: str = "", *, required: bool = False, event: bool = False) -> Any:
    """A date on which something happened; with `event`, the one that dates the record's codes."""
    return _field(
        Column("attribute", "date", required, description=description, example=example, event=event)
    )


def forename() -> Any:
    """A person's first name."""
    return identifier("name", "First name, as the person gave it.", "Mary-Ann")


def surname() -> Any:
    """A person's family name."""
    return identifier("name", "Family name, as the person gave it.", "O'Brien")


def date_of_birth(*, required: bool = False) -> Any:
    """A person's date of birth."""
    return identifier(
        "dob",
        "Date of birth. 1900-01-01 and 1970-01-01 mean that it is not known.",
        required=required,
    )


def sex() -> Any:
    """A person's sex in the codes of police, probation and housing."""
    return coded("sex", "Sex as recorded.", "F", kind="sex")


def ethnicity() -> Any:
    """A person's ethnicity in the 18+1 codes."""
    return coded("ethnicity", "Self-defined ethnicity, in the 18+1 codes.", "W1")


def postcode() -> Any:
    """Where a person lives."""
    return identifier("postcode", "Postcode of the address given; ZZ99 3VZ says no fixed abode.")


def rule(column: str) -> Callable[[Any], Any]:
    """Mark a class method of a model as a row rule that blames `column`.

    The method returns an expression that is true or null where the row keeps the rule; its name
    is the rule's name and says what is wrong.
    """

    def mark(method: Any) -> Any:
        holds = method.__func__

        def check(cls: Any, data: PolarsData) -> bool | pl.LazyFrame:
            return _told(_as_strings(data).select(holds(cls)).collect())

        return pa.dataframe_check(
            name=holds.__name__, title=column, description=holds.__doc__, n_failure_cases=1
        )(wraps(holds)(check))

    return mark


def born_by(event: str) -> pl.Expr:
    """True where a person's birth is before an event, or either date is not known."""
    return (pl.col("dob") < pl.col(event)) | pl.col("dob").is_in(DUMMY_DATES_OF_BIRTH)


def day_of_age(born: pl.Expr, age: int) -> pl.Expr:
    """The day on which a person reaches an age.

    Who was born on 29 February reaches it on 1 March where there is no such day: in England and
    Wales an age is reached at the beginning of the anniversary (Family Law Reform Act 1969, s.9).
    """
    day = born.dt.offset_by(f"{age}y")
    return day + pl.duration(days=(day.dt.day() != born.dt.day()).cast(pl.Int64))


def of_age(event: str, age: int = ADULT_AGE) -> pl.Expr:
    """True where a person has reached an age by an event, or either date is not known."""
    reached = day_of_age(pl.col("dob"), age) <= pl.col(event)
    return reached | pl.col("dob").is_in(DUMMY_DATES_OF_BIRTH)


def up_to_age(event: str, age: int) -> pl.Expr:
    """True where a person is no older than an age at an event, or either date is not known."""
    older_from = day_of_age(pl.col("dob"), age + 1)
    return (older_from > pl.col(event)) | pl.col("dob").is_in(DUMMY_DATES_OF_BIRTH)


def in_order(first: str, second: str) -> pl.Expr:
    """True where two dates are the same or in order."""
    return pl.col(first) <= pl.col(second)


def columns_of(model: type[Extract]) -> dict[str, Column]:
    """A model's columns in the order in which it lists them."""
    declared = model.to_schema().columns
    return {name: cast(Column, declared[name].metadata["column"]) for name in declared}


def schema_of(model: type[Extract], folder: Path | None = None) -> pa.DataFrameSchema:
    """The pandera schema of a model, its code lists filled in; whoever asks gets the same one.

    Args:
        model: A partner's table.
        folder: The partnership's own code lists, if any.

    Raises:
        ConfigError: A code list cannot be used.
    """
    return _schema_of(model, folder, stamps(folder))


@lru_cache(maxsize=64)
def _schema_of(
    model: type[Extract], folder: Path | None, _: frozenset[Stamp | None]
) -> pa.DataFrameSchema:
    """A schema, made again once a code list has changed: that is a quarter of a small check."""
    columns = columns_of(model)
    events = [name for name, column in columns.items() if column.event]
    checks: dict[str, dict[str, Any]] = {
        name: {"checks": _checks(column, column.dated_by or next(iter(events), None), folder)}
        for name, column in columns.items()
    }
    # All but dates may come numbered, which is none of pandera's types.
    for name, column in columns.items():
        if column.kind not in ("date", "dob"):
            checks[name]["dtype"] = None
    return model.to_schema().update_columns(checks)


def _field(column: Column) -> Any:
    # Nulls are allowed to pandera, because `required` is a check with a name like any other.
    return pa.Field(nullable=True, metadata={"column": _with_example(column)})


def _with_example(column: Column) -> Column:
    example = column.example
    if not example and column.codes:
        example = code_list(column.codes).versions[0].code
    return replace(column, example=example or EXAMPLES[column.kind])


def _checks(column: Column, day: str | None, folder: Path | None) -> list[pa.Check]:
    checks = []
    if column.required:
        checks.append(_check("required", pl.Expr.is_not_null, ignore_na=False))
    if column.codes:
        only = CONSENT_GIVEN if column.kind == "consent" else None
        checks += _code_checks(code_list(column.codes, folder), day, only)
    if column.kind in SHAPES:
        checks.append(_check(*SHAPES[column.kind]))
    if column.kind == "requirement":
        patterns = [pattern for pattern, _ in requirement_patterns(folder)]
        checks.append(_check("description_unrecognised", _like_any(patterns)))
    if column.kind == "dob":
        checks.append(_check("born_too_early", _possible_birth))
    return checks


def _code_checks(listed: CodeList, day: str | None, only: str | None = None) -> list[pa.Check]:
    """That a code is in its list and in force on its day, or is the only one that may stand."""
    ending = "_passed" if listed.unknown == "pass" else ""
    codes = [code for code in listed.codes if only in (None, code)]
    checks = [_check(f"code_unknown{ending}", lambda value: value.is_in(codes))]
    if day is not None and listed.is_dated and only is None:
        on = pl.col(day)
        checks.append(
            _check(
                f"code_not_in_force{ending}",
                lambda value: listed.in_force(value, on) | ~value.is_in(codes),
                by_row=True,
            )
        )
    return checks


def _possible_birth(born: pl.Expr) -> pl.Expr:
    return (born.dt.year() > LAST_IMPOSSIBLE_BIRTH_YEAR) | born.is_in(DUMMY_DATES_OF_BIRTH)


def _check(name: str, holds: Holds, *, ignore_na: bool = True, by_row: bool = False) -> pa.Check:
    """A check of one column; with `by_row`, one that looks at other columns too."""

    def check(data: PolarsData) -> bool | pl.LazyFrame:
        if by_row:
            return _told(_as_strings(data).select(holds(pl.col(data.key))).collect())
        column = data.lazyframe.select(data.key).collect()
        return _told(worked_out(column, {data.key: holds(pl.col(RAW))}), ignore_na=ignore_na)

    return pa.Check(check, name=name, ignore_na=ignore_na, n_failure_cases=1)


def _told(held: pl.DataFrame, *, ignore_na: bool = True) -> bool | pl.LazyFrame:
    """What a check tells pandera: one word where every row keeps the rule, else row by row.

    Told row by row, pandera looks for failing cases, which takes longer than a small table's rule.
    """
    kept = held.to_series()
    if kept.all() and (ignore_na or not kept.null_count()):
        return True
    return held.lazy()


def _as_strings(data: PolarsData) -> pl.LazyFrame:
    """The rows with what is numbered as strings, which alone can be compared with one another."""
    return data.lazyframe.with_columns(pl.col(pl.Categorical).cast(pl.String))
