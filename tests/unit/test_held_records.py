"""Records of a partner without an agreement keep their person and decide nothing."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from linkage.held import beside, without

PERSONS = pl.DataFrame(
    {"record_id": [1, 2, 3, 4, 5, 6], "person_id": ["a", "a", "a", "b", "b", "c"]}
)


def groups(**group_of: int) -> pl.DataFrame:
    records = [int(name.removeprefix("r")) for name in group_of]
    return pl.DataFrame({"record_id": records, "group": list(group_of.values())})


def test_a_held_record_stays_with_those_it_was_one_person_with() -> None:
    found = beside(groups(r1=1, r2=1, r4=4), pl.Series("record_id", [3, 5, 6]), PERSONS)
    assert dict(found.iter_rows()) == {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 6}


def test_where_they_have_parted_it_goes_with_most_of_them() -> None:
    persons = pl.DataFrame({"record_id": [1, 2, 3, 4], "person_id": ["a"] * 4})
    found = beside(groups(r1=1, r2=2, r3=2), pl.Series("record_id", [4]), persons)
    assert dict(found.iter_rows())[4] == 2


def test_those_of_nobody_yet_stay_apart_and_those_held_together_stay_together() -> None:
    found = beside(groups(r1=1), pl.Series("record_id", [4, 5, 9]), PERSONS)
    assert dict(found.iter_rows()) == {1: 1, 4: 4, 5: 4, 9: 9}


@given(st.sets(st.integers(1, 30)), st.dictionaries(st.integers(1, 30), st.integers(1, 5)))
def test_every_record_is_in_one_group_and_no_group_of_others_changes(
    held: set[int], person_of: dict[int, int]
) -> None:
    linked = [one for one in range(1, 31) if one not in held]
    before = pl.DataFrame(
        {"record_id": linked, "group": [one - one % 3 + 31 for one in linked]},
        schema={"record_id": pl.Int64, "group": pl.Int64},
    )
    persons = pl.DataFrame(
        {"record_id": list(person_of), "person_id": [str(one) for one in person_of.values()]},
        schema={"record_id": pl.Int64, "person_id": pl.String},
    )
    found = beside(before, pl.Series("record_id", sorted(held), dtype=pl.Int64), persons)
    assert sorted(found["record_id"]) == list(range(1, 31))
    assert found.join(before, on=["record_id", "group"]).height == before.height


def test_nothing_is_told_of_who_has_held_records_only() -> None:
    history = pl.DataFrame({"person_before": ["a", "c"], "person_after": ["b", None]})
    left = without(pl.Series("record_id", [3, 6]), PERSONS, history)
    assert left["person_before"].to_list() == ["a"]
