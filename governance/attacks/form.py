"""An anchored encoding as an attacker knows it: which columns hang on which anchor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from governance.attacks.scenario import own_encoding
from governance.encoding.anchored import COMPOSITES
from governance.encoding.parts import EXCHANGEABLE, PARTS
from schemas.encoded import FILTERS, filter_columns, token_column


@dataclass(frozen=True)
class Anchor:
    """What must agree before filters compare.

    Args:
        parts: The parts of an identity that it is made of.
        filters: The word columns of each filter that is salted by it.
        tokens: The columns two records can share only if they share the anchor.
    """

    parts: tuple[str, ...]
    filters: tuple[tuple[str, ...], ...]
    tokens: tuple[str, ...]

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
    """The encoding as it is shipped, as its schema and composites say."""
    anchors = {}
    for name in dict.fromkeys(anchor for _, anchor in FILTERS):
        parts = COMPOSITES[name]
        filters = tuple(filter_columns(*pair) for pair in FILTERS if pair[1] == name)
        showing = [token for token, of in COMPOSITES.items() if set(parts) <= _shown(of)]
        anchors[name] = Anchor(parts, filters, tuple(map(token_column, showing)))
    return Form(own_encoding, anchors)


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
