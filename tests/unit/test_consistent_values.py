"""What two partners keep of one person agrees where the rest of it shows that it must."""

from __future__ import annotations

import datetime as dt
import random

import duckdb
import numpy as np
import polars as pl
import pytest

from flows import stores
from flows.cli.attack import made_up_partnership
from governance.attacks.scenario import as_stored
from governance.encoding.anchored import COMPOSITES, encode, encoding_keys
from governance.encoding.consistent import consistent
from governance.encoding.implied import SHOWS, Records, implied, shown
from governance.encoding.kept import kept_by_delivery
from governance.encoding.parts import EXCHANGEABLE, PARTS, part_tokens
from governance.encoding.prf import distinct
from governance.encoding.shared import shared_values, without_shared
from governance.keys import RootKey
from governance.pseudonymise import Pseudonymised
from linkage import store
from schemas.encoded import FILTERS, SEX_MASKS, STRONG_IDS, encoded_schema, filter_columns
from schemas.encoded import sex_column as sexed
from schemas.encoded import token_column as token

KEY = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
COLUMNS = {"partner": pl.String, "forename": pl.String, "surname": pl.String, "dob": pl.Date,
           "postcode": pl.String, "sex": pl.String, "forename_initial": pl.String,
           "surname_initial": pl.String, "lone": pl.String,
           **dict.fromkeys(STRONG_IDS, pl.String)}  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SON, FATHER = dt.date(1980, 2, 11), dt.date(1951, 12, 30)


def record(partner, forename="THEODORE", dob=SON, surname="OKONKWO", postcode="NR31AB", sex="M"):
    return {"partner": partner, "forename": forename, "surname": surname, "dob": dob,
            "postcode": postcode, "sex": sex}  # fmt: skip


def numbered(*records: dict) -> pl.DataFrame:
    """Records of several partners, encoded."""
    frame = pl.DataFrame(list(records), COLUMNS)
    return encode(frame.with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64)), KEY)


def delivered(*records: dict) -> pl.DataFrame:
    """What each partner's delivery leaves by itself."""
    return kept_by_delivery(numbered(*records))


def unlike(kept: pl.DataFrame) -> pl.DataFrame:
    """How many pairs must share each composite, and how many of them do not."""
    records = Records.of(kept.sort("partner", "record_id"))
    pairs, must = implied(records)
    rows = []
    for (name, values), needed in zip(records.values.items(), must.T, strict=True):
        one, other = values[pairs.one], values[pairs.other]
        asked = needed & (one != 0) & (other != 0)
        rows.append((name, int(asked.sum()), int((asked & (one != other)).sum())))
    return pl.DataFrame(rows, ["composite", "pairs", "unlike"], orient="row")


KIN = (record("police"), record("police", "TIMOTHY", FATHER), record("probation"))


@pytest.fixture(scope="module")
def partners() -> pl.DataFrame:
    """Some hundred people of four partners, as each delivery leaves them."""
    people = made_up_partnership(600, 3)[1]
    people = people.with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
    return kept_by_delivery(encode(as_stored(people), KEY))


@pytest.fixture(scope="module")
def settled(partners) -> pl.DataFrame:
    return consistent(partners)


def test_kin_in_one_partners_records_do_not_show_in_anothers():
    before = delivered(*KIN)
    at_home = before[token("postcode_surname")]
    assert before[token("date_surname")][0] == before[token("date_surname")][2]
    assert before[token("postcode_forename")][0] == before[token("postcode_forename")][2]
    assert at_home.n_unique() == 3  # and so the police are seen to know kin
    son, father, on_probation = consistent(before)[token("postcode_surname")]
    assert son == on_probation != father


def test_what_hangs_on_a_value_goes_with_it():
    after = consistent(delivered(*KIN))
    for pair in FILTERS:
        if pair[1] == "postcode_surname":
            words = after.select(filter_columns(*pair)).rows()
            assert words[0] == words[2] != words[1]


def test_filters_that_were_apart_are_apart_by_as_much_as_another_key_gives():
    drawn, rows = random.Random(1), []
    for at in range(120):
        of = {"surname": "".join(drawn.sample(LETTERS, 8)), "postcode": f"NR{at}1AB"}
        one, other = ("".join(drawn.sample(LETTERS, 6)) for _ in range(2))
        born = SON + dt.timedelta(at)
        kin = record("police", "TIMOTHY", FATHER + dt.timedelta(at), **of)
        rows += [record("police", one, born, **of), kin, record("probation", other, born, **of)]
    before = delivered(*rows)
    after = consistent(before)
    home = after[token("postcode_surname")]
    assert home[::3].equals(home[2::3])
    apart = bits(after, "forename", "postcode_surname") - bits(before, "forename", "date_surname")
    assert abs(apart.mean()) < 2
    assert 3 < apart.std() < 9


def bits(frame: pl.DataFrame, field: str, anchor: str) -> np.ndarray:
    """How far the first of every three rows is from the third."""
    words = frame.select(filter_columns(field, anchor)).to_numpy().view(np.uint64)
    return np.bitwise_count(words[::3] ^ words[2::3]).sum(axis=1).astype(int)


