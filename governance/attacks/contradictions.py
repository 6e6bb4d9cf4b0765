"""Who is whom, told by stored values that cannot both be what was sent.

Two records that share a composite share all that it is made of, two filters that are equal under
one anchor are of equal values, and whatever is shared implies that more is. Where two records must
share a composite and do not, one of the two is a stand-in: somebody else of one delivery has that
value, so whoever has two of it has kin there (`kin`). A reviewer showed that this gained a point on
the first form of version 9, whose composites of a postcode and one name imply each other by way of
the date (docs/adr/0049).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from governance.attacks import groups
from governance.attacks.bits import Indices
from governance.attacks.kin import PERSON
from governance.encoding.anchored import COMPOSITES
from schemas.encoded import FILTERS, SEX_MASKS, filter_columns, sex_column, token_column

NAME: Final = "insider, contradictions"

Rules = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
CERTAIN: Final[Rules] = (
    (("date",), ("year", "daymonth", "date_either")),
    (("date_either",), ("year",)),
    (("year", "daymonth"), ("date",)),
    (("postcode",), ("home_sector",)),
    (("home_sector",), ("sector",)),
    (("forename",), ("initial",)),
    (("surname",), ("surname_initial",)),
    (("forename", "surname"), ("name_low", "name_high")),
    (("forename", "name_low", "name_high"), ("surname",)),
    (("surname", "name_low", "name_high"), ("forename",)),
    (("name_low", "name_high"), ("initial_low", "initial_high")),
    (("initial", "surname_initial"), ("initial_low", "initial_high")),
    (("initial", "initial_low", "initial_high"), ("surname_initial",)),
    (("surname_initial", "initial_low", "initial_high"), ("initial",)),
)
"""What two records share that share the parts before it, whoever they are."""

PROBABLE: Final[Rules] = (*CERTAIN, ((PERSON, "sector"), ("postcode",)))
"""And that who is in one sector twice has not moved within it."""

FIELDS: Final = {"dob": "date"}
"""The part that is the whole of a column, where it has another name."""

Shown = tuple[pl.Series, tuple[str, ...]]  # a number for each record, and what it tells of


@dataclass(frozen=True)
class Hanging:
    """What hangs on a composite and shows of who shares that whether they share a part.

    Args:
        composite: Its name.
        columns: What hangs on it.
        part: Of which it tells.
    """

    composite: str
    columns: tuple[str, ...]
    part: str


HANGING: Final = (
    *(
        Hanging(anchor, filter_columns(field, anchor), FIELDS.get(field, field))
        for field, anchor in FILTERS
    ),
    *(Hanging(mask, (sex_column(mask),), "sex") for mask in SEX_MASKS),
)


def told_by_each(encoded: pl.DataFrame, persons: Indices) -> list[pl.DataFrame]:
    """What is told by rules that always hold, and by those that mostly do."""
    return [told_replaced(encoded, persons, rules) for rules in (CERTAIN, PROBABLE)]


def told_replaced(encoded: pl.DataFrame, persons: Indices, rules: Rules = CERTAIN) -> pl.DataFrame:
    """Of which composites another of the store is told to have a record's value.

    Args:
        encoded: The columns of the encoding.
        persons: Which records seem to be one person's.
        rules: What two records share that share something.

    Returns:
        A truth for each record and composite.
    """
    same = same_parts(encoded, persons, rules)
    rows = encoded.hstack(same)
    told = {}
    for name, parts in COMPOSITES.items():
        hung = [hanging for hanging in HANGING if hanging.composite == name]
        unlike = [_unlike((token_column(name),), parts)]
        unlike += [_unlike(of.columns, (token_column(name), of.part)) for of in hung]
        told[name] = pl.any_horizontal(unlike)
    return rows.select(**told)


def _unlike(columns: tuple[str, ...], given: tuple[str, ...]) -> pl.Expr:
    """Whether a record has a value that differs from another's with which it shares what is given.

    What is given is null of no record: the parts are numbers of their own where there are none.
    """
    has = pl.all_horizontal(pl.col(name).is_not_null() for name in (*columns, *given))
    differs = [(pl.col(name).min() != pl.col(name).max()).over(given) for name in columns]
    return has & pl.any_horizontal(differs).fill_null(value=False)


def same_parts(encoded: pl.DataFrame, persons: Indices, rules: Rules) -> pl.DataFrame:
    """Which records share which part of an identity, as far as it can be told.

    Args:
        encoded, persons, rules: As for :func:`told_replaced`.

    Returns:
        A column for each part. Records of one number have one value of it, whatever it is.
    """
    shown = _shown(encoded)
    parts = sorted({part for _, of in (*shown, *rules) for part in of})
    same = pl.DataFrame([_merged(shown, part) for part in parts])
    count = -1
    while count != (count := sum(same[part].n_unique() for part in parts)):
        codes = _codes(same.with_columns(pl.Series(PERSON, persons)), [given for given, _ in rules])
        implied = [*zip(codes, (of for _, of in rules), strict=True)]
        each = [(same[part], (part,)) for part in parts]
        same = pl.DataFrame([_merged([*each, *implied], part) for part in parts])
    return same


def _shown(encoded: pl.DataFrame) -> list[Shown]:
    """Values of which two records have one only if they share some parts, and which."""
    columns = [(token_column(of.composite), *of.columns) for of in HANGING]
    values = _codes(encoded, [*((token_column(name),) for name in COMPOSITES), *columns])
    return [*zip(values, [*COMPOSITES.values(), *((of.part,) for of in HANGING)], strict=True)]


def _codes(frame: pl.DataFrame, together: Sequence[tuple[str, ...]]) -> list[pl.Series]:
    """A number for each combination of values, set by set; null where one is missing."""
    codes = (
        pl.when(pl.all_horizontal(pl.col(columns).is_not_null()))
        .then(pl.struct(columns).rank("dense").cast(pl.Int64))
        .alias(str(at))
        for at, columns in enumerate(together)
    )
    return frame.select(codes).get_columns()


def _merged(shown: list[Shown], part: str) -> pl.Series:
    """Who shares a part, straight or through others, as a number for each record."""
    codes = [code.alias(str(at)) for at, (code, of) in enumerate(shown) if part in of]
    rows = pl.DataFrame(codes)
    return pl.Series(part, groups.chained(rows, tuple(rows.columns)))
