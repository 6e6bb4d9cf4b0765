"""What the hub keeps of values that two people of one delivery share: what says nothing."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
import sharing_by_hand

from flows.cli.attack import made_up_people
from governance.attacks.scenario import as_stored, own_encoding
from governance.attacks.token_graph import TOKENS, missing, token_graph
from governance.encoding import shared
from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.evidence import FAR
from governance.encoding.kept import kept
from governance.encoding.shared import persons, shared_values, without_shared
from governance.encoding.stand_ins import COMPOSITES, HANGING
from governance.keys import RootKey
from governance.pseudonymise import Pseudonymised, unshared
from linkage import comparisons
from schemas.encoded import STAND_IN, STRONG_IDS, encoded_schema, token_column

KEYS = [encoding_keys(RootKey(bytes(range(n, n + 32))), purpose="tests", epoch=1) for n in range(3)]
COLUMNS = {"forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String,
           "sex": pl.String, "forename_initial": pl.String, "surname_initial": pl.String,
           **dict.fromkeys(STRONG_IDS, pl.String)}  # fmt: skip
BORN = dt.date(1980, 2, 11)


def record(forename="THEODORE", surname="OKONKWO", dob=BORN, postcode="NR31AB", sex="M", **ids):
    return {
        "forename": forename,
        "surname": surname,
        "dob": dob,
        "postcode": postcode,
        "sex": sex,
        **ids,
    }


def initials(dob: dt.date) -> dict:
    """A record as an extract without names or postcodes sends it."""
    return {"forename_initial": "L", "surname_initial": "W", "dob": dob}


def encoded(*people: dict, keys=KEYS[0]) -> pl.DataFrame:
    frame = pl.DataFrame(list(people), COLUMNS).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64),
        partner=pl.lit("police"),
        lone=pl.lit(None, pl.String),
    )
    return encode(frame, keys)


def lost(frame: pl.DataFrame) -> set[str]:
    """The columns of which any value is not kept."""
    left = without_shared(frame, shared_values(frame))
    return {name for name in left.columns if not left[name].equals(frame[name])}


TWINS = (record(), record("JACQUELINE", sex="F"))
KIN = (record(), record(dob=dt.date(1951, 12, 30)))  # a father and a son of one name
COUSINS = (
    record("THEODORE", local_id="A1"),
    record("TIMOTHY", dob=dt.date(1951, 12, 30), local_id="A2"),
)


def test_twins_do_not_keep_what_shows_that_they_are():
    gone = lost(encoded(*TWINS))
    assert {
        "t_date_surname",
        "t_date_sector",
        "t_postcode_surname",
        "f_forename_date_surname_0",
        "f_dob_postcode_surname_0",
        "f_postcode_date_sector_1",
    } <= gone
    assert not gone & {"t_date_names_either", "t_names_year", "f_forename_date_initial_sex_0"}


@pytest.mark.parametrize("pair", [KIN, COUSINS], ids=["one name", "one initial"])
def test_kin_at_one_postcode_do_not_keep_it_with_their_initials(pair):
    gone = lost(encoded(*pair))
    assert {"t_postcode_initials", "f_surname_postcode_initials_0"} <= gone
    assert "t_date_surname" not in gone


@pytest.mark.parametrize(
    "other",
    [
        record("TEODORE"),
        record(surname="OKONKWA"),
        record(surname="FITZGERALD"),  # a name that has changed
        record(dob=dt.date(1980, 2, 12)),
        record(dob=None),
        record(postcode="SW1A2AA"),
        record(postcode=None),
    ],
    ids=["forename", "surname", "new surname", "date", "no date", "moved", "no postcode"],
)
def test_one_person_in_two_writings_keeps_everything(other):
    assert lost(encoded(record(), other)) == set()


NEIGHBOURS = ("NR31AB", "NR31EB")
STRANGER = {"dob": dt.date(1951, 12, 30)}


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({"forename": "JACQUELINE", "dob": None}, {"t_postcode_surname"}),
        ({"surname": "FITZGERALD", "dob": None}, {"t_postcode_forename"}),
        ({"forename": "TIMOTHY", "dob": None, "postcode": NEIGHBOURS[1]},
         {"t_surname_initial_sector"}),
        ({"surname": "ORMEROD", "dob": None, "postcode": NEIGHBOURS[1]},
         {"t_forename_initial_sector"}),
        ({"postcode": None, **STRANGER}, set()),  # names alone are met under a year or a day
        ({"postcode": None, "dob": dt.date(1980, 10, 29)}, {"t_names_year"}),
        ({"surname": "OBI", "dob": dt.date(1980, 2, 12)},  # though the dates are like
         {"t_postcode_initials", "t_postcode_forename", "t_forename_initial_sector"}),
    ],
    ids=["forename", "surname", "forename, sector", "surname, sector", "apart", "dates", "slip"],
)  # fmt: skip
def test_without_a_date_in_common_any_name_or_date_that_is_unlike_tells_two_apart(other, gone):
    left = lost(encoded(record(), {**record(), **other}))
    assert {name for name in left if name.startswith("t_")} == gone


@pytest.mark.parametrize(("sex", "two"), [("M", False), (None, False), ("F", True)])
def test_another_sex_tells_two_of_one_date_apart_whose_forenames_are_unlike(sex, two):
    sister = {**record("JACQUELINE"), "sex": sex}
    assert bool(lost(encoded(record(), sister))) == two
    for alike in ("TEODORE", None):  # where it is missing it is not unlike
        assert lost(encoded(record(), record(alike, sex=sex))) == set()


def test_a_filter_is_kept_in_exactly_the_records_that_keep_its_anchor():
    people = made_up_people(400, 3).with_columns(pl.lit("police").alias("partner"))
    frame = own_encoding(as_stored(people))
    left = without_shared(frame, shared_values(frame))
    assert set(HANGING.values()) <= set(COMPOSITES)
    some = 0
    for words, anchor in HANGING.items():
        gone = left[anchor].ne_missing(frame[anchor])
        for word in words:
            filled = frame[word].is_not_null()
            assert left[word].ne_missing(frame[word]).equals(gone & filled, check_names=False)
            some += int((gone & filled).sum())
    assert some > 100


def test_another_id_tells_two_apart_and_the_same_id_puts_them_together():
    sister = record("JACQUELINE")
    assert lost(encoded(record(), sister)) == set()  # of one sex, as far as is known
    assert "t_date_surname" in lost(
        encoded(record(nhs_number="9990000018"), {**sister, "nhs_number": "9990000026"})
    )
    same = {"nhs_number": "9990000018"}
    assert lost(encoded(record(**same), {**TWINS[1], **same})) == set()


def test_two_ids_and_a_life_elsewhere_tell_two_of_one_forename_apart():
    one, other = record(), record(surname="FITZGERALD", postcode="SW1A2AA")
    assert lost(encoded(one, other)) == set()
    ids = ({"pnc_id": "20031A"}, {"pnc_id": "20032B"})
    assert "t_date_initial_sex" in lost(encoded({**one, **ids[0]}, {**other, **ids[1]}))
    home = {**other, "postcode": one["postcode"]}
    assert lost(encoded({**one, **ids[0]}, {**home, **ids[1]})) == set()


@pytest.mark.parametrize(
    ("other", "two"),
    [
        (record(dob=dt.date(1980, 6, 19), postcode="SW1A2AA"), True),
        (record(dob=dt.date(1980, 2, 12)), False),
        (record(dob=dt.date(1980, 2, 12), surname="OKONKWA"), False),
    ],
    ids=["another day elsewhere", "a slip at home", "a slip at home, of another name"],
)
def test_under_two_dates_two_ids_tell_two_apart_but_at_home(other, two):
    assert lost(encoded(record(), other)) == set()
    with_ids = ({**record(), "cro_number": "1/03A"}, {**other, "cro_number": "2/03B"})
    assert bool(lost(encoded(*with_ids))) == two


def test_client_ids_of_two_agencies_tell_nobody_apart():
    one, other = record(local_id="A|1"), record("JACQUELINE", local_id="B|7")
    assert lost(encoded(one, other)) == set()
    same = record("JACQUELINE", sex="F", local_id="A|1")
    assert lost(encoded(one, same)) == set()


def test_who_is_parted_by_ids_says_nothing_of_how_likely_chance_is():
    """Ids part strangers of like forenames too, so of those that they leave fewer are strangers."""
    married = [record("GRACE", name, dt.date(1988, 8, 8), None, "F") for name in ("DOYLE", "HALE")]
    strangers = [
        record(*names[at : at + 2], dt.date(1970 + day, 1 + day, 2), None, "F", pnc_id=f"{day}{at}")
        for day, names in enumerate(STRANGERS)
        for at in (0, 2)
    ]
    told = shared_values(encoded(*married, *strangers)).values["t_date_initial_sex"].to_list()
    assert told == [False] * 2 + [True] * len(strangers)


STRANGERS = (
    ("HELEN", "BRIGGS", "HARRIET", "CROSS"),
    ("STUART", "NOLAN", "SIMON", "FISHER"),
    ("DAVID", "YATES", "DUNCAN", "POOLE"),
    ("BRIDGET", "ALLEN", "BEVERLEY", "QUIGLEY"),
)


@pytest.mark.parametrize(
    ("most", "kept", "at_once"), [(3, True, 100), (4, False, 100), (3, True, 1), (4, False, 2)]
)
def test_who_may_have_married_and_moved_is_two_people_where_most_such_are(
    monkeypatch, most, kept, at_once
):
    """Of a date, an initial and sex; and of initials and an exchanged date, which tell less.

    What most are is told by all pairs, however few are compared in one go.
    """
    monkeypatch.setattr(shared, "PAIRS_AT_ONCE", at_once)
    married = (
        record("GRACE", "DOYLE", dt.date(1988, 8, 8), None, "F"),
        record("GRACE", "PATTERSON", dt.date(1988, 8, 8), None, "F"),
    )
    exchanged = (initials(dt.date(1979, 3, 5)), initials(dt.date(1979, 5, 3)))
    strangers = [
        record(*names[at : at + 2], dt.date(1970 + day, 1 + day, 2), None, "F")
        for day, names in enumerate(STRANGERS[:most])
        for at in (0, 2)
    ]
    frame = encoded(*married, *exchanged, *strangers)
    told = shared_values(frame).values
    assert told["t_date_initial_sex"].to_list() == [not kept] * 2 + [False] * 2 + [True] * 2 * most
    assert told["t_initials_date_either"].to_list()[2:4] == [not kept] * 2


@pytest.mark.parametrize(("postcode", "two"), [("NR31EB", False), ("NR32AB", True)])
def test_only_a_postcode_in_one_sector_is_near(postcode, two):
    one, other = (record(*STRANGERS[0][at : at + 2], sex="F") for at in (0, 2))
    assert ("t_date_initial_sex" in lost(encoded(one, {**other, "postcode": postcode}))) == two


def test_a_home_in_common_keeps_an_exchanged_date_whatever_is_chance():
    home = {"surname": "WEST", "postcode": "NR31AB"}  # and initials of the forenames alone
    exchanged = (initials(dt.date(1979, 3, 5)) | home, initials(dt.date(1979, 5, 3)) | home)
    strangers = [record(*STRANGERS[0][at : at + 2], postcode=None, sex="F") for at in (0, 2)]
    told = shared_values(encoded(*exchanged, *strangers)).values
    assert told["t_date_initial_sex"].to_list() == [False, False, True, True]
    assert not told["t_initials_date_either"].any()


def test_a_few_who_may_be_chance_decide_nothing():
    exchanged = (initials(dt.date(1979, 3, 5)), initials(dt.date(1979, 5, 3)))
    assert lost(encoded(*exchanged)) == set()


def test_names_that_are_unlike_tell_two_of_an_exchanged_date_apart():
    one = record("LEONARD", "WEST", dt.date(1979, 3, 5), None)
    other = one | {"dob": dt.date(1979, 5, 3)}
    strangers = [record(*STRANGERS[0][at : at + 2], postcode=None, sex="F") for at in (0, 2)]
    told = shared_values(encoded(one, other | {"forename": "LEONARDO"}, *strangers)).values
    assert told["t_date_initial_sex"].to_list() == [False, False, True, True]
    assert not told["t_initials_date_either"].any()  # whatever else is chance
    for another in ({"forename": "LUKE"}, {"surname": "WHITTAKER"}):
        assert "t_initials_date_either" in lost(encoded(one, other | another))


def test_who_is_told_by_one_record_is_told_by_all_that_person_has():
    first, second = TWINS
    frame = encoded(first, {**first, "postcode": None}, second)
    assert len(set(persons(frame).tolist())) == 2
    assert shared_values(frame).values["t_date_surname"].to_list() == [True] * 3


def test_strong_ids_are_kept_and_a_value_of_one_person_too():
    ids = {token_column(name) for name in STRONG_IDS}
    assert not ids & {*COMPOSITES, *HANGING.values()}
    assert lost(encoded(*([record()] * 3))) == set()
    assert lost(encoded(record())) == set()
    assert lost(encoded(record()).head(0)) == set()


def test_a_value_of_more_people_than_are_compared_is_not_kept(monkeypatch):
    alike = [record(f"T{letter}", dob=BORN) for letter in ("HEODORE", "IMOTHY", "OBIAS")]
    assert "t_date_surname" not in lost(encoded(*alike))
    monkeypatch.setattr(shared, "MOST_COMPARED", 2)
    assert "t_date_surname" in lost(encoded(*alike))


def test_how_many_pairs_are_compared_in_one_go_makes_no_difference(monkeypatch):
    people = made_up_people(400, 3).with_columns(pl.lit("police").alias("partner"))
    frame = own_encoding(as_stored(people))
    told, whose = shared_values(frame).values, persons(frame)
    slices = []
    told_of = shared._told
    monkeypatch.setattr(shared, "_told", lambda *ends: slices.append(told_of(*ends)) or slices[-1])
    monkeypatch.setattr(shared, "PAIRS_AT_ONCE", 20)
    assert (persons(frame) == whose).all()
    assert len(slices) > 2 and {len(one) for one in slices[:-1]} == {20}
    assert shared_values(frame).values.equals(told)


def test_order_makes_no_difference_and_only_what_is_shared_is_another():
    people = made_up_people(400, 3).with_columns(pl.lit("police").alias("partner"))
    frame = own_encoding(as_stored(people))
    told, mixed = shared_values(frame), frame.sample(fraction=1, shuffle=True, seed=1)
    left = without_shared(frame, told)
    assert without_shared(mixed, shared_values(mixed)).sort("record_id").equals(left)
    assert told.values.sum().sum_horizontal()[0] > 0
    assert left.schema == frame.schema
    for name, truth in zip(told.values.columns, told.values, strict=True):
        assert left[name].ne_missing(frame[name]).equals(truth, check_names=False)
    words = {word for columns in HANGING for word in columns}
    others = [name for name in left.columns if name not in {*told.values.columns, *words}]
    assert left.select(others).equals(frame.select(others))


def test_what_takes_the_place_is_one_persons_and_looks_like_a_value():
    first, second = TWINS
    frame = encoded(first, {**first, "postcode": None}, second)
    left = without_shared(frame, shared_values(frame))
    assert left.null_count().equals(frame.select(left.columns).null_count())
    words = ("f_forename_date_surname_0", "f_forename_date_surname_1")
    for name in ("t_date_surname", *words):
        one, again, other = left[name]
        assert one == again != other
        assert not {one, other} & set(frame[name])
    assert not set(left["t_date_surname"]) & set(left[words[0]])


def test_what_takes_the_place_hangs_on_words_that_are_not_kept():
    frame = encoded(*TWINS)
    left = without_shared(frame, shared_values(frame))
    assert not set(STAND_IN) & set(kept(frame.with_columns(partner=pl.lit("police"))).columns)
    for name in STAND_IN:
        other = frame.with_columns(pl.col(name) + 1)
        again = without_shared(other, shared_values(other))
        assert not set(again["t_date_surname"]) & set(left["t_date_surname"])


def test_the_same_values_are_not_kept_in_every_epoch():
    parts = {epoch: Pseudonymised(encoded(*TWINS, *KIN, keys=KEYS[epoch]), {}) for epoch in (1, 2)}
    left = unshared(parts)
    one, other = (
        left[epoch].encoded.select(
            pl.col(name).ne_missing(parts[epoch].encoded[name]) for name in encoded_schema()
        )
        for epoch in parts
    )
    assert one.equals(other)
    assert one["t_date_surname"].to_list()[:2] == [True, True]


def test_the_hub_keeps_what_the_page_says_it_does():
    """By the implementation from the page alone: families, several records a person, a crowd."""
    people = made_up_people(400, 3)
    again = people.head(120).with_columns(
        postcode=pl.col("postcode").shift(1), surname=pl.col("surname").shift(60)
    )
    crowd = people.tail(70).with_columns(dob=pl.lit(BORN), sex=pl.lit("M"), forename=pl.lit("TOM"))
    frame = pl.concat([people, again, crowd]).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64).hash().reinterpret(signed=True)
    )
    first, second = (encode(as_stored(frame), keys) for keys in KEYS[:2])
    told, rows = shared_values(first), first.to_dicts()
    sharing = sharing_by_hand.having(rows, "t_date_initial_sex")
    assert max(map(len, sharing)) > shared.MOST_COMPARED
    for epoch in (first, second):
        words = [list(row) for row in epoch.select(STAND_IN).rows()]
        by_hand = sharing_by_hand.kept(epoch.to_dicts(), words, rows)
        left = without_shared(epoch, told)
        assert left.to_dicts() == [{name: row[name] for name in left.columns} for row in by_hand]
        assert not left.equals(epoch.select(left.columns))


def test_nothing_is_unlike_that_linkage_holds_to_be_near():
    assert FAR["forename"] == FAR["surname"] >= comparisons.NAME_NEAR
    assert FAR["dob"] >= comparisons.DATE_NEAR
    assert FAR["postcode"] >= comparisons.POSTCODE_CLOSE


def test_most_edges_between_people_are_gone_and_nothing_is_missing_for_it():
    whole = own_encoding(as_stored(made_up_people(2_000, 5)))
    left = kept(whole)
    before, after = (token_graph(frame, TOKENS).edges.height for frame in (whole, left))
    assert after < before / 2
    assert missing(left).equals(missing(whole))