def test_masked_sexes_are_compared_as_before():
    twins = (record("police"), record("police", "JACQUELINE", sex="F"), record("probation"))
    after = consistent(delivered(*twins))
    for mask in SEX_MASKS:
        same = after[token(mask)][0] == after[token(mask)][2]
        assert not same or after[sexed(mask)][0] == after[sexed(mask)][2]
    assert after[token("date_surname")][0] == after[token("date_surname")][2]


def test_hardly_a_value_is_left_that_contradicts(partners, settled):
    before, after = unlike(partners), unlike(settled)
    assert before["unlike"].sum() > 50
    assert after["unlike"].sum() < before["unlike"].sum() / 5


def test_within_a_partner_the_same_records_share_values(partners, settled):
    both = partners.with_columns(settled.select(pl.all().name.suffix("_after")))
    for name in COMPOSITES:
        held = both.select("partner", old=token(name), new=f"{token(name)}_after")
        assert held["old"].is_null().equals(held["new"].is_null(), check_names=False)
        names = held.drop_nulls().unique()
        assert not names.select("partner", "old").is_duplicated().any()
        assert not names.select("partner", "new").is_duplicated().any()


def test_filters_of_one_value_lie_as_far_apart_as_before(partners, settled):
    for pair in FILTERS:
        columns, held = list(filter_columns(*pair)), ["partner", token(pair[1])]
        first = [pl.col(column).first().over(held).alias(f"{column}_first") for column in columns]
        apart = [pl.col(column) ^ pl.col(f"{column}_first") for column in columns]
        before, after = (frame.with_columns(first).select(apart) for frame in (partners, settled))
        assert before.equals(after)


def test_the_order_of_rows_makes_no_difference(partners, settled):
    mixed = partners.sample(fraction=1, shuffle=True, seed=1)
    assert consistent(mixed).sort("record_id").equals(settled.sort("record_id"))


def test_whatever_is_consistent_stays_but_for_a_few_that_more_is_known_of(partners, settled):
    again = consistent(settled)
    changed, left = (
        sum(one[token(name)].ne_missing(other[token(name)]).sum() for name in COMPOSITES)
        for one, other in ((settled, partners), (again, settled))
    )
    assert changed > 50
    assert left < changed / 20


def test_strong_ids_and_lone_names_are_left(partners, settled):
    left = [token(name) for name in (*STRONG_IDS, "names_lone")]
    assert partners.select(left).equals(settled.select(left))
    assert settled.columns == list(encoded_schema())


def test_one_partner_alone_is_left_as_it_is(partners):
    alone = partners.filter(partner="police")
    assert consistent(alone) is alone
    assert consistent(partners.clear()).is_empty()


@pytest.fixture(scope="module")
def parts_of_people() -> pl.DataFrame:
    people = made_up_partnership(400, 5)[1].with_columns(lone=pl.lit(None, pl.String))
    dated = people.with_columns(pl.col("dob").dt.strftime("%Y%m%d"))
    named = {source for part in PARTS.values() for source, _ in part.sources}
    blank = pl.Series([None] * people.height, dtype=pl.String)
    columns = {n: distinct(dated[n] if n in dated.columns else blank) for n in named}
    return part_tokens(columns, KEY)


@pytest.mark.parametrize(("parts", "more"), SHOWS, ids=lambda of: "+".join(sorted(of)))
def test_who_shares_parts_shares_what_they_show(parts_of_people, parts, more):
    held = parts_of_people.select(sorted(parts | more)).drop_nulls(sorted(parts))
    assert held.select(sorted(parts)).is_duplicated().any()
    assert held.unique().select(sorted(parts)).is_unique().all()


def test_every_part_that_is_a_function_of_others_is_known_to_be():
    whole = {"forename", "surname", "date", "postcode", "sex", "lone"}
    assert shown(whole) >= PARTS.keys() | {
        f"{k}_{n}" for k in EXCHANGEABLE for n in ("low", "high")
    }


def test_a_delivery_changes_what_is_stored_of_other_partners():
    frame = numbered(*KIN)
    parts = {str(p): without_shared(f, shared_values(f)) for (p,), f in
             frame.partition_by("partner", as_dict=True).items()}  # fmt: skip
    connection = duckdb.connect(":memory:")
    store.create(connection)
    agreed = type("Agreed", (), {"agreements": {"police": None, "probation": None}})
    coming = {name: {name: Pseudonymised(part, {})} for name, part in parts.items()}
    first = stores._kept_beside(connection, coming["probation"], agreed)["probation"]
    assert first.equals(parts["probation"].select(first.columns))
    store.replace_partner(connection, "probation", first)
    second = stores._kept_beside(connection, coming["police"], agreed)
    assert second.keys() == {"police", "probation"}
    assert not second["probation"].equals(first)
    assert pl.concat(second.values()).sort("record_id").equals(consistent(delivered(*KIN)))


def test_a_partner_without_an_agreement_is_compared_with_none():
    police, probation = numbered(*KIN).partition_by("partner", maintain_order=True)
    connection = duckdb.connect(":memory:")
    store.create(connection)
    store.replace_partner(connection, "probation", probation.select(list(encoded_schema())))
    agreed = type("Agreed", (), {"agreements": {"police": None}})
    coming = stores._kept_beside(connection, {"police": Pseudonymised(police, {})}, agreed)
    assert coming.keys() == {"police"}
    assert coming["police"].equals(police.select(list(encoded_schema())))
