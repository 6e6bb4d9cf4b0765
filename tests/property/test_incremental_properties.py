"""Records that arrive in any order and any batches are grouped as one run would group them all."""

import datetime as dt
import functools
import random
from itertools import combinations_with_replacement

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage import blocking, groups, incremental, match, review_queue
from linkage.model import load_model
from linkage.review import Decisions
from schemas.encoded import STRONG_IDS, encoded_schema, token_column

MODEL = load_model()
KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
FIELDS = {
    "forename": ["DERMOT", "DERMTO", "DERMOTT", "FINBAR", "HOLLOWAY", None],
    "surname": ["HOLLOWAY", "HOLLOWAY", "HOLOWAY", "DERMOT", None],
    "dob": [dt.date(1984, 11, 3), dt.date(1984, 11, 3), dt.date(1984, 3, 11), None],
    "postcode": ["NR21AB", "NR21AB", "NR21AC", None],
    "sex": ["M", "M", "F", None],
    "pnc_id": ["2003/0123456L", None, None],
}
DAY = dt.date(1984, 11, 3)
TYPES = dict.fromkeys(["forename", "surname", "postcode", "sex", *STRONG_IDS], pl.String) | {
    "dob": pl.Date
}


def made(people: list[dict]) -> pl.DataFrame:
    """People as encoded records, numbered from 0, in the partner each names."""
    rows = [{name: one.get(name) for name in ("partner", *TYPES)} for one in people]
    frame = pl.DataFrame(rows, schema={"partner": pl.String, **TYPES})
    numbered = frame.with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
    return encode(numbered, KEY_OF).sort("record_id")


def invented(count: int) -> list[dict]:
    """People who are so alike that they chain, marry and crowd each other."""
    chance = random.Random(5)
    return [
        {
            "partner": chance.choice(["police", "housing"]),
            **{name: chance.choice(values) for name, values in FIELDS.items()},
        }
        for _ in range(count)
    ]


VERSIONS = made(invented(16))
"""What a record may say; which record says it is drawn."""
STRONG = [token_column(name) for name in STRONG_IDS]
SAID = pl.concat(
    VERSIONS.with_columns(pl.lit(None, pl.Int64).alias(column) for column in nobodys)
    for nobodys in ([], STRONG, blocking.DATE_EVIDENCE, [*STRONG, *blocking.DATE_EVIDENCE])
).with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
"""The same, and what is left where so many share a strong id or a date that it is nobody's."""


@functools.cache
def weights() -> dict[tuple[int, int], tuple]:
    """The weight of any two versions, one with itself included, by the real engine."""
    twice = pl.concat([SAID, SAID.with_columns(pl.col("record_id") + 100)])
    pairs = [(a, b + 100) for a, b in combinations_with_replacement(range(SAID.height), 2)]
    candidates = pl.DataFrame(pairs, schema=["record_id_l", "record_id_r"], orient="row")
    scored = judged(twice, candidates, MODEL).rows()
    return {(one, other - 100): tuple(said) for one, other, *said in scored}


judged = match.judged


def looked_up(encoded: pl.DataFrame, candidates: pl.DataFrame, *_: object) -> pl.DataFrame:
    """What `judged` would say, from the weights of versions."""
    told = [name for name in encoded_schema() if name != "record_id"]
    version = {row: number for number, row in reversed(list(enumerate(SAID[told].rows())))}
    says = dict(zip(encoded["record_id"], map(version.get, encoded[told].rows()), strict=True))
    rows = [
        (one, other, *found)
        for one, other in candidates.rows()
        if (found := weights().get(tuple(sorted((says[one], says[other])))))
    ]
    return pl.DataFrame(rows, schema=incremental.PAIRS, orient="row")


def state(says: dict[int, int]) -> pl.DataFrame:
    """The encoded records of a moment: each id with the version it says."""
    chosen = pl.DataFrame(
        {"now": list(says), "record_id": list(says.values())},
        schema={"now": pl.Int64, "record_id": pl.Int64},
    )
    found = chosen.join(VERSIONS, on="record_id", how="left").with_columns(record_id="now")
    return found.select(list(encoded_schema())).sort("record_id")


batches = st.lists(
    st.dictionaries(
        st.integers(1, 14), st.none() | st.integers(0, VERSIONS.height - 1), max_size=14
    ),
    min_size=1,
    max_size=4,
)


def arrive(batch_list: list[dict[int, int | None]]) -> None:
    """After every batch, groups and weights are those of a run from nothing, rows in any order."""
    says: dict[int, int] = {}
    kept = None
    for batch in batch_list:
        says |= batch
        says = {record: version for record, version in says.items() if version is not None}
        found = match.link(state(says), MODEL, kept)
        kept = found.kept
        whole = match.link(state(says).reverse(), MODEL)
        assert found.groups.rows() == whole.groups.rows()
        assert found.kept.crowded.equals(whole.kept.crowded)
        assert sorted(found.pairs["match_weight"]) == sorted(whole.pairs["match_weight"])
        again = match.link(state(says), MODEL, kept)
        assert again.compared == 0
        assert again.groups.equals(found.groups)


