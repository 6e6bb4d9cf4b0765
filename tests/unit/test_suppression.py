"""Whom a suppression token meets, whom it lets pass, and how it crosses a rotation."""

from __future__ import annotations

from itertools import count

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rights.suppression import TOKEN_SCHEMA, learnt, meet, stands_on, tokens_of
from schemas.marks import GROUNDS, TELLING_APART, marks_schema

NONE = pl.DataFrame(schema=TOKEN_SCHEMA)


def marks(*records: dict[str, int]) -> pl.DataFrame:
    return pl.DataFrame(list(records), schema=marks_schema(), orient="row")


def tokens(*rows: tuple[int, str, int], epoch: int = 1) -> pl.DataFrame:
    """Tokens of lines of one request: line, ground, value; each of them its own value."""
    listed = [
        ("r", line, at, ground, epoch, value) for at, (line, ground, value) in enumerate(rows)
    ]
    return pl.DataFrame(listed, schema=TOKEN_SCHEMA, orient="row")


def withheld(records: pl.DataFrame, kept: pl.DataFrame, epoch: int = 1) -> list[int]:
    return meet({epoch: records}, kept).rows.to_list()


@pytest.mark.parametrize("ground", [one for one in GROUNDS if one != "description"])
def test_a_record_with_the_same_key_or_strong_id_is_withheld(ground: str) -> None:
    records = marks(
        {ground: 5, "description": 1}, {ground: 6, "description": 2}, {"description": 3}
    )
    assert withheld(records, tokens((1, ground, 5))) == [0]


@pytest.mark.parametrize("ground", TELLING_APART)
def test_a_namesake_with_another_strong_id_is_let_pass_and_counted(ground: str) -> None:
    kept = tokens((1, "description", 9), (1, ground, 5), (2, "record", 77))
    records = marks(
        {"description": 9},
        {"description": 9, ground: 5},
        {"description": 9, ground: 6},
        {"description": 8, ground: 6},
    )
    met = meet({1: records}, kept)
    assert met.rows.to_list() == [0, 1] and met.differing == 1
    # A strong id of a kind that nothing is known of says nothing.
    other = next(one for one in TELLING_APART if one != ground)
    assert withheld(marks({"description": 9, other: 6}), kept) == [0]


def test_who_is_withheld_for_an_identifier_alone_is_counted() -> None:
    kept = tokens((1, "nino", 5), (1, "description", 9), (1, "record", 3), (2, "nino", 6))
    records = marks(
        {"nino": 5, "description": 9},
        {"nino": 5, "description": 8},  # alone
        {"nino": 5},
        {"nino": 5, "record": 3, "description": 8},
        {"nino": 6, "description": 8},  # nothing is known of the person's names
    )
    met = meet({1: records}, kept)
    assert (len(met.rows), met.by_id_alone, met.differing) == (5, 1, 0)


def test_a_token_holds_in_its_own_epoch_and_on_its_own_ground_only() -> None:
    kept = tokens((1, "nino", 5))
    assert withheld(marks({"nino": 5}), kept, epoch=2) == []
    assert withheld(marks({"pnc_id": 5, "record": 5, "description": 5}), kept) == []
    assert withheld(marks({"nino": 5}), NONE) == []


def test_a_strong_id_of_another_person_of_the_request_does_not_clear_a_namesake() -> None:
    kept = tokens((1, "description", 9), (2, "nino", 5))
    assert withheld(marks({"description": 9, "nino": 6}), kept) == [0]


drawn = st.dictionaries(st.sampled_from(GROUNDS), st.integers(0, 3), min_size=1)


@given(st.lists(drawn, min_size=1, max_size=8), st.lists(drawn, max_size=4))
def test_who_is_withheld_is_as_the_rule_says_record_by_record(records, people) -> None:
    kept = tokens(*((n, g, v) for n, one in enumerate(people, 1) for g, v in one.items()))

    def is_met(record: dict[str, int]) -> bool:
        for person in people:
            same = {g for g, v in record.items() if person.get(g) == v}
            other = {g for g in TELLING_APART if g in record and g in person and g not in same}
            if same - {"description"} or (same and not other):
                return True
        return False

    assert withheld(marks(*records), kept) == [n for n, one in enumerate(records) if is_met(one)]


@given(st.lists(drawn, min_size=1, max_size=8), st.lists(drawn, max_size=4))
def test_what_is_met_in_two_epochs_is_kept_in_both_and_then_stands_on_neither(
    records, people
) -> None:
    kept = tokens(*((n, g, v) for n, one in enumerate(people, 1) for g, v in one.items()))
    old = marks(*records)
    new = old.select(pl.col(one) * 10 + 1 for one in GROUNDS)
    carried = meet({1: old, 2: new}, kept).carried
    assert set(carried["epoch"]) <= {2}
    was = dict(kept.select("value_id", "token").iter_rows())
    assert all(token == was[of] * 10 + 1 for of, token in carried["value_id", "token"].iter_rows())
    assert set(carried["value_id"]) <= set(kept["value_id"])
    after = pl.concat([kept, carried])
    met_grounds = {(g, v) for one in records for g, v in one.items()}
    left = [row for row in kept.rows() if (row[3], row[5]) not in met_grounds]
    assert sum(stands_on(after, 2).values()) == len(left)
    assert stands_on(after, 1) == {}
    # In the new epoch alone, the same records are withheld, save for what did not cross.
    if not left:
        assert withheld(new, after, epoch=2) == withheld(old, kept)


def test_the_marks_of_who_goes_are_kept_once_in_every_epoch() -> None:
    def of(records: list[dict[str, int]], *, line: int = 1) -> pl.DataFrame:
        return marks(*records).with_columns(
            pl.lit("r").alias("request_id"),
            pl.lit(line, pl.Int32).alias("line"),
            pl.int_range(len(records), dtype=pl.Int64).alias("record_id"),
        )

    ids = count(100)
    asked = tokens((1, "pnc_id", 5))
    old = of([{"record": 1, "pnc_id": 5}, {"record": 2, "pnc_id": 5, "description": 9}])
    new = of([{"record": 11, "pnc_id": 15}, {"record": 12, "pnc_id": 15, "description": 19}])
    made = tokens_of({1: old, 2: new.filter(pl.col("record_id") == 1)}, asked, lambda: next(ids))
    assert set(made.select("ground", "epoch", "token").rows()) == {
        ("record", 1, 1), ("record", 1, 2), ("record", 2, 12), ("description", 1, 9),
        ("description", 2, 19), ("pnc_id", 2, 15),
    }  # fmt: skip
    assert made.filter(ground="pnc_id")["value_id"].to_list() == asked["value_id"].to_list()
    assert stands_on(pl.concat([asked, made]), 2) == {1: 1}


def test_a_request_made_anew_lets_the_tokens_of_the_old_one_cross() -> None:
    old = tokens((1, "nino", 5), (1, "pnc_id", 5), (1, "record", 7))
    again = tokens((1, "nino", 5), (2, "pnc_id", 6)).with_columns(
        pl.lit("s").alias("request_id"), pl.col("value_id") + 50
    )
    crossed = again.with_columns(pl.lit(2, pl.Int32).alias("epoch"), token=pl.col("token") * 10)
    found = learnt(pl.concat([old, again, crossed]))
    assert found.rows() == [("r", 1, 0, "nino", 2, 50)]
    assert learnt(pl.concat([old, again, crossed, found])).is_empty()
