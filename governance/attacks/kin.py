"""Who is whom, told by who has kin.

A composite that two people share is an edge between them, and so is one that they are told to
share. The attacker knows from its list who shares which composite with whom, and looks for those of
whom staging says the same. Unlike a graph of tokens it asks for nothing else: neither who the other
is, nor what the two share besides. What two people of one delivery share is replaced, but of kin
whom two partners know one each nothing shows the hub that they are two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from governance.attacks.bits import Indices
from governance.attacks.form import anchor_values
from governance.attacks.token_graph import colours
from governance.encoding.anchored import COMPOSITES
from schemas.encoded import token_column

NAME: Final = "insider, kin"
BEYOND: Final = 2  # times as likely as by staging, from which on a guess is made
PERSON: Final = "person"


def shared_in_store(encoded: pl.DataFrame, persons: Indices) -> pl.DataFrame:
    """Which composites of each record another person of the store has: a truth for each.

    Args:
        encoded: The columns of the encoding.
        persons: Which records seem to be one person's.
    """
    rows = encoded.with_columns(pl.Series(PERSON, persons))
    several = pl.col(PERSON).n_unique() > 1
    return rows.select(
        (pl.col(token_column(name)).is_not_null() & several.over(token_column(name))).alias(name)
        for name in COMPOSITES
    )


def name_by_each(
    told: Sequence[pl.DataFrame],
    persons: Indices,
    known: pl.DataFrame,
    staging: tuple[pl.DataFrame, pl.DataFrame],
) -> tuple[list[pl.Series], tuple[pl.DataFrame, pl.DataFrame]]:
    """Guess by each of several ways to tell who has kin.

    Args:
        told: For each record and composite whether another of the store is told to have that value,
            in each of these ways.
        persons: Which records seem to be one person's.
        known: The attacker's list, as the hub would have encoded it.
        staging: What is known of each record of the store, and of each person of the list.

    Returns:
        The guesses of :func:`name_by_kin`, and the staging by which they were made: of each record
        what it says of most of that person's.
    """
    shared = shared_on_list(known)
    staged = staged_by_person(staging[0], persons), staging[1]
    return [name_by_kin(each, persons, shared, staged) for each in told], staged


def name_by_kin(
    told: pl.DataFrame,
    persons: Indices,
    shared: pl.DataFrame,
    staging: tuple[pl.DataFrame, pl.DataFrame],
) -> pl.Series:
    """Somebody of the list for each record of which kin tell more than staging.

    Args:
        told: For each record and composite whether another of the store is told to have that value.
        persons: Which records seem to be one person's.
        shared: From :func:`shared_on_list`.
        staging: What is known of each record of the store, and of each person of the list.

    Returns:
        A row of the list for each record, null for no guess: the first of those who share all that
        is told with others of the list, if they are few of whom staging says the same.
    """
    names = told.columns
    of_person = told.select(pl.all().any().over(pl.Series(persons)))
    seen = [colours(frame, frame.columns).alias("seen") for frame in staging]
    store = of_person.with_columns(seen[0]).with_row_index("u").filter(pl.any_horizontal(names))
    listed = shared.select(names).with_columns(seen[1]).with_row_index("a")
    alike = listed.with_columns(alike=pl.len().over("seen"))
    met = store.join(alike, on="seen", suffix="_listed").filter(
        pl.all_horizontal(~pl.col(name) | pl.col(f"{name}_listed") for name in names)
    )
    few = met.filter(BEYOND * pl.len().over("u") <= pl.col("alike")).sort("u", "a")
    guess = few.unique("u", keep="first", maintain_order=True).select("u", "a")
    rows = of_person.with_row_index("u").select("u")
    return rows.join(guess, on="u", how="left", maintain_order="left")["a"]


def shared_on_list(known: pl.DataFrame) -> pl.DataFrame:
    """Which composites each person of the list shares with another of it: a truth for each."""
    values = (anchor_values(known, parts).alias(name) for name, parts in COMPOSITES.items())
    several = (pl.col(name).is_not_null() & (pl.len().over(name) > 1) for name in COMPOSITES)
    return pl.DataFrame(list(values)).select(several)


def staged_by_person(staged: pl.DataFrame, persons: Indices) -> pl.DataFrame:
    """What staging says of most records of each record's person."""
    rows = staged.with_columns(pl.Series(PERSON, persons))
    most = rows.group_by(PERSON).agg(pl.all().drop_nulls().mode().sort().first())
    return rows.select(PERSON).join(most, on=PERSON, maintain_order="left").drop(PERSON)
