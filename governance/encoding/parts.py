"""The pieces that composites and anchors are made of, each as a secret 64-bit token.

A part's text is worked out and coded once for each distinct value of the column it comes from; a
row then only looks its token up. Part tokens never leave the encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from governance.encoding.prf import Coded, KeyOf, tokens

Each = Callable[[Callable[[str], pl.Series], Iterable[str]], Iterable[pl.Series]]
VALUE: Final = pl.col("value")
YEAR, MONTH, DAY = (VALUE.str.slice(start, length) for start, length in ((0, 4), (4, 2), (6, 2)))


@dataclass(frozen=True)
class Part:
    """One piece of an identity.

    Attributes:
        kind: What it is coded as; two parts of one kind can be exchanged for each other.
        sources: The columns it may come from, with its text in terms of their values (`VALUE`;
            dates as YYYYMMDD). The first that has it gives it.
        unknown: The text of a row that has it from none, which is otherwise without the part.
    """

    kind: str
    sources: tuple[tuple[str, pl.Expr], ...]
    unknown: str | None = None


PARTS: Final = {
    "forename": Part("name", (("forename", VALUE),)),
    "surname": Part("name", (("surname", VALUE),)),
    "initial": Part("initial", (("forename", VALUE.str.head(1)), ("forename_initial", VALUE))),
    "surname_initial": Part(
        "initial", (("surname", VALUE.str.head(1)), ("surname_initial", VALUE))
    ),
    "date": Part("date", (("dob", VALUE),)),
    "year": Part("year", (("dob", YEAR),)),
    "daymonth": Part("daymonth", (("dob", MONTH + DAY),)),
    # Day and month in either order: the lower number first.
    "date_either": Part(
        "date_either",
        (("dob", YEAR + pl.min_horizontal(MONTH, DAY) + pl.max_horizontal(MONTH, DAY)),),
    ),
    "postcode": Part("postcode", (("postcode", VALUE),)),
    "sector": Part("sector", (("postcode", VALUE.str.head(-2)), ("sector", VALUE))),
    # Of a whole postcode only: who sends a sector sends no names.
    "home_sector": Part("sector", (("postcode", VALUE.str.head(-2)),)),
    "lone": Part("lone", (("lone", VALUE),)),
    # Some extracts have no sex, which must not cost their records every composite that has it.
    "sex": Part("sex", (("sex", pl.when(VALUE.is_in(["M", "F"])).then(VALUE)),), unknown="U"),
}


def _pick(lower_or_higher: Callable[..., pl.Expr], one: str, other: str) -> pl.Expr:
    """The lower or the higher of two parts of one kind; null where either is missing."""
    both = pl.col(one).is_not_null() & pl.col(other).is_not_null()
    return pl.when(both).then(lower_or_higher(one, other))


EXCHANGEABLE: Final = {"name": ("forename", "surname"), "initial": ("initial", "surname_initial")}
"""Kind → its two parts, which as ``<kind>_low`` and ``<kind>_high`` are in no order."""

UNORDERED: Final = {
    f"{kind}_{name}": _pick(pick, *both)
    for kind, both in EXCHANGEABLE.items()
    for name, pick in (("low", pl.min_horizontal), ("high", pl.max_horizontal))
}


def part_tokens(columns: Mapping[str, Coded], key_of: KeyOf, each: Each = map) -> pl.DataFrame:
    """The token of every part of every row: null where the row lacks it.

    Args:
        columns: The columns that `PARTS` names as sources: text, ``dob`` as YYYYMMDD.
        key_of: The key of each part of the encoding.
        each: Works out each part, as ``map`` does: perhaps several at a time.
    """

    def tokens_of(name: str) -> pl.Series:
        part = PARTS[name]
        return _part(part, columns, key_of(f"part/{part.kind}")).alias(name)

    return pl.DataFrame(list(each(tokens_of, PARTS))).with_columns(**UNORDERED)


def _part(part: Part, columns: Mapping[str, Coded], key: bytes) -> pl.Series:
    """The tokens of one part of every row."""
    of_sources = [_tokens(columns[source], text, key) for source, text in part.sources]
    unknown = tokens(pl.Series([part.unknown], dtype=pl.String), key)
    return pl.select(pl.coalesce(*of_sources, pl.lit(unknown.item()))).to_series()


def _tokens(column: Coded, text: pl.Expr, key: bytes) -> pl.Series:
    """Tokens of a text made of a column's distinct values, looked up for each row."""
    texts = column.values.to_frame("value").select(text).to_series()
    return tokens(texts, key).gather(column.rows)
