"""From links to people: decisions hold through alike records and clients known by initials."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.consolidate import consolidate
from linkage.groups import groups, numbered
from linkage.match import link
from linkage.model import load_model
from linkage.review import Decisions
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()
FIELDS = {
    "partner": pl.String, "forename": pl.String, "surname": pl.String, "dob": pl.Date,
    "postcode": pl.String, "sex": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
    "forename_initial": pl.String, "surname_initial": pl.String, "sector": pl.String,
}  # fmt: skip
NAMED = {
    "partner": "police", "forename": "DERMOT", "surname": "HOLLOWAY", "sex": "M",
    "dob": dt.date(1984, 11, 3), "postcode": "NR21AB",
}  # fmt: skip
OTHER = {**NAMED, "forename": "ZOLTAN", "surname": "KOVACS", "dob": dt.date(1971, 6, 9)}
CLIENT = {
    "partner": "treatment", "forename_initial": "D", "surname_initial": "H", "sex": "M",
    "dob": dt.date(1984, 11, 3), "sector": "NR21", "local_id": "A|1",
}  # fmt: skip


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    kinds = dict.fromkeys(("record_id_l", "record_id_r"), pl.Int64)
    return pl.DataFrame(rows, schema=kinds, orient="row")


def together(
    *people: dict[str, object],
    same: tuple[tuple[int, int], ...] = (),
    different: tuple[tuple[int, int], ...] = (),
) -> list[set[int]]:
    """The groups of records numbered from 1, under decisions."""
    rows = [{name: row.get(name) for name in FIELDS} for row in people]
    identity = pl.DataFrame(rows, schema=FIELDS).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    decisions = Decisions(pairs(*same), pairs(*different))
    made = link(encode(identity, KEY_OF), MODEL, decisions=decisions)
    return sorted((set(one) for one in made.groups.group_by("group").agg("record_id")["record_id"]),
                  key=min)  # fmt: skip


def test_alike_records_are_parted_by_a_decision() -> None:
    assert together(NAMED, NAMED) == [{1, 2}]
    assert together(NAMED, NAMED, different=((1, 2),)) == [{1}, {2}]


@pytest.mark.parametrize("copy", [2, 3])
def test_a_copy_goes_where_it_was_decided_and_the_others_stay(copy: int) -> None:
    """A copy hangs on the record that stands for it; a decision makes it stand for itself."""
    found = together(NAMED, NAMED, NAMED, OTHER, same=((copy, 4),), different=((1, copy),))
    assert found == [{1, 2, 3} - {copy}, {copy, 4}]


def test_records_found_the_same_share_a_person_though_nothing_links_them() -> None:
    assert together(NAMED, OTHER) == [{1}, {2}]
    assert together(NAMED, OTHER, same=((1, 2),)) == [{1, 2}]


def test_a_client_does_not_join_a_person_from_whom_it_is_different() -> None:
    assert together(NAMED, CLIENT) == [{1, 2}]
    assert together(NAMED, CLIENT, different=((1, 2),)) == [{1}, {2}]
    # Nor through another record of that person, whose own links stay.
    assert together(NAMED, CLIENT, NAMED, different=((2, 3),)) == [{1, 3}, {2}]


def test_a_client_joins_the_person_whom_it_was_found_to_be() -> None:
    assert together(OTHER, CLIENT, same=((1, 2),)) == [{1, 2}]


def well_linked(*records: int) -> list[tuple[int, int, float]]:
    """Every two of some records, each link with a weight of its own."""
    return [(one, other, 3.0 + one + other) for one, other in combinations(records, 2)]


def people_of(links: list[tuple[int, int, float]], *same: tuple[int, int]) -> list[tuple[int, ...]]:
    """The groups that some links make of 12 records, no two of which are alike."""
    rows = [
        {**{name: OTHER.get(name) for name in FIELDS}, "record_id": one + 1} for one in range(12)
    ]
    encoded = encode(pl.DataFrame(rows, schema={**FIELDS, "record_id": pl.Int64}), KEY_OF)
    firsts = encoded.select("record_id", first="record_id")
    kinds = {"record_id_l": pl.Int64, "record_id_r": pl.Int64, "match_weight": pl.Float64}
    given = pl.DataFrame(links, schema=kinds, orient="row")
    made = consolidate(encoded, firsts, given, MODEL, Decisions(pairs(*same), pairs()))
    held = made.groups.sort("record_id").group_by("group", maintain_order=True).agg("record_id")
    return [tuple(one) for one in held["record_id"]]


def test_two_people_found_to_be_one_keep_all_their_records() -> None:
    """One decision joins them by one link, and that does not make them a chain to be parted."""
    one, other = tuple(range(1, 7)), tuple(range(7, 13))
    links = well_linked(*one) + well_linked(*other)
    assert people_of(links) == [one, other]
    assert people_of(links, (1, 7)) == [one + other]
    # Nor where a weak link, that was taken away from a chain, is found to be right.
    assert people_of([*links, (1, 7, 2.5)]) == [one, other]
    assert people_of([*links, (1, 7, 2.5)], (1, 7)) == [one + other]


def test_a_link_found_to_be_right_holds_its_group_together_as_before() -> None:
    few = [(1, 2, 4.5), (1, 3, 5.5), (2, 3, 6.5), (3, 4, 7.5), (4, 5, 8.5), (3, 5, 9.5)]
    assert people_of(few)[0] == (1, 2, 3, 4, 5)
    assert people_of(few, (3, 4))[0] == (1, 2, 3, 4, 5)


def test_a_record_is_told_by_its_place_and_one_that_is_not_there_by_none():
    records = pl.Series([-5, 3, 40])
    assert numbered(pairs((-5, 40), (3, 40)), records).rows() == [(0, 2), (1, 2)]
    with pytest.raises(ValueError, match="not there"):
        numbered(pairs((-5, 4)), records)


@pytest.mark.parametrize("absent", [(0, 3), (-1, 2)])
def test_places_beyond_the_records_are_none_of_them(absent):
    assert groups(pl.Series([0, 1, 2]), pairs((0, 2)))["group"].to_list() == [0, 1, 0]
    with pytest.raises(ValueError, match="not there"):
        groups(pl.Series([0, 1, 2]), pairs(absent))
