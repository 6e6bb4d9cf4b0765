"""Bad extracts cost no more than good ones, are told of, and make no giant groups."""

import datetime as dt
import functools
import random
import string

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage import groups as groups_room
from linkage import match
from linkage.blocking import MOST_UNDER_ID, crowded_blocks
from linkage.doubts import doubts
from linkage.groups import grouped
from linkage.match import Links, link
from linkage.model import load_model
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()
TEXTS = ("partner", "forename", "surname", "postcode", "sex", *STRONG_IDS)
MANY = 2_000
CROWD, LARGE = 50, 20
ONE = {
    "partner": "police", "forename": "DERMOT", "surname": "HOLLOWAY",
    "dob": dt.date(1984, 11, 3), "postcode": "NR21AB", "sex": "M",
}  # fmt: skip
SAME = {**ONE, "partner": "housing"}


def invented(count: int, seed: int = 1, **fixed) -> list[dict]:
    """People of whom no two are alike."""
    chance = random.Random(seed)

    def word() -> str:
        return "".join(chance.choices(string.ascii_uppercase, k=7))

    return [
        {
            "partner": "probation",
            "forename": word(),
            "surname": word(),
            "dob": dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(18_000)),
            "postcode": f"{chance.choice('ABCDEFGH')}{chance.randrange(1, 99)}1{word()[:2]}",
            "sex": chance.choice("MF"),
            **fixed,
        }
        for _ in range(count)
    ]


@pytest.fixture(autouse=True)
def _small_crowds(monkeypatch):
    """Few records crowd a block and fewer are a large group, so that few show what many do."""
    monkeypatch.setattr(groups_room, "LARGE", LARGE)
    monkeypatch.setattr(groups_room, "DENSE", 0.5)
    monkeypatch.setattr(groups_room, "GIANT", LARGE)
    monkeypatch.setattr(match, "crowded_blocks", functools.partial(crowded_blocks, most=CROWD))


