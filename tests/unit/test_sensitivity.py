"""Linked more or less readily, people hang together more or less; decisions hold throughout."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.match import link
from linkage.model import load_model
from linkage.review import Decisions, no_decisions
from linkage.sensitivity import RANGE, linked_otherwise
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()
LINK_AT = MODEL.thresholds.link
TEXTS = ("forename", "surname", "postcode", "sex", *STRONG_IDS)


def encoded(count: int = 6) -> pl.DataFrame:
    """Records from 1, each of somebody else."""
    forenames = ["DERMOT", "ZOLTAN", "PRIYA", "OLUWASEUN", "CONOR", "FINBAR"][:count]
    identity = pl.DataFrame(
        {
            "record_id": range(1, count + 1),
            "forename": forenames,
            "surname": [f"HOLLOWAY{name[0]}" for name in forenames[:4]] + ["PETTIGREW"] * 2,
            "dob": [dt.date(1970 + at, 3, 4) for at in range(4)] + [dt.date(1984, 11, 3)] * 2,
            "postcode": [f"NR{at}1AB" for at in range(1, 5)] + ["LN65QT"] * 2,
        }
    )
    lacking = [pl.lit(None, pl.String).alias(n) for n in TEXTS if n not in identity.columns]
    return encode(identity.with_columns(*lacking, partner=pl.lit("police")), KEY_OF)


def pairs(*rows: tuple[int, int, float]) -> pl.DataFrame:
    kinds = {"record_id_l": pl.Int64, "record_id_r": pl.Int64, "match_weight": pl.Float64}
    frame = pl.DataFrame([(a, b, LINK_AT + w) for a, b, w in rows], schema=kinds, orient="row")
    return frame.with_columns(guarded=pl.lit(value=False))


def people(made: pl.DataFrame) -> set[frozenset[int]]:
    groups = made.group_by("person_id").agg("record_id")["record_id"]
    return {frozenset(members) for members in groups if len(members) > 1}


FIRSTS = pl.DataFrame({"record_id": range(1, 7), "first": range(1, 7)})


def test_a_looser_threshold_joins_more_and_a_stricter_one_less() -> None:
    found = linked_otherwise(
        encoded(), pairs((1, 2, -2.5), (2, 3, 1.0), (3, 4, 5.0), (1, 4, -4.0)), FIRSTS, MODEL,
        no_decisions(),
    )  # fmt: skip
    assert set(found) == set(RANGE) == {-3.0, 3.0}
    assert people(found[-3.0]) == {frozenset({1, 2, 3, 4})}
    assert people(found[3.0]) == {frozenset({3, 4})}
    assert all(made["record_id"].sort().to_list() == [*range(1, 7)] for made in found.values())


def test_relatives_are_kept_apart_at_every_threshold() -> None:
    guarded = pairs((5, 6, -1.0), (1, 2, 9.0)).with_columns(guarded=pl.lit(value=True))
    found = linked_otherwise(encoded(), guarded, FIRSTS, MODEL, no_decisions())
    assert people(found[-3.0]) == people(found[3.0]) == set()


@pytest.mark.parametrize("offset", RANGE)
def test_decisions_hold_at_every_threshold(offset: float) -> None:
    same = pl.DataFrame({"record_id_l": [1], "record_id_r": [4]})
    different = pl.DataFrame({"record_id_l": [2], "record_id_r": [3]})
    found = linked_otherwise(
        encoded(), pairs((2, 3, 9.0)), FIRSTS, MODEL, Decisions(same, different)
    )
    assert people(found[offset]) == {frozenset({1, 4})}


def test_what_a_run_found_lies_within_the_range() -> None:
    records = encoded()
    links = link(records, MODEL)
    found = linked_otherwise(records, links.pairs, FIRSTS, MODEL, no_decisions())
    count = links.groups["group"].n_unique()
    assert found[-3.0]["person_id"].n_unique() <= count <= found[3.0]["person_id"].n_unique()
