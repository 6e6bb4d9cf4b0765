"""The anchored encoding against its page written again (tests/support/encoding_by_hand.py)."""

import datetime as dt
import random

import numpy as np
import polars as pl
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from encoding_by_hand import ByHand
from encoding_by_hand import without_crowds as by_hand_without_crowds
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.encoding import filters
from governance.encoding.anchored import (
    COMPOSITES,
    OF_THE_EXTRACT,
    SENT_INSTEAD,
    encode,
    encoding_keys,
)
from governance.encoding.crowded import (
    CROWDED,
    LONE,
    MANY,
    MOST_UNDATED,
    with_made_up,
    without_crowds,
)
from governance.encoding.filters import majority
from governance.encoding.grams import name_grams
from governance.encoding.prf import tokens, word_macs
from governance.keys import RootKey
from schemas.encoded import (
    BLOCK_TOKENS,
    FILTER_BITS,
    FILTERS,
    REDUCED_TOKENS,
    SEX_MASKS,
    STAND_IN,
    STRONG_IDS,
    delivered_schema,
    encoded_schema,
    filter_columns,
    sex_column,
    token_column,
)

ROOT = RootKey(bytes(range(32)))
KEY_OF = encoding_keys(ROOT, purpose="tests", epoch=1)

letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", min_size=1, max_size=30).filter(str.strip)
identities = st.fixed_dictionaries(
    {
        "forename": st.none() | letters,
        "surname": st.none() | letters,
        "dob": st.none() | st.dates(dt.date(1910, 1, 1), dt.date(2010, 1, 1)),
        "postcode": st.none() | st.sampled_from(["NR11AA", "NR311AB", "E16AN", "EC1A1BB"]),
        "sex": st.sampled_from(["M", "F", "U", None]),
        "nhs_number": st.none() | st.sampled_from(["9990000018", "9990000026"]),
        "forename_initial": st.sampled_from(["M", "Q", None]),
        "surname_initial": st.sampled_from(["S", "M", None]),
        "sector": st.sampled_from(["NR11", None]),
        "lone": st.sampled_from([LONE, "19800201", None]),
    }
)


def frame(people: list[dict]) -> pl.DataFrame:
    schema = {"forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String}
    schema |= {"sex": pl.String}
    schema |= dict.fromkeys((*STRONG_IDS, *SENT_INSTEAD, *OF_THE_EXTRACT), pl.String)
    rows = [{name: person.get(name) for name in schema} for person in people]
    return pl.DataFrame(rows, schema=schema).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64), partner=pl.lit("police")
    )


def person(forename="MARY", surname="SMITH", dob=dt.date(1980, 2, 1), postcode="NR11AA", **ids):
    return {"forename": forename, "surname": surname, "dob": dob, "postcode": postcode, **ids}


def by_hand(values: dict) -> dict:
    return ByHand(bytes(range(32)), "tests", 1).encode(values)


@settings(max_examples=settings().max_examples // 3, deadline=None)
@given(identities)
def test_the_product_agrees_with_the_page_written_again(values):
    row = encode(frame([values]), KEY_OF).row(0, named=True)
    assert {name: row[name] for name in by_hand(values)} == by_hand(values)


@pytest.mark.parametrize("name", ["A", "ANNA", "MARY ANN", "SUBRAMANIAN", "X" * 30])
def test_names_of_every_length_agree_with_the_page(name):
    values = person(forename=name, surname=name)
    row = encode(frame([values]), KEY_OF).row(0, named=True)
    assert {name: row[name] for name in by_hand(values)} == by_hand(values)


def test_every_token_and_filter_is_written_again_and_nothing_else():
    left_out = {"record_id", "partner"}
    assert set(by_hand(person())) == set(encoded_schema()) - left_out


# NIST SP 800-38B, appendix D.3 (AES-256): the examples of 0, 16, 40 and 64 bytes.
NIST_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
NIST_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (16, "28a7023f452e8f82"),
        (40, "aaf3d8f1de5640c2"),
        (64, "e1992190549f6ed5"),
    ],
)
def test_the_bulk_cmac_gives_the_published_values(length, mac):
    message = np.frombuffer(NIST_MESSAGE[:length], dtype="<u8").reshape(1, -1)
    assert word_macs(message, NIST_KEY).tobytes().hex() == mac


