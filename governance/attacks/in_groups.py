"""Distances in groups: hostels are found, or given, and people of the list are placed in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from governance.attacks import fit, groups
from governance.attacks.bits import Indices
from governance.attacks.form import Anchor, Form, anchor_values
from governance.attacks.placing import Placement, place_groups
from schemas.encoded import STRONG_IDS, token_column

FEWEST: Final = 8  # members, of a group of the store or of the list
MOST_GROUPS: Final = 40  # of each side, the largest
ONE_PERSON: Final = tuple(map(token_column, (*STRONG_IDS, "date_names_either")))
"""What two records share, as good as never, unless they are one person's."""


def persons(encoded: pl.DataFrame) -> Indices:
    """Which records seem to be one person's, as a number for each record."""
    return groups.chained(encoded, tuple(set(ONE_PERSON) & set(encoded.columns)))


def found(encoded: pl.DataFrame, form: Form) -> dict[str, Indices]:
    """The group of each record by anchor, as far as the attacker can find."""
    return {name: groups.discover(encoded, anchor) for name, anchor in form.anchors.items()}


def given(people: pl.DataFrame, form: Form) -> dict[str, Indices]:
    """The true groups."""
    return {name: _numbers(people, anchor) for name, anchor in form.anchors.items()}


def match(
    encoded: pl.DataFrame, known: pl.DataFrame, form: Form, of_anchor: Mapping[str, Indices]
) -> tuple[pl.Series, pl.Series]:
    """Place the people of the list in the groups of the store, anchor by anchor.

    Args:
        encoded: The store.
        known: The attacker's list.
        form: Of the encoding.
        of_anchor: The group of each record by anchor.

    Returns:
        Rows of the list for each record, null for none: the best there is, and what is sure.
    """
    person = persons(encoded)
    placed: list[Placement] = []
    for name, anchor in form.anchors.items():
        if not anchor.filters:
            continue
        listed = groups.members(_numbers(known, anchor), FEWEST)[:MOST_GROUPS]
        own = fit.list_groups(known, listed, form, anchor)
        present = encoded.select(anchor.present()).to_series().to_numpy()
        rows = [
            _one_each(part[present[part]], person)
            for part in groups.members(of_anchor[name], FEWEST)
        ]
        store = [fit.store_group(encoded, part, anchor) for part in rows if len(part) >= FEWEST]
        if own:
            placed += place_groups(store[:MOST_GROUPS], own, fit.Yardstick(own))
    sure = [placement for placement in placed if placement.sure]
    return _told(placed, person), _told(sure, person)


def _numbers(people: pl.DataFrame, anchor: Anchor) -> Indices:
    """The true anchor of each person as a number; a number of its own for who lacks it."""
    alone = -1 - pl.int_range(people.height, dtype=pl.Int64, eager=True)
    values = anchor_values(people, anchor.parts)
    return values.zip_with(values.is_not_null(), alone).to_numpy()


def _one_each(rows: Indices, person: Indices) -> Indices:
    """One record of each person."""
    return rows[np.unique(person[rows], return_index=True)[1]]


def _told(placed: list[Placement], person: Indices) -> pl.Series:
    """What is said of one record holds for all that seem to be the same person's."""
    guess: dict[int, int] = {}
    for placement in sorted(placed, key=lambda placement: -placement.score):
        for record, listed in zip(placement.store, placement.listed, strict=True):
            guess.setdefault(int(person[record]), int(listed))
    return pl.Series([guess.get(int(number)) for number in person], dtype=pl.Int64)
