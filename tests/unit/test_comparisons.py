"""Which level of a comparison two records reach, seen on the real engine."""

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl
import pytest

from governance.encoding.anchored import COMPOSITES, encode, encoding_keys
from governance.keys import RootKey
from linkage.blocking import BLOCKS
from linkage.comparisons import COMPARISONS
from linkage.match import score
from linkage.model import splink_settings
from schemas.encoded import FILTERS, STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
LEVELS = {c.name: [level.name for level in c.levels] for c in COMPARISONS}
NO_EVIDENCE = "no evidence"
BORN, ANOTHER_DAY = dt.date(1984, 11, 3), dt.date(1984, 6, 27)
HERE, ELSEWHERE = "NR21AB", "LN65QT"
SCHEMA = {
    "forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String,
    "sex": pl.String, "lone": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
}  # fmt: skip
PERSON = {"forename": "DERMOT", "surname": "HOLLOWAY", "dob": BORN, "postcode": HERE, "sex": "M"}


def level(comparison: str, **other: object) -> str:
    """The level that `PERSON` and the same person changed in some fields reach."""
    (reached,) = levels([PERSON, PERSON | other], comparison)
    return reached


def levels(people: list[dict], comparison: str) -> set[str]:
    """The levels that the first of some people reaches with the others."""
    rows = [{name: person.get(name) for name in SCHEMA} for person in people]
    identity = pl.DataFrame(rows, schema=SCHEMA).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), partner=pl.lit("police")
    )
    scored = score(encode(identity, KEY_OF), alone(comparison))
    with_first = scored.filter(record_id_l=1)[f"gamma_{comparison}"]
    names = LEVELS[comparison][::-1]
    return {NO_EVIDENCE if reached < 0 else names[reached] for reached in with_first}


@cache
def alone(comparison: str) -> Any:
    """Settings of one comparison: what the others say is not asked, and is most of a score."""
    settings = splink_settings(None, 1e-4, retain_levels=True)
    return replace(settings, comparisons=[settings.comparisons[list(LEVELS).index(comparison)]])


def test_a_postcode_and_both_initials_show_the_postcode_equal():
    only_those = {"forename": "DONAL", "surname": "HARRIS", "dob": ANOTHER_DAY}
    assert level("postcode", **only_those) == "exact"


def test_a_postcode_with_one_name_shows_both_and_how_far_the_rest_is_apart():
    married = {"surname": "OKAFOR", "dob": BORN.replace(month=2, day=27)}
    assert level("postcode", **married) == level("forename", **married) == "exact"
    assert level("surname", **married) == "different"
    another = {"forename": "FINBAR", "dob": BORN.replace(day=8)}
    assert level("postcode", **another) == level("surname", **another) == "exact"
    assert level("forename", **another) == "different"
    assert level("dob", **another) == "close"


def test_a_sector_with_a_name_and_the_others_initial_shows_both_names():
    near = {"postcode": f"{HERE[:-2]}ZZ", "dob": ANOTHER_DAY.replace(year=1951)}
    assert level("surname", forename="DECLAN", **near) == "exact"
    assert "of one initial" in level("forename", forename="DECLAN", **near)
    assert level("forename", surname="HIBBERT", **near) == "exact"
    assert "of one initial" in level("surname", surname="HIBBERT", **near)
    assert level("postcode", surname="HIBBERT", **near) == "of one sector"
    assert level("dob", surname="HIBBERT", **near) == "different"


def test_every_token_that_does_not_tell_a_name_or_the_date_has_a_filter_of_it():
    filters = set(FILTERS)
    for token in BLOCKS:
        parts = set(COMPOSITES[token])
        tells = {"dob"} if {"date", "date_either"} & parts else set()
        tells |= {"forename", "surname"} & parts
        tells |= {"forename", "surname"} if {"name_low", "name_high"} <= parts else set()
        for field in {"forename", "surname", "dob"} - tells:
            assert (field, token) in filters


def test_a_surname_that_is_not_there_is_no_other_one():
    unknown = {"surname": None, "dob": BORN.replace(month=2, day=27)}
    assert level("surname", **unknown) == NO_EVIDENCE


@pytest.mark.parametrize(
    ("born", "reached"),
    [
        (dt.date(1984, 3, 11), "day and month exchanged"),
        (dt.date(1984, 2, 27), "of one year"),
        (dt.date(1974, 11, 3), "close"),
        (dt.date(1939, 2, 27), "different"),
    ],
)
def test_what_two_dates_have_in_common_is_told_by_composites(born, reached):
    assert level("dob", dob=born) == reached


@pytest.mark.parametrize(("lone", "reached"), [("LONE", "of one year"), (None, "different")])
def test_a_year_counts_beside_names_that_nobody_else_bears(lone, reached):
    other = {"dob": dt.date(1984, 2, 27), "postcode": ELSEWHERE, "lone": lone}
    assert levels([PERSON | {"lone": lone}, PERSON | other], "dob") == {reached}


