"""What is attacked and what the attacker holds, made from people whose truth is known."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import polars as pl

from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.crowded import LONE, with_made_up, without_crowds
from governance.keys import RootKey
from schemas.errors import ConfigError

PERSON: Final = "person"
VALUES: Final = ("forename", "surname", "dob", "postcode")
NAMES: Final = ("forename", "surname")
HOSTEL: Final = 30  # people in the store who share a postcode
BOOK_RIGHT: Final = 0.8  # share of a hostel's residents in its book


@dataclass(frozen=True)
class Scenario:
    """A store and an attacker.

    Args:
        target: The identities in the store, with `person`. Attacks never see it; weak and shipped
            encodings are made from it, and guesses are scored against it.
        known: The attacker's plain list, of the same columns, a row a person. Where the store has
            one record a person it has the same values: no error or move hinders the attacker.
        public: People of nobody's list, who stand for public lists of names.
        overlap: The share of the target's people who are on the attacker's list.
    """

    target: pl.DataFrame
    known: pl.DataFrame
    public: pl.DataFrame
    overlap: float

    def rehearsal(self) -> tuple[pl.DataFrame, pl.Series]:
        """People on whom the attacker tries itself out: half its list among the public.

        Returns:
            As many people as are on the list, and each one's row on the list, null for none.
        """
        half = self.known.height // 2
        mixed = pl.concat([self.known.head(half), self.public.head(self.known.height - half)])
        rows = pl.int_range(mixed.height, dtype=pl.Int64, eager=True)
        return mixed, rows.set(rows >= half, None)


def smaller(scenario: Scenario, most: int) -> Scenario:
    """The same attack on a sample of records, with as large an overlap."""
    if scenario.target.height <= most:
        return scenario
    target = scenario.target.head(most)
    met = scenario.known[PERSON].is_in(target[PERSON].implode())
    others = scenario.known[PERSON].is_in(scenario.target[PERSON].implode())
    listed = scenario.known.filter(met)
    known = pl.concat([listed, scenario.known.filter(~others).head(most - listed.height)])
    return Scenario(
        target, known.sample(fraction=1, shuffle=True, seed=0), scenario.public, scenario.overlap
    )


def make_scenario(
    inside: pl.DataFrame,
    outside: pl.DataFrame,
    public: pl.DataFrame,
    overlap: float,
    seed: int,
    *,
    by_area: bool = False,
) -> Scenario:
    """Choose whom the attacker knows, and fill its list to the size of the target with others.

    Args:
        inside: The target's people: the identity columns of `governance.encoding` and `person`.
        outside: People who are not in the target, at least as many.
        public: People whose names stand for public lists.
        overlap: Share of the target's people the attacker knows, above 0 and at most 1.
        seed: Of the choice.
        by_area: Know everybody in some postcodes and nobody elsewhere, in place of people drawn
            one by one. Families then stay whole, which helps the attacker.

    Raises:
        ConfigError: There are too few people to attack.
    """
    size = inside.height
    if size < 2 or outside.height < size:
        raise ConfigError("There are too few people to attack.", "Attack more records.")
    listed = inside.sample(size, shuffle=True, seed=seed)
    if by_area:
        places = listed.select("postcode").unique(maintain_order=True)
        order = places.sample(fraction=1, shuffle=True, seed=seed).with_row_index("order")
        listed = listed.join(order, on="postcode", nulls_equal=True).sort("order").drop("order")
    listed = listed.head(round(overlap * size))
    known = pl.concat([listed, outside.head(size - listed.height)])
    return Scenario(inside, known.sample(size, shuffle=True, seed=seed + 1), public, overlap)


def make_hostel_scenario(
    inside: pl.DataFrame, outside: pl.DataFrame, public: pl.DataFrame, seed: int
) -> Scenario:
    """Give the attacker the residents' book of every hostel, four in five of it right.

    The others in a book are people of `outside`, who never came to the store. Arguments and what
    is raised are those of :func:`make_scenario`.
    """
    full = pl.len().over("postcode") >= HOSTEL
    residents = inside.filter(pl.col("postcode").is_not_null() & full)
    if residents.is_empty() or outside.height < residents.height:
        raise ConfigError("There are too few people to attack.", "Attack more records.")
    order = residents.sample(fraction=1, shuffle=True, seed=seed)
    right = pl.int_range(pl.len()).over("postcode") < BOOK_RIGHT * pl.len().over("postcode")
    listed, missing = order.filter(right), order.filter(~right)
    strangers = outside.head(missing.height).with_columns(postcode=missing["postcode"])
    book = pl.concat([listed, strangers]).sample(fraction=1, shuffle=True, seed=seed + 1)
    return Scenario(inside, book, public, listed.height / inside.height)


def as_stored(people: pl.DataFrame) -> pl.DataFrame:
    """The identities as the hub encodes them: of a partner's crowded postcodes made-up ones."""
    parts = people.with_row_index("row").partition_by("partner")
    return pl.concat(map(without_crowds, parts)).sort("row").drop("row")


def like_stored(known: pl.DataFrame, target: pl.DataFrame) -> pl.DataFrame:
    """The attacker's list as the hub would have encoded it with the store's records.

    Postcodes that are crowded in the store are so on the list. Names that are one person's alone
    there are so on the list, and all others stand beside their date of birth.

    Args:
        known: The list.
        target: The identities in the store; that the attacker can tell which postcodes are crowded
            and which names are lone is granted.
    """
    stored = as_stored(target)
    crowded = target["postcode"].filter(target["postcode"].ne_missing(stored["postcode"])).unique()
    lone = stored.filter(pl.col("lone") == LONE).select(*NAMES, of_store="lone").unique()
    told = known.join(lone, on=NAMES, how="left", maintain_order="left").with_columns(
        lone=pl.coalesce("of_store", pl.col("dob").dt.strftime("%Y%m%d"))
    )
    return with_made_up(told.drop("of_store"), crowded)


def own_encoding(people: pl.DataFrame) -> pl.DataFrame:
    """The shipped encoding of people under a key that is made here and thrown away."""
    root = RootKey(secrets.token_bytes(32))
    return encode(people, encoding_keys(root, purpose="attack", epoch=1))
