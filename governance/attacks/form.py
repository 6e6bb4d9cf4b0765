"""An anchored encoding as an attacker knows it: which columns hang on which anchor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from governance.attacks.scenario import own_encoding
from governance.encoding.anchored import COMPOSITES
from governance.encoding.parts import EXCHANGEABLE, PARTS
from schemas.encoded import FILTERS, filter_columns, token_column

GROUPS: Final = {"date": ("date",), "postcode": ("postcode",), "names": ("name_low", "name_high")}
"""Whom to group: who shares a date of birth, a postcode, or both names in either order."""


@dataclass(frozen=True)
class Anchor:
    """What must agree before filters compare.

    Args:
        parts: The parts of an identity that it is made of.
        filters: The word columns of each filter that is salted by it.
        tokens: The columns two records can share only if they share the anchor.
        token: The one of them that is the anchor itself, with which filters are kept; none if
            nothing that is stored shows who shares it.
    """

    parts: tuple[str, ...]
    filters: tuple[tuple[str, ...], ...]
    tokens: tuple[str, ...]
    token: str | None = None

    def present(self) -> pl.Expr:
        """Whether a record has the anchor and any of its filters."""
        return pl.any_horizontal(pl.col(columns[0]).is_not_null() for columns in self.filters)


@dataclass(frozen=True)
class Form:
    """An anchored encoding.

    Args:
        encode: Encodes people under a key that is made for the call and thrown away.
        anchors: Each anchor by its name.
    """

    encode: Callable[[pl.DataFrame], pl.DataFrame]
    anchors: dict[str, Anchor]


def shipped_form() -> Form:
    """The encoding as it is shipped, by what anybody may want to know who shares it.

    No filter hangs on these alone, but all that compares within a group hangs on composites that
    hold them, and so do the tokens that chain a group.
    """
    return Form(own_encoding, {name: _anchor(parts) for name, parts in GROUPS.items()})


def composites() -> list[Anchor]:
    """What filters hang on as the encoding is shipped: composites, each of them a token."""
    names = dict.fromkeys(anchor for _, anchor in FILTERS)
    return [replace(_anchor(COMPOSITES[name], name), token=token_column(name)) for name in names]


def _anchor(parts: tuple[str, ...], exactly: str | None = None) -> Anchor:
    """An anchor of these parts, with the filters under what holds it, or under one composite."""
    holding = [name for name, of in COMPOSITES.items() if set(parts) <= _shown(of)]
    under = holding if exactly is None else [exactly]
    filters = tuple(filter_columns(*pair) for pair in FILTERS if pair[1] in under)
    return Anchor(parts, filters, tuple(map(token_column, holding)))


def _shown(parts: tuple[str, ...]) -> set[str]:
    """What two records share that share these parts: two names in their order, and in any."""
    unordered = (kind for kind, both in EXCHANGEABLE.items() if set(both) <= set(parts))
    return set(parts).union(*([f"{kind}_low", f"{kind}_high"] for kind in unordered))


def anchor_values(people: pl.DataFrame, parts: tuple[str, ...]) -> pl.Series:
    """The anchor of each person in plain, as one number; null where the person lacks a part."""
    texts = people.with_columns(pl.col("dob").dt.strftime("%Y%m%d"))
    columns = [_part(texts, part).alias(str(at)) for at, part in enumerate(parts)]
    joined = pl.concat_str([column.cast(pl.String) for column in columns], separator="|")
    return pl.select(joined).to_series().rank("dense").cast(pl.Int64)


def _part(texts: pl.DataFrame, part: str) -> pl.Series:
    kind, _, end = part.rpartition("_")
    if kind in EXCHANGEABLE:
        both = pl.DataFrame([_part(texts, one) for one in EXCHANGEABLE[kind]])
        known = pl.all_horizontal(pl.all().is_not_null())
        pick = pl.min_horizontal(pl.all()) if end == "low" else pl.max_horizontal(pl.all())
        return both.select(pl.when(known).then(pick)).to_series()
    column, text = PARTS[part].sources[0]
    return texts.select(pl.col(column).alias("value")).select(text).to_series().alias(part)