def test_a_date_exchanged_is_told_by_initials_where_a_name_is_another_too():
    other = {"surname": "HARRIS", "postcode": ELSEWHERE, "sex": None}
    assert level("dob", dob=dt.date(1984, 3, 11), **other) == "day and month exchanged"


def test_names_that_were_exchanged_are_told_where_the_date_agrees():
    exchanged = {"forename": "HOLLOWAY", "surname": "DERMOT"}
    for postcode in (HERE, f"{HERE[:-2]}ZZ", ELSEWHERE):
        other = exchanged | {"postcode": postcode}
        assert level("surname", **other) == "exchanged with the other name"
        assert level("forename", **other) == NO_EVIDENCE


def test_names_within_a_sector_are_equal_where_no_date_shows_their_order():
    neighbour = {"postcode": f"{HERE[:-2]}ZZ", "dob": None}
    reached = [level(name, **neighbour) for name in ("surname", "forename")]
    assert reached == ["exact", "exact"]


def test_names_exchanged_within_a_sector_have_their_dates_compared():
    moved = {"forename": "HOLLOWAY", "surname": "DERMOT", "postcode": f"{HERE[:-2]}ZZ"}
    assert level("dob", dob=dt.date(1985, 12, 4), **moved) == "different"
    assert level("dob", dob=BORN.replace(year=1985), **moved) in {"close", "near"}


@pytest.mark.parametrize(
    "other", [{}, {"surname": "OKAFOR", "forename": "DAVID"}, {"dob": None}, {"sex": None}]
)
def test_a_postcode_of_one_sector_is_told_by_date_or_by_names(other):
    assert level("postcode", postcode=f"{HERE[:-2]}6m", **other) == "of one sector"


def test_a_postcode_that_is_another_one_is_different_where_the_date_agrees():
    assert level("postcode", postcode=ELSEWHERE) == "different"


@pytest.mark.parametrize(
    ("sex", "reached"), [("M", "same"), ("F", "different"), ("U", NO_EVIDENCE), (None, NO_EVIDENCE)]
)
def test_sex_compares_where_the_date_agrees(sex, reached):
    assert level("sex", sex=sex) == reached


@pytest.mark.parametrize("sex", ["M", "F"])
def test_sex_says_nothing_where_the_date_does_not_agree(sex):
    for day in (1, 8, 21):
        assert level("sex", dob=dt.date(1984, 5, day), sex=sex) == NO_EVIDENCE


@pytest.mark.parametrize("name", ["forename", "surname"])
def test_a_name_is_exact_whether_it_is_rare_or_common(name):
    assert level(name) == "exact"


@pytest.mark.parametrize(
    ("forename", "reached"), [("DECLAN", "of one initial"), ("FINBAR", "different")]
)
def test_two_forenames_may_have_one_initial(forename, reached):
    assert level("forename", forename=forename) == reached


@pytest.mark.parametrize(
    ("surname", "reached"),
    [("HIBBERT", "of one initial"), ("HOLDEN", "distant, of one initial"), ("WOOLLEY", "distant")],
)
def test_two_surnames_may_have_one_initial_whatever_the_sex(surname, reached):
    for sex in ("M", "F", None):
        assert level("surname", surname=surname, sex=sex) == reached


def test_names_that_share_no_anchor_say_nothing_however_near_they_come_by_chance():
    stranger = {"forename": "FINBAR", "surname": "KEANE", "postcode": ELSEWHERE}
    days = (dt.date(1950, 1, 1) + dt.timedelta(days=n) for n in range(120))
    strangers = [stranger | {"dob": day} for day in days]
    ids = {"pnc_id": "2003/0123456L"}
    found = levels([PERSON | ids, *({**one, **ids} for one in strangers)], "forename")
    assert found == {NO_EVIDENCE}


AN_ID, ANOTHER = "2003/0123456L", "1979/0163001B"


@pytest.mark.parametrize(
    ("ids", "reached"),
    [
        ({"pnc_id": AN_ID}, "agree"),
        ({"pnc_id": AN_ID, "nino": None}, "agree"),
        ({"pnc_id": AN_ID, "nino": "ZZ000000B"}, "some agree, some differ"),
        ({"pnc_id": AN_ID, "local_id": "B"}, "agree"),
        ({"pnc_id": ANOTHER}, "all that can be compared differ"),
        ({"pnc_id": ANOTHER, "local_id": "A"}, "some agree, some differ"),
        ({"local_id": "B"}, NO_EVIDENCE),
        ({}, NO_EVIDENCE),
    ],
)
def test_strong_ids_agree_differ_or_do_both(ids, reached):
    ours = PERSON | {"pnc_id": AN_ID, "nino": "ZZ000000A", "local_id": "A"}
    assert levels([ours, PERSON | ids], "strong_id") == {reached}
