"""From links to people: decisions hold through alike records and clients known by initials."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
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
