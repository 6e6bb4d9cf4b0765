"""A client known by initials is linked to the one person it fits, or to nobody."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.match import link
from linkage.model import ReducedView, load_model
from linkage.reduced import LEVELS, MOST_ALIKE, attach, clients_and_people, compare, is_reduced
from schemas.encoded import STRONG_IDS
from schemas.errors import ModelError

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
FIELDS = {
    "partner": pl.String, "forename": pl.String, "surname": pl.String, "dob": pl.Date,
    "postcode": pl.String, "sex": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
    "forename_initial": pl.String, "surname_initial": pl.String, "sector": pl.String,
}  # fmt: skip
BORN = dt.date(1984, 11, 3)
VIEW = ReducedView.model_validate(
    {
        "known": 0.7,
        "thresholds": {"link": 2, "lead": 2},
        "comparisons": {
            "initials": {
                "both": {"m": 0.8, "u": 5e-7},
                "exchanged": {"m": 0.01, "u": 5e-7},
                "both, with day and month exchanged": {"m": 0.01, "u": 2e-7},
                "of the forename": {"m": 0.03, "u": 6e-6},
                "neither": {"m": 0.02, "u": 2e-6},
            },
            "sector": {"same": {"m": 0.75, "u": 0.05}, "different": {"m": 0.25, "u": 0.95}},
            "sex": {"same": {"m": 0.99, "u": 0.55}, "different": {"m": 0.01, "u": 0.45}},
        },
    }
)


def named(forename="DERMOT", surname="HOLLOWAY", **other) -> dict:
    person = {"partner": "police", "dob": BORN, "postcode": "NR21AB", "sex": "M"}
    return {**person, "forename": forename, "surname": surname, **other}


def client(initials="DH", local_id="A|1", **other) -> dict:
    person = {"partner": "treatment", "dob": BORN, "sector": "NR21", "sex": "M"}
    first, last = initials
    return {
        **person, "forename_initial": first, "surname_initial": last, "local_id": local_id, **other,
    }  # fmt: skip


def encoded(*records: dict) -> pl.DataFrame:
    rows = [{name: record.get(name) for name in FIELDS} for record in records]
    identity = pl.DataFrame(rows, schema=FIELDS).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    return encode(identity, KEY_OF)


def alone(encodings: pl.DataFrame) -> pl.DataFrame:
    return encodings.select("record_id", group="record_id").sort("record_id")


def links(*records: dict, groups: dict[int, int] | None = None) -> list[tuple[int, int]]:
    """The pairs linked among records numbered from 1, each a group of its own or as given."""
    encodings = encoded(*records)
    grouped = alone(encodings).with_columns(
        group=pl.col("record_id").replace(groups or {}).cast(pl.Int64)
    )
    return attach(encodings, grouped, VIEW).links.select("record_id_l", "record_id_r").rows()


def test_a_client_and_a_person_of_one_name_date_and_sex_are_one():
    assert links(named(), client()) == [(1, 2)]
    assert links(client(), named()) == [(1, 2)]


def test_only_records_without_a_name_are_of_the_reduced_view():
    those = encoded(named(), client(), named(surname=None), client(dob=None))
    assert those.select(is_reduced()).to_series().to_list() == [False, True, False, False]


@pytest.mark.parametrize(
    ("other", "linked"),
    [
        ({"initials": "HD"}, True),  # exchanged
        ({"initials": "DK"}, True),  # a changed surname, in the same sector
        ({"initials": "DK", "sector": "LN65"}, False),
        ({"dob": dt.date(1984, 3, 11)}, True),  # day and month exchanged
        ({"dob": dt.date(1984, 11, 8)}, False),
        ({"sex": "F", "sector": "LN65"}, False),
        ({"sex": "U"}, True),
    ],
)
def test_what_may_differ_and_what_may_not(other, linked):
    assert bool(links(named(), client(**other))) == linked


def test_two_people_who_fit_alike_leave_a_client_alone():
    found = attach(encoded(named(), named("DANIEL"), client()), alone(encoded(*[{}] * 3)), VIEW)
    assert found.links.is_empty()
    assert (found.clients, found.unsure) == (1, 1)


def test_the_sector_tells_two_people_of_the_same_initials_apart():
    assert links(named(), named("DANIEL", postcode="LN65QT"), client()) == [(1, 3)]


def test_two_clients_who_fit_one_person_alike_are_not_guessed_between():
    twins = named(sex="U"), client(sex="M"), client(local_id="A|2", sex="F")
    assert links(*twins) == []
    # Who is neither known to be the one nor the other is alike to none of them.
    assert links(*twins, client(local_id="A|3", sex="U")) == []


def test_a_client_who_fits_better_than_another_is_the_person():
    assert links(named(), client(), client("DK", local_id="A|2", sex="U")) == [(1, 2)]


@pytest.mark.parametrize(
    "other", [{}, {"sex": "U"}, {"initials": "HD"}], ids=["alike", "sex unknown", "exchanged"]
)
def test_clients_of_the_same_initials_and_date_and_of_no_two_sexes_are_one_client(other):
    assert links(named(), client(), client(local_id="A|2", **other)) == [(1, 2), (1, 3)]


def test_clients_of_two_partners_are_no_rivals():
    other = client(sex="U", partner="housing", local_id="7")
    assert links(named(), client(sex="U"), other) == [(1, 2), (1, 3)]


def test_records_without_the_partners_own_id_are_no_rivals():
    arrests = [client(partner="police", local_id=None, sex="U")] * 2
    assert links(named(), *arrests) == [(1, 2), (1, 3)]


def test_what_any_record_of_a_person_says_counts():
    married = named(surname="KEANE", postcode="LN65QT")
    assert links(named(), married, client("DK"), groups={2: 1}) == [(1, 3)]


def test_records_of_one_client_are_one_client():
    moved = client(sector="LN65")
    assert links(named(), moved, client(), groups={3: 2}) == [(1, 2)]


def test_a_strong_id_that_differs_parts_a_client_from_a_person():
    ids = {"nhs_number": "9990000018"}, {"nhs_number": "9990000026"}
    assert links(named(**ids[0]), client(**ids[0])) == [(1, 2)]
    assert links(named(**ids[0]), client(**ids[1])) == []
    found = attach(
        encoded(named(**ids[0]), client(**ids[1])), alone(encoded(named(), client())), VIEW
    )
    assert found.refused == 1


def test_no_two_clients_at_odds_meet_in_one_person():
    ids = {"nhs_number": "9990000018"}, {"nhs_number": "9990000026"}
    other = client(partner="housing", local_id="7", **ids[1])
    assert links(named(), client(**ids[0]), other) == []
    assert links(named(), client(**ids[0]), client(partner="housing", **ids[0])) == [(1, 2), (1, 3)]


def test_clients_who_meet_nobody_are_left_as_they_are():
    assert links(client(), client(local_id="A|2")) == []
    assert attach(encoded(named()), alone(encoded(named())), VIEW).clients == 0
    nobody = encoded(named()).clear()
    assert attach(nobody, alone(nobody), VIEW).groups.height == 0


def test_what_a_crowd_shares_singles_nobody_out():
    crowd = [named(f"D{i:03}", postcode="LN65QT") for i in range(MOST_ALIKE + 1)]
    encodings = encoded(*crowd, client())
    compared = compare(*clients_and_people(encodings, alone(encodings)))
    assert compared.is_empty()


def test_groups_are_joined_and_named_by_their_lowest_record():
    encodings = encoded(client(), named("ANN", "ZELL"), named(), named(), client(local_id="A|2"))
    grouped = alone(encodings).with_columns(group=pl.Series([1, 2, 3, 3, 5]))
    assert attach(encodings, grouped, VIEW).groups["group"].to_list() == [1, 2, 1, 1, 1]


def test_clients_need_a_model_with_a_reduced_view():
    people = encoded(named(), named())
    assert attach(people, alone(people), None).links.is_empty()
    those = encoded(named(), client())
    with pytest.raises(ModelError, match="reduced view"):
        attach(those, alone(those), None)


def test_the_full_view_joins_initials_by_strong_id_alone():
    those = encoded(named("ZOE", "KEANE"), client(), client(dob=None), client(local_id="A|2"))
    found = link(those, load_model().model_copy(update={"reduced": VIEW}))
    # The others share a date of birth, and are not even candidates.
    assert found.pairs.select("record_id_l", "record_id_r", "linked").rows() == [(2, 3, True)]
    assert found.groups["group"].to_list() == [1, 2, 2, 4]


def test_clients_who_come_later_are_linked_as_if_all_had_come_at_once():
    model = load_model().model_copy(update={"reduced": VIEW})
    other = client("DK", local_id="A|2", sector="LN65", sex="U")
    those = encoded(named(), client(), named(surname="KEANE"), other)
    at_once = link(those, model).groups
    assert at_once["group"].to_list() == [1, 1, 1, 4]
    for first in ([1, 2], [2, 4], [1, 3], [4]):
        begun = link(those.filter(pl.col("record_id").is_in(first)), model)
        assert link(those, model, begun.kept).groups.equals(at_once)


def test_every_level_can_be_reached():
    people = encoded(
        named(postcode="LN65QT"), client(), client("HD", sex="F"), client("DK"), client("ZZ"),
        client("ZZ", sector="LN65"), client(dob=dt.date(1984, 3, 11)),
    )  # fmt: skip
    compared = compare(*clients_and_people(people, alone(people)))
    reached = dict(zip(compared["client"], compared.drop("client", "person").rows(), strict=True))
    assert reached == {
        2: (0, 1, 0), 3: (1, 1, 1), 4: (3, 1, 0), 6: (4, None, None), 7: (2, None, None),
    }  # fmt: skip


def test_an_untrained_level_is_refused():
    content = VIEW.model_dump()
    del content["comparisons"]["sex"]["different"]
    with pytest.raises(ValidationError):
        ReducedView.model_validate(content)
    assert {name: len(levels) for name, levels in LEVELS.items()} == {
        name: len(levels) for name, levels in VIEW.weights().items()
    }


names = st.sampled_from(["DERMOT", "DANIEL", "HOLLOWAY", "KEANE"])
dates = st.sampled_from([BORN, dt.date(1984, 3, 11), None])
ids = st.sampled_from(["9990000018", "9990000026", None])
sexes = st.sampled_from(["M", "F", "U"])
someone = st.builds(
    named, names, names, dob=dates, sex=sexes, nhs_number=ids,
    postcode=st.sampled_from(["NR21AB", "LN65QT", None]),
)  # fmt: skip
somebody = st.builds(
    client, st.sampled_from(["DH", "HD", "DK"]), dob=dates, sex=sexes, nhs_number=ids,
    partner=st.sampled_from(["treatment", "housing"]), sector=st.sampled_from(["NR21", None]),
    local_id=st.sampled_from(["A|1", "A|2", None]),
)  # fmt: skip


@settings(max_examples=settings().max_examples // 10, deadline=None)
@given(st.lists(someone | somebody, min_size=2, max_size=10), st.randoms())
def test_the_order_of_records_changes_nothing_and_no_strong_ids_clash(those, random):
    encodings = encoded(*those)
    mixed = encodings.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    found, again = (attach(one, alone(one), VIEW) for one in (encodings, mixed))
    assert found.links.equals(again.links)
    assert found.groups.sort("record_id").equals(again.groups.sort("record_id"))
    nhs = {i: record["nhs_number"] for i, record in enumerate(those, 1)}
    for members in found.groups.group_by("group").agg("record_id")["record_id"]:
        assert len({nhs[i] for i in members} - {None}) <= 1
    # A person is linked to clients, a client to one person.
    people = {i for i, record in enumerate(those, 1) if record.get("forename")}
    pairs = found.links.select("record_id_l", "record_id_r").rows()
    assert all(len({one, other} & people) == 1 for one, other in pairs)
    linked = [({one, other} - people).pop() for one, other in pairs]
    assert len(linked) == len(set(linked))