@pytest.fixture
def tight(monkeypatch):
    """Blocks crowd and groups are large with few records, so that a few show what many do."""
    monkeypatch.setattr(match, "crowded_blocks", functools.partial(blocking.crowded_blocks, most=4))
    monkeypatch.setattr(blocking, "FEWEST_ON_A_DATE", 4)
    monkeypatch.setattr(blocking, "MOST_ON_A_DATE", 0)
    monkeypatch.setattr(blocking, "BUSY", 1)
    monkeypatch.setattr(groups, "LARGE", 3)


KEEP_FIXTURE = [HealthCheck.function_scoped_fixture]


@settings(
    max_examples=settings().max_examples // 4, deadline=None, suppress_health_check=KEEP_FIXTURE
)
@given(batches)
def test_any_order_and_batching_gives_the_groups_of_one_run(tight, monkeypatch, drawn):
    monkeypatch.setattr(match, "judged", looked_up)
    arrive(drawn)


@settings(
    max_examples=max(2, settings().max_examples // 50),
    deadline=None,
    suppress_health_check=KEEP_FIXTURE,
)
@given(batches)
def test_so_it_does_on_the_real_engine(tight, drawn):
    arrive(drawn)


def test_a_block_that_fills_up_and_thins_out_is_judged_anew(tight):
    """Five alike are too many for one block, and four are one person: nothing else changes."""
    full = dict.fromkeys(range(1, 6), 0)
    arrive([full, {5: None}, {5: 0}])
    kept = match.link(state(full), MODEL).kept
    fewer = match.link(state(dict.fromkeys(range(1, 5), 0)), MODEL, kept)
    assert kept.pairs.is_empty()
    assert fewer.groups["group"].to_list() == [1, 1, 1, 1]


def test_an_id_that_becomes_nobodys_and_then_somebodys_is_judged_anew(monkeypatch):
    monkeypatch.setattr(blocking, "MOST_UNDER_ID", 2)
    people = [
        {"partner": "police", "forename": name, "surname": name, "dob": DAY, "pnc_id": "any"}
        for name in ("DERMOT", "FINBAR", "HOLLOWAY")
    ]
    three = made(people)
    two = three.filter(pl.col("record_id") < 2)
    kept, found = None, []
    for now in (two, three, two):
        links = match.link(now, MODEL, kept)
        kept = links.kept
        found.append(links.groups["group"].to_list())
    assert found == [[0, 0], [0, 1, 2], [0, 0]]


@pytest.mark.parametrize("decided", [(1, 2), (2, 3)])
def test_whose_copy_came_first_makes_no_difference_to_what_was_decided(decided):
    one = {"forename": "DERMOT", "surname": "HOLLOWAY", "dob": DAY, "postcode": "NR21AB"}
    numbered = [{"partner": partner, **one} for partner in ("", "police", "housing", "police")]
    whole = made(numbered).filter(pl.col("record_id") > 0)
    pair = pl.DataFrame([decided], schema=["record_id_l", "record_id_r"], orient="row")
    decisions = Decisions(same=pair.clear(), different=pair)
    kept = match.link(whole.filter(pl.col("record_id") > 1), MODEL).kept
    for found in (
        match.link(whole, MODEL, decisions=decisions),
        match.link(whole, MODEL, kept, decisions=decisions),
    ):
        assert found.groups["group"].to_list() == [1, 2, 1]


def test_when_the_first_of_those_alike_goes_another_stands_for_them(tight):
    kept = match.link(state({1: 0, 2: 0, 3: 0}), MODEL).kept
    assert kept.pairs.select("record_id_l", "record_id_r").rows() == [(1, 2), (1, 3)]
    left = match.link(state({2: 0, 3: 0}), MODEL, kept)
    assert left.pairs.select("record_id_l", "record_id_r").rows() == [(2, 3)]
    lower = match.link(state({0: 0, 2: 0, 3: 0}), MODEL, left.kept)
    assert lower.compared == 1
    assert lower.groups["group"].to_list() == [0, 0, 0]


@pytest.mark.parametrize("left_out", range(4))
def test_what_was_decided_of_a_record_that_is_left_out_joins_nobody_else(left_out):
    names = ("DERMOT", "FINBAR", "HOLLOWAY", "ZACHARY")
    whole = made([{"partner": "police", "forename": one, "surname": one} for one in names])
    there = whole.filter(pl.col("record_id") != left_out)
    pairs = pl.DataFrame(
        [sorted((left_out, one)) for one in there["record_id"]],
        schema=["record_id_l", "record_id_r"],
        orient="row",
    )
    for decisions in (
        Decisions(same=pairs, different=pairs.clear()),
        Decisions(same=pairs.clear(), different=pairs),
    ):
        found = match.link(there, MODEL, decisions=decisions).groups
        assert found["group"].to_list() == found["record_id"].to_list()
        asked = review_queue.queue(there, match.link(there, MODEL).pairs, decisions, 0)
        assert asked.is_empty()


def test_a_link_of_a_record_that_is_not_there_makes_no_group():
    for one, other in ((1, 9), (0, 1), (1, 2)):
        link = pl.DataFrame({"record_id_l": [one], "record_id_r": [other]})
        with pytest.raises(ValueError, match="not there"):
            groups.groups(pl.Series([1, 3]), link)