def linked(*people: dict) -> tuple[Links, tuple[str, ...]]:
    """What linking makes of some people, and what it says."""
    rows = [{name: one.get(name) for name in (*TEXTS, "dob")} for one in people]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(TEXTS, pl.String) | {"dob": pl.Date})
    numbered = frame.with_columns(record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    encoded = encode(numbered, KEY_OF).sort("record_id")
    links = link(encoded, MODEL)
    return links, doubts(encoded, links.kept.crowded, links.giants)


def largest(links: Links) -> int:
    return links.groups.group_by("group").len()["len"].max()


def test_sound_records_are_nothing_to_speak_of():
    links, said = linked(*invented(300), ONE, SAME)
    assert said == ()
    assert largest(links) == 2


def test_a_partner_that_sends_nothing_is_told_and_linked_with_nobody():
    links, said = linked(*invented(50), *[{"partner": "treatment"}] * 40)
    assert largest(links) == 1
    assert [line.split(" hold")[0] for line in said] == ["40 of 40 record(s) of treatment"]


@pytest.mark.parametrize(
    "shared",
    [
        {"surname": "SMITH"},
        {"dob": dt.date(1900, 1, 1)},
        {"postcode": "NR21AB"},
        {"dob": dt.date(1900, 1, 1), "postcode": "NR21AB"},
        {"surname": "SMITH", "dob": dt.date(1900, 1, 1)},
    ],
    ids=lambda shared: " and ".join(shared),
)
def test_one_giant_block_costs_no_more_than_its_records(shared):
    links, _ = linked(*invented(MANY, **shared), *invented(50, seed=2), ONE, SAME)
    assert links.compared < CROWD * MANY
    assert largest(links) <= LARGE
    apart = dict(links.groups.iter_rows())
    assert apart[MANY + 51] == apart[MANY + 52]


def test_a_block_that_is_left_out_is_told_of():
    placeholder = {"surname": "UNKNOWN", "postcode": "NR21AB"}
    links, said = linked(*invented(MANY, **placeholder), *invented(50, seed=2))
    assert links.kept.crowded.height > 0
    assert said[0].startswith(f"{MANY:,} record(s) of probation have particulars that more than")


def test_thousands_alike_are_no_person_and_take_nobody_with_them():
    links, said = linked(*[ONE] * MANY, SAME, *invented(100))
    assert links.compared < CROWD
    assert largest(links) == 1
    whose = ["1 record(s) of housing", f"{MANY:,} record(s) of police"]
    assert [line.split(" have")[0].split(" hold")[0] for line in said] == whose * 2
    assert f"{MANY:,} could be compared by nothing else" in said[1]


@pytest.mark.parametrize("also", [{}, {"surname": "UNKNOWN"}], ids=str)
def test_a_date_that_a_good_part_has_is_nobodys(also):
    """Of two thousand, hundreds share forename and sex as well as the date."""
    nobodys = {"dob": dt.date(1900, 1, 1), **also}
    crowd = [
        one | {"forename": name}
        for name, seed in (("JOHN", 3), ("MARY", 4), ("OWEN", 5), ("SARAH", 6))
        for one in invented(MANY // 4, seed=seed, **nobodys)
    ]
    links, said = linked(*crowd, *invented(50, seed=2), ONE, SAME)
    assert largest(links) < 10
    assert f"{MANY:,} record(s) of probation hold a date of birth that more than 2%" in " ".join(
        said
    )
    apart = dict(links.groups.iter_rows())
    assert apart[MANY + 51] == apart[MANY + 52]


def test_an_id_that_is_under_many_people_is_nobodys():
    placeholder = {"nhs_number": "4010232137"}
    crowd = invented(2 * MOST_UNDER_ID, **placeholder)
    links, said = linked(*crowd, {**ONE, **placeholder}, {**SAME, **placeholder})
    assert links.groups.group_by("group").len()["len"].sort().to_list() == [1] * len(crowd) + [2]
    assert [line.split(" hold")[0] for line in said] == [
        "1 record(s) of housing", "1 record(s) of police", f"{len(crowd)} record(s) of probation"
    ]  # fmt: skip


def test_an_id_that_is_under_many_people_makes_no_relatives_one():
    placeholder = {"nhs_number": "4010232137"}
    twin = {**SAME, "forename": "FINBAR"}
    links, _ = linked(
        *invented(2 * MOST_UNDER_ID, **placeholder), {**ONE, **placeholder}, {**twin, **placeholder}
    )
    assert largest(links) == 1


def test_one_person_of_several_names_has_an_id():
    aliases = invented(MOST_UNDER_ID, nhs_number="4010232137")
    links, said = linked(*aliases, *invented(20, seed=2))
    assert said == ()
    assert largest(links) == MOST_UNDER_ID


def test_as_many_alike_as_a_person_may_have_make_as_many_pairs():
    links, said = linked(*[ONE] * (CROWD - 1), SAME)
    assert said == ()
    assert links.compared == CROWD - 1
    assert largest(links) == CROWD


def test_records_that_differ_by_a_letter_make_no_giant_group():
    chance = random.Random(3)
    name, chained = list("ABCDEFGH"), []
    for number in range(MANY):
        name[number % 8] = chance.choice(string.ascii_uppercase)
        chained.append({**ONE, "surname": "".join(name)})
    links, said = linked(*chained, *invented(100))
    assert links.compared < CROWD * MANY
    assert largest(links) <= CROWD
    assert said


def chain(length: int, *, reach: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records in a row, each linked to those within reach; weaker at every tenth."""
    firsts = pl.DataFrame({"record_id": range(length), "first": range(length)})
    rows = [
        (one, other, 6.0 - (other % 10 == 0))
        for one in range(length)
        for other in range(one + 1, min(one + reach + 1, length))
    ]
    names = ["record_id_l", "record_id_r", "match_weight"]
    return firsts, pl.DataFrame(rows, schema=names, orient="row")


def test_a_long_chain_is_parted_at_its_weakest_links():
    found = grouped(*chain(4 * LARGE, reach=1))
    assert (found.parted, found.giants) == (1, 1)
    assert set(found.groups["group"]) == set(range(0, 4 * LARGE, 10))


def test_a_chain_of_links_that_are_all_as_strong_is_no_group():
    firsts, links = chain(LARGE + 1, reach=1)
    found = grouped(firsts, links.with_columns(match_weight=pl.lit(6.0)))
    assert found.groups["group"].n_unique() == LARGE + 1


def test_a_small_chain_and_a_large_group_of_one_person_stay_whole():
    small = grouped(*chain(LARGE, reach=1))
    dense = grouped(*chain(2 * LARGE, reach=2 * LARGE))
    for found in (small, dense):
        assert found.parted == 0
        assert found.groups["group"].n_unique() == 1


def test_what_people_decided_is_not_parted():
    firsts, links = chain(2 * LARGE, reach=1)
    found = grouped(firsts, links.with_columns(match_weight=pl.lit(float("inf"))))
    assert found.groups["group"].n_unique() == 1