@settings(max_examples=settings().max_examples // 3, deadline=None)
@given(st.lists(st.none() | st.text(max_size=70), max_size=8))
def test_tokens_are_the_cmac_of_any_text(texts):
    def wanted(text):
        cmac = CMAC(AES256(NIST_KEY))
        cmac.update(text.encode())
        return int.from_bytes(cmac.finalize()[:8], "little", signed=True)

    given_back = tokens(pl.Series(texts, dtype=pl.String), NIST_KEY).to_list()
    assert given_back == [None if text is None else wanted(text) for text in texts]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_majority_counts_every_bit(grams, seed):
    streams = np.random.default_rng(seed).integers(0, 2**64, (3, grams, 4), dtype=np.uint64)
    bits = np.unpackbits(streams.view(np.uint8), axis=-1).astype(int)
    ones = bits.sum(axis=1)
    wanted = np.where(2 * ones == grams, bits[:, 0], 2 * ones > grams)
    counted = majority(streams.swapaxes(0, 1).copy())
    assert (np.unpackbits(counted.view(np.uint8), axis=-1) == wanted).all()


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(
    st.lists(identities, min_size=1, max_size=12),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
    st.integers(1, 12),
)
def test_order_batching_and_threads_change_nothing(people, shuffle, threads, batch):
    whole = encode(frame(people), KEY_OF)
    rows = list(range(len(people)))
    shuffle.shuffle(rows)
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        again = encode(frame([people[row] for row in some]), KEY_OF, threads=threads)
        own = ("record_id", *STAND_IN)
        assert again.drop(own).equals(whole[some].drop(own))


def test_a_chunk_boundary_changes_nothing(monkeypatch):
    people = frame([person(forename="AB" * n) for n in range(1, 8)] * 3)
    whole = encode(people, KEY_OF)
    monkeypatch.setattr(filters, "CHUNK", 2)
    assert encode(people, KEY_OF).equals(whole)


@settings(max_examples=settings().max_examples // 3, deadline=None)
@given(identities)
def test_what_is_missing_stays_missing_and_what_is_there_is_encoded(values):
    encoded = encode(frame([values]), KEY_OF)
    assert dict(encoded.schema) == delivered_schema()
    row = encoded.row(0, named=True)
    # A field has a filter wherever the composite that is its anchor has a token.
    for field, anchor in FILTERS:
        present = values[field] is not None and row[token_column(anchor)] is not None
        assert all((row[column] is not None) == present for column in filter_columns(field, anchor))
    assert (row["t_date_surname"] is not None) == bool(values["dob"] and values["surname"])
    both = values["forename"] and values["surname"]
    assert (row["t_date_names_either"] is not None) == bool(values["dob"] and both)


def test_names_in_either_order_share_a_token():
    tokens = encode(
        frame([person("JOHN", "DAVID"), person("DAVID", "JOHN"), person("DAVID", "JON")]), KEY_OF
    )["t_date_names_either"]
    assert tokens[0] == tokens[1] != tokens[2]


def distance(encoded: pl.DataFrame, field: str, anchor: str) -> int:
    columns = filter_columns(field, anchor)
    left, right = encoded.select(columns).rows()
    assert None not in (*left, *right)
    return sum((a ^ b if (a ^ b) >= 0 else (a ^ b) + 2**64).bit_count()
               for a, b in zip(left, right, strict=True))  # fmt: skip


def test_distance_follows_the_value_inside_an_anchor_and_is_noise_across_anchors():
    days = [dt.date(1980, 1, day) for day in range(1, 21)]
    others = [("HARRIS", 0), ("HARRYS", 0), ("OCKWELL", 0), ("HARRIS", 400)]
    both = [
        one
        for other, later in others
        for day in days
        for one in (
            person(surname="HARRIS", dob=day),
            person(surname=other, dob=day + dt.timedelta(days=later)),
        )
    ]
    pairs = encode(frame(both), KEY_OF).iter_slices(2)
    apart = np.array([distance(pair, "surname", "date_sector") for pair in pairs])
    same, near, far, elsewhere = apart.reshape(len(others), -1).mean(axis=1) / FILTER_BITS
    assert same == 0
    assert 0.2 < near < 0.4
    assert far > 0.45
    assert 0.45 < elsewhere < 0.55


def test_every_filter_hangs_on_a_token_that_does_not_tell_its_field():
    """So two filters compare only where a token shows it, and can tell something it does not."""
    assert {anchor for _, anchor in FILTERS} <= set(BLOCK_TOKENS + REDUCED_TOKENS)
    tells = {
        "date": {"dob"},
        "date_either": {"dob"},
        "name_low": {"forename", "surname"},
        "postcode": {"postcode"},
    }
    for field, anchor in FILTERS:
        assert not any(field in tells.get(part, {part}) for part in COMPOSITES[anchor]), anchor


@pytest.mark.parametrize("pair", FILTERS, ids="-".join)
def test_a_filter_is_noise_where_its_anchor_differs_and_the_same_where_it_agrees(pair):
    """For each part of the anchor: records that differ in that one, and in what hangs on it."""
    field, anchor = pair
    base = person(sex="F", lone="LONE")
    others = {
        "date": {"dob": dt.date(1981, 3, 5)},
        "year": {"dob": dt.date(1981, 2, 1)},
        "daymonth": {"dob": dt.date(1980, 3, 1)},
        "date_either": {"dob": dt.date(1980, 3, 1)},
        "forename": {"forename": "JOAN"},
        "name_low": {"forename": "JOAN"},
        "surname": {"surname": "JONES"},
        "name_high": {"surname": "JONES"},
        "initial": {"forename": "JOAN"},
        "initial_low": {"forename": "JOAN"},
        "surname_initial": {"surname": "JONES"},
        "initial_high": {"surname": "JONES"},
        "postcode": {"postcode": "NR11AB"},
        "sector": {"postcode": "NR22BB"},
        "home_sector": {"postcode": "NR22BB"},
        "sex": {"sex": "M"},
        "lone": {"lone": "19800201"},
    }
    exchanged = [base | others[part] for part in COMPOSITES[anchor]]
    rows = encode(frame([base, base, *exchanged]), KEY_OF)
    assert distance(rows[[0, 1]], field, anchor) == 0
    token = rows[token_column(anchor)]
    for at in range(2, rows.height):
        assert token[at] != token[0]
        assert distance(rows[[0, at]], field, anchor) > FILTER_BITS / 4


def test_one_value_looks_different_in_every_column_and_under_every_key():
    row = encode(frame([person(forename="SMITH", surname="SMITH")]), KEY_OF).row(0, named=True)
    coded = [v for k, v in row.items() if k.startswith(("t_", "f_")) and v is not None]
    assert len(set(coded)) == len(coded)
    elsewhere = encoding_keys(ROOT, purpose="other", epoch=1)
    other = encode(frame([person(forename="SMITH", surname="SMITH")]), elsewhere).row(0, named=True)
    assert not set(coded) & {v for k, v in other.items() if k.startswith(("t_", "f_"))}


def test_no_bare_field_is_encoded():
    """Only strong ids, which carry no frequency, may stand alone; all else needs two parts."""
    assert all(len(parts) > 1 for parts in COMPOSITES.values())
    assert tuple(COMPOSITES) == BLOCK_TOKENS + REDUCED_TOKENS
    alike = encode(
        frame([person(), person(dob=dt.date(1990, 5, 5), postcode="NR22BB")]), KEY_OF
    ).drop("record_id", "partner")
    same = [c for c in alike.columns if alike[c][0] is not None and alike[c][0] == alike[c][1]]
    assert same == []


def test_grams_of_one_value_are_distinct():
    rng = random.Random(1)
    names = ["".join(rng.choices("AB ", k=rng.randint(1, 24))) for _ in range(200)]
    for row in name_grams(pl.Series(names)):
        present = row[row > 0]
        assert len(set(present.tolist())) == len(present)


@pytest.mark.parametrize("mask", SEX_MASKS)
def test_sex_shows_only_where_what_masks_it_agrees(mask):
    column = sex_column(mask)
    born = [dt.date(1980, 1, 1) + dt.timedelta(days=days) for days in range(400)]
    bits = {
        sex: encode(frame([person(dob=day, sex=sex) for day in born]), KEY_OF)
        for sex in ("F", "M", "U", None)
    }
    women = bits["F"][column]
    assert (women != bits["M"][column]).all()
    assert 120 < women.sum() < 280
    for unknown in ("U", None):
        assert bits[unknown][column].null_count() == len(born)
    # Another key's bit says nothing of ours.
    elsewhere = encode(
        frame([person(dob=day, sex="F") for day in born]),
        encoding_keys(ROOT, purpose="other", epoch=1),
    )[column]
    assert 120 < (women == elsewhere).sum() < 280


def test_people_of_one_date_share_no_mask_of_sex():
    """Else an insider, who knows their sexes, would have a bit of the date of each."""
    people = [person(f"{a}NN", f"{b}ELL", sex="F") for a in "ABCDEFGHIJ" for b in "KLMNOPQRST"]
    encoded = encode(frame(people), KEY_OF)
    for mask, masks in (("date_surname", 10), ("initials_either_date", 100)):
        of_mask = encoded.group_by(token_column(mask)).agg(pl.col(sex_column(mask)).unique())
        assert of_mask.height == masks and of_mask[sex_column(mask)].list.len().max() == 1
        assert encoded[sex_column(mask)].n_unique() == 2


def reduced(values: dict) -> list:
    return encode(frame([values]), KEY_OF).select(map(token_column, REDUCED_TOKENS)).row(0)


def test_initials_and_a_sector_meet_names_and_a_postcode():
    whole = person("MARY ANN", "SMITH", postcode="NR31AB", sex="F")
    sent = {"forename_initial": "M", "surname_initial": "S", "sector": "NR31", "sex": "F"}
    instead = {"dob": whole["dob"], **sent}
    assert reduced(whole) == reduced(instead)
    assert None not in reduced(instead)
    # What is sent in full is what counts.
    assert reduced(whole | {"forename_initial": "Q", "sector": "E16"}) == reduced(whole)


def test_the_reduced_view_forgives_exchanges():
    one = person("MARY", "SMITH", dt.date(1980, 2, 1), sex="F")
    exchanged = person("SAM", "MASON", dt.date(1980, 2, 1), sex="F")
    agree = dict(
        zip(REDUCED_TOKENS, zip(reduced(one), reduced(exchanged), strict=True), strict=True)
    )
    assert agree["initials_either_date"][0] == agree["initials_either_date"][1]
    assert agree["initials_date_sex"][0] != agree["initials_date_sex"][1]
    later = reduced(one | {"dob": dt.date(1980, 1, 2)})
    place = REDUCED_TOKENS.index("initials_date_either")
    assert later[place] == reduced(one)[place]


def test_sex_that_is_not_known_is_a_value_of_its_own():
    """So that an extract without it keeps the composites that have it."""
    with_sex = ["t_date_initial_sex", "t_initials_date_sex"]
    sexes = ["F", "F", "M", "U", None, "X"]
    rows = encode(frame([person(sex=sex) for sex in sexes]), KEY_OF).select(with_sex).rows()
    assert None not in {token for row in rows for token in row}
    assert rows[0] == rows[1]
    assert rows[3] == rows[4] == rows[5]
    for column in range(len(with_sex)):
        assert len({row[column] for row in rows}) == 3
    without = encode(frame([person()]).drop("sex"), KEY_OF).select(with_sex).row(0)
    assert without == rows[4]


def test_names_meet_in_either_order_in_one_sector():
    one, exchanged = person("MARY", "SMITH"), person("SMITH", "MARY", dt.date(1990, 5, 5))
    both = encode(frame([one, exchanged | {"postcode": "NR11ZZ"}]), KEY_OF)
    assert both["t_names_either_sector"].n_unique() == 1
    assert both["t_names_year"].n_unique() == 2
    # And their dates of birth compare.
    assert 0 < distance(both, "dob", "names_either_sector") < 0.47 * FILTER_BITS
    same = encode(frame([one, exchanged | {"dob": one["dob"]}]), KEY_OF)
    assert distance(same, "dob", "names_either_sector") == 0


@pytest.mark.parametrize(
    ("other", "met"),
    [
        ({"forename": "ANN"}, {"t_postcode_surname"}),
        ({"surname": "BELL"}, {"t_postcode_forename"}),
        ({"forename": "MAUD", "postcode": "NR11ZZ"}, {"t_surname_initial_sector"}),
        ({"surname": "SAYER", "postcode": "NR11ZZ"}, {"t_forename_initial_sector"}),
        ({"forename": "ANN", "postcode": "NR11ZZ"}, set()),
        ({"surname": "BELL", "postcode": "NR11ZZ"}, set()),
    ],
    ids=["surname", "forename", "surname, initial", "forename, initial", "no initial", "neither"],
)
def test_one_name_meets_at_a_postcode_and_in_a_sector_beside_the_other_initial(other, met):
    beside = {"t_postcode_surname", "t_postcode_forename"}
    beside |= {"t_surname_initial_sector", "t_forename_initial_sector"}
    one = person()
    rows = encode(frame([one, one | other | {"dob": dt.date(1955, 5, 5)}]), KEY_OF)
    assert {name for name in beside if rows[name].n_unique() == 1} == met


def test_a_sector_that_was_sent_without_a_postcode_is_no_home():
    sent = person(postcode=None, sector="NR11")
    row = encode(frame([sent]), KEY_OF).row(0, named=True)
    assert row["t_date_sector"] is not None
    assert row["t_surname_initial_sector"] is row["t_forename_initial_sector"] is None


def test_nobody_is_encoded_as_nobody():
    assert encode(frame([person()]).clear(), KEY_OF).shape == (0, len(delivered_schema()))
    nothing = encode(frame([{}]), KEY_OF).drop("record_id", "partner", *STAND_IN)
    assert nothing.null_count().row(0) == (1,) * nothing.width


def residents(count: int, postcode: str = "NR11AA") -> list[dict]:
    born = dt.date(1980, 1, 1)
    return [person(dob=born + dt.timedelta(days=day), postcode=postcode) for day in range(count)]


def test_who_lives_at_a_crowded_postcode_has_a_made_up_one_of_the_same_sector():
    few, many = residents(CROWDED, "NR11AA"), residents(CROWDED + 1, "NR31AB")
    told = without_crowds(frame([*few, *many, person(postcode=None)]))
    assert told["postcode"].to_list()[: len(few)] == ["NR11AA"] * len(few)
    made = told["postcode"].to_list()[len(few) : -1]
    assert {place[:-2] for place in made} == {"NR31"} and len(set(made)) > CROWDED // 2
    assert all(place[-2:].lower() == place[-2:] for place in made)  # no real postcode ends so
    assert told["postcode"][-1] is None
    assert told["sector"].to_list() == [None] * len(few) + ["NR31"] * len(many) + [None]


@pytest.mark.parametrize(
    ("others", "people", "made_up"),
    [(MANY - 2, CROWDED + 1, True), (MANY - 1, 24, False), (MANY - 1, 25, True)],
    ids=["few postcodes", "six times the mean", "more than that"],
)
def test_of_many_postcodes_a_crowded_one_stands_out(others, people, made_up):
    """Of four people each: six times the mean is 24, if there are enough to have a mean."""
    four = [
        one | {"forename": f"MARY {at}"}  # who bears whose names is counted for each of them
        for at in range(others)
        for one in residents(4, f"N{at:04}1AA")
    ]
    delivery = [*four, *residents(people, "NR31AB")]
    told = without_crowds(frame(delivery))
    assert (told["postcode"].tail(people) != "NR31AB").to_list() == [made_up] * people
    assert told["postcode"].head(len(four)).to_list() == [one["postcode"] for one in four]
    given = [one | {"dob": str(one["dob"])} for one in delivery]
    assert [row[0] for row in by_hand_without_crowds(given)] == told["postcode"].to_list()


def test_nothing_is_missing_of_who_lives_at_a_crowded_postcode_and_hardly_anything_is_shared():
    """Date of birth with sector is as it was: no whole postcode is needed for it."""
    whole = encode(frame(residents(CROWDED + 1)), KEY_OF)
    made = encode(without_crowds(frame(residents(CROWDED + 1))), KEY_OF)
    lone = ("t_names_lone", *filter_columns("dob", "names_lone"))
    assert made.null_count().drop(lone).equals(whole.null_count().drop(lone))
    assert whole["t_postcode_initials"].n_unique() == 1
    assert made["t_postcode_initials"].n_unique() > CROWDED // 2
    assert made["t_date_sector"].equals(whole["t_date_sector"])


def test_a_made_up_postcode_is_one_persons_whatever_else_is_written_of_the_person():
    same = [person(), person(forename="MARIE"), person(surname="SMYTHE")]
    others = [person(dob=dt.date(1980, 2, 2)), person(forename="ANN"), person(postcode="NR11AB")]
    undated = [person(dob=None), person("MARIE", dob=None)]
    lacking = [person("MARY", None, None), person(None, None, None)]
    rows = frame([*same, *others, *undated, *lacking])
    made = with_made_up(rows, pl.Series(["NR11AA", "NR11AB"]))["postcode"].to_list()
    assert made[0] == made[1] == made[2]
    assert len({*made[2:8]}) == 6
    assert made[8:] == [None, None]
    again = frame([person(forename=None, surname=None, forename_initial="M", surname_initial="S")])
    assert with_made_up(again, pl.Series(["NR11AA"]))["postcode"].to_list() == made[:1]


def test_one_person_makes_no_crowd_and_nobody_lives_nowhere_together():
    often = without_crowds(frame([person()] * 2 * CROWDED))
    assert often["postcode"].null_count() == 0
    nowhere = frame([one | {"sector": "NR31"} for one in residents(2 * CROWDED, None)])
    assert without_crowds(nowhere).drop("lone").equals(nowhere.drop("lone"))


def test_a_crowd_is_one_in_any_order():
    crowd = frame([*residents(CROWDED + 1), *residents(3, "NR22BB")])
    assert without_crowds(crowd.reverse()).equals(without_crowds(crowd).reverse())


def undated(count: int, **names) -> list[dict]:
    return [person(**names, dob=None, postcode=None)] * count


def names_lone(people: list[dict]) -> list[int | None]:
    return encode(without_crowds(frame(people)), KEY_OF)["t_names_lone"].to_list()


def test_lone_names_meet_without_a_date():
    """Two extracts are looked at apart, as two partners send them."""
    dated = [person(), person(postcode="NR22BB")]
    one, again = names_lone(dated)
    assert one == again
    assert names_lone(undated(1)) == [one]
    assert names_lone([*dated, *undated(MOST_UNDATED)]) == [one] * (2 + MOST_UNDATED)
    assert names_lone([person("SMITH", "MARY")]) != [one]


def test_names_that_two_bear_hide_among_those_that_one_bears():
    """A missing token would tell that a name is common, so there is one, and it meets no other."""
    born = (dt.date(1980, 2, 1), dt.date(1980, 2, 1), dt.date(1981, 2, 1))
    tokens = names_lone([person(dob=day) for day in born])
    assert [token == tokens[0] for token in tokens] == [True, True, False]
    assert not set(names_lone(undated(1))) & {*tokens, None}


def test_one_who_comes_often_without_a_date_is_one_still():
    often = [person(dob=None)] * 3 * MOST_UNDATED
    assert set(names_lone(often)) == set(names_lone(undated(1)))


def test_names_that_many_bear_without_a_date_are_not_met_by_them():
    tokens = names_lone([*undated(MOST_UNDATED + 1), person()])
    assert tokens[:-1] == [None] * (MOST_UNDATED + 1)
    assert tokens[-1] not in {None, *names_lone(undated(1))}


def test_who_has_no_names_is_met_by_none():
    assert names_lone([{"forename_initial": "M", "dob": dt.date(1980, 2, 1)}]) == [None]
