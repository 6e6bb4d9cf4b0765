"""Comparisons are symmetric, and relatives are kept apart."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.groups import groups
from linkage.match import link, score
from linkage.model import load_model
from linkage.review import Decisions
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()
FIELDS = {
    "forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String,
    "sex": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
}  # fmt: skip
BORN = dt.date(1984, 11, 3)


def person(forename, surname="HOLLOWAY", dob=BORN, postcode="NR21AB", **ids):
    return {"forename": forename, "surname": surname, "dob": dob, "postcode": postcode, **ids}


def encoded(*people: dict) -> pl.DataFrame:
    rows = [{name: row.get(name) for name in FIELDS} for row in people]
    identity = pl.DataFrame(rows, schema=FIELDS).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), partner=pl.lit("police")
    )
    return encode(identity, KEY_OF)


def together(*people: dict) -> list[set[int]]:
    """The groups that linking makes of some people, as sets of their places from 1."""
    made = link(encoded(*people), MODEL).groups
    return sorted(
        (set(members) for members in made.group_by("group").agg("record_id")["record_id"]), key=min
    )


def test_the_same_person_twice_is_one():
    assert together(person("DERMOT"), person("DERMOT")) == [{1, 2}]


def test_a_slip_of_the_keyboard_is_forgiven():
    assert together(person("DERMOT"), person("DERMTO", dob=BORN)) == [{1, 2}]
    assert together(person("DERMOT"), person("DERMOT", surname="HOLOWAY")) == [{1, 2}]
    assert together(person("DERMOT"), person("DERMOT", dob=dt.date(1984, 11, 8))) == [{1, 2}]


def test_names_in_the_other_order_are_recognised():
    assert together(person("DERMOT"), person("HOLLOWAY", surname="DERMOT")) == [{1, 2}]


def test_day_and_month_exchanged_are_recognised():
    assert together(person("DERMOT"), person("DERMOT", dob=dt.date(1984, 3, 11))) == [{1, 2}]


def test_two_records_meet_by_their_initials_where_one_lacks_the_sex():
    one = person("MARGARET", "HOLLOWAY")
    other = person("MARGARET", "HOLOWEY", postcode="LN65QT", sex=None)
    assert together(one, other) == [{1, 2}]


def test_records_of_initials_only_make_no_pairs_of_the_full_view():
    """By date, initials and sector they would meet every person here, and each other."""
    known = encoded(person("MARGARET", sex="F"), person("MARGERY", sex="F", postcode="LN65QT"))
    names = [column for column in known.columns if column.startswith("f_")]
    clients = known.with_columns(pl.col("record_id") + 2, pl.col(names) * None)
    of_all = pl.concat([known, clients])
    assert link(known, MODEL).compared == 1
    assert link(of_all, MODEL).compared == 1
    one_id = pl.lit(7, pl.Int64).alias("t_local_id")
    assert link(pl.concat([known, clients.with_columns(one_id)]), MODEL).compared == 2


def test_twins_are_kept_apart():
    assert together(person("DERMOT"), person("FINBAR")) == [{1}, {2}]
    found = link(encoded(person("DERMOT"), person("FINBAR")), MODEL)
    assert found.guarded == 1


def test_twins_are_kept_apart_wherever_they_live():
    assert together(person("DERMOT"), person("FINBAR", postcode="LN65QT")) == [{1}, {2}]


def test_a_model_without_the_guard_joins_what_looks_like_twins():
    twins = encoded(person("DERMOT"), person("FINBAR"))
    found = link(twins, MODEL.model_copy(update={"guard": False}))
    assert found.groups["group"].to_list() == [1, 1]
    assert found.guarded == 0


def test_another_forename_of_one_initial_or_a_changed_surname_is_no_twin():
    assert together(person("DERMOT"), person("DONAL")) == [{1, 2}]
    assert together(person("DERMOT"), person("FINBAR", surname="HOLOWAY")) == [{1, 2}]


def test_twins_of_one_initial_are_kept_apart_by_their_ids():
    ours, theirs = ({"nhs_number": number} for number in ("4010232137", "4505577104"))
    assert together(person("JAMES", **ours), person("JACK", **theirs)) == [{1}, {2}]
    assert together(person("DERMOT", **ours), person("DAVID", **theirs)) == [{1}, {2}]
    assert together(person("DERMOT", **ours), person("DERMOT", **theirs)) == [{1, 2}]


@pytest.mark.parametrize(
    ("relative", "unclear"),
    [({"forename": "FINBAR"}, {"forename": None}), ({"dob": dt.date(2006, 2, 27)}, {"dob": None})],
    ids=["twins", "father and son"],
)
def test_relatives_of_other_ids_are_not_joined_by_a_record_that_could_be_either(relative, unclear):
    one = {**person("DERMOT"), "nhs_number": "4010232137"}
    other = {**person("DERMOT"), "nhs_number": "4505577104", **relative}
    either = {**person("DERMOT"), **unclear}
    assert len(together(one, other, either)) == 2
    found = link(encoded(one, other, either), MODEL, decisions=the_same(1, 2))
    assert found.groups["group"].to_list() == [1, 1, 1]


def the_same(*pair: int) -> Decisions:
    decided = pl.DataFrame([pair], schema=["record_id_l", "record_id_r"], orient="row")
    return Decisions(same=decided, different=decided.clear())


def test_an_id_that_agrees_joins_where_nothing_else_can_be_compared():
    ids = {"pnc_id": "2003/0123456L"}
    alias = person("ZOLTAN", "KOVACS", dt.date(1971, 6, 9), "LN65QT")
    assert together(person("DERMOT", **ids), {**alias, **ids}) == [{1, 2}]
    ours, theirs = ({**ids, "nino": nino} for nino in ("ZZ000000A", "ZZ000000B"))
    assert together(person("DERMOT", **ours), {**alias, **theirs}) == [{1}, {2}]
    assert together(person("DERMOT", **ours), person("DERMOT", **theirs)) == [{1, 2}]


def test_a_changed_surname_is_recognised_at_one_address():
    assert together(person("DERMOT"), person("DERMOT", surname="KEANE")) == [{1, 2}]


def test_a_father_and_son_of_one_name_are_kept_apart():
    son = dt.date(2006, 2, 27)
    assert together(person("DERMOT"), person("DERMOT", dob=son)) == [{1}, {2}]


def test_a_strong_id_joins_what_the_guard_would_part():
    ids = {"pnc_id": "2003/0123456L"}
    assert together(person("DERMOT", **ids), person("FINBAR", **ids)) == [{1, 2}]


def test_strangers_are_strangers():
    other = person("ZOLTAN", "KOVACS", dt.date(1971, 6, 9), "LN65QT")
    assert together(person("DERMOT"), other) == [{1}, {2}]


def test_nobody_and_one_person_are_no_trouble():
    assert together(person("DERMOT")) == [{1}]
    assert link(encoded(person("DERMOT")).clear(), MODEL).groups.height == 0


def test_groups_are_connected_components():
    links = pl.DataFrame({"record_id_l": [1, 2, 5], "record_id_r": [2, 3, 6]})
    made = groups(pl.Series([1, 2, 3, 4, 5, 6]), links)
    assert made["group"].to_list() == [1, 1, 1, 4, 5, 5]


names = st.sampled_from(["DERMOT", "DERMTO", "FINBAR", "HOLLOWAY", None])
people = st.fixed_dictionaries(
    {
        "forename": names,
        "surname": names,
        "dob": st.sampled_from([BORN, dt.date(1984, 3, 11), dt.date(1985, 11, 3), None]),
        "postcode": st.sampled_from(["NR21AB", "NR21AC", "E16AN", None]),
        "pnc_id": st.sampled_from(["2003/0123456L", "1979/0163001B", None]),
        "sex": st.sampled_from(["M", "F", "U", None]),
    }
)


# An example scores as many as sixty-six pairs.
@settings(max_examples=settings().max_examples // 10, deadline=None)
@given(st.lists(people, min_size=2, max_size=12))
def test_a_pair_scores_the_same_whichever_record_comes_first(those):
    forwards = score(encoded(*those), MODEL.settings())
    backwards = score(encoded(*reversed(those)), MODEL.settings())
    last = len(those) + 1
    renumbered = backwards.with_columns(
        record_id_l=last - pl.col("record_id_r"), record_id_r=last - pl.col("record_id_l")
    )
    assert forwards.equals(renumbered.sort("record_id_l", "record_id_r"))
