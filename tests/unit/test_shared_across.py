"""What a delivery shares with somebody else whom another partner knows is not kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

import duckdb
import polars as pl
import pytest
from made_up_kin import kin

from flows import stores
from flows.cli.attack import made_up_partnership
from governance.attacks.scenario import as_stored, own_encoding
from governance.encoding.across import without_shared_across
from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.kept import kept, kept_by_delivery, settled
from governance.encoding.shared import shared_values, without_shared
from governance.encoding.stand_ins import COMPOSITES, HANGING
from governance.encoding.standing import FINGERPRINTS, RULES, fingerprints, standing
from governance.keys import RootKey
from governance.pseudonymise import Pseudonymised
from linkage import store
from schemas.encoded import STAND_IN, STRONG_IDS, encoded_schema, token_column

KEY = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
COLUMNS = {"partner": pl.String, "forename": pl.String, "surname": pl.String, "dob": pl.Date,
           "postcode": pl.String, "sex": pl.String, "forename_initial": pl.String,
           "surname_initial": pl.String, "lone": pl.String,
           **dict.fromkeys(STRONG_IDS, pl.String)}  # fmt: skip
SON, MOTHER = dt.date(1980, 2, 11), dt.date(1951, 12, 30)
HOME = "t_postcode_surname"
NONE = pl.DataFrame(schema=FINGERPRINTS)


def record(partner="police", forename="THEODORE", dob=SON, surname="OKONKWO", postcode="NR31AB",
           sex="M", **more):  # fmt: skip
    return {"partner": partner, "forename": forename, "surname": surname, "dob": dob,
            "postcode": postcode, "sex": sex, **more}  # fmt: skip


ONE = record()
KIN = record("treatment", "ABENA", MOTHER, sex="F")
NAMESAKE = record("treatment", dob=MOTHER, postcode="IP14ZZ", lone="LONE")


def deliveries(*records: dict) -> dict[str, pl.DataFrame]:
    """What each partner's delivery leaves by itself, with its secret words."""
    frame = pl.DataFrame(list(records), COLUMNS)
    frame = frame.with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
    return {
        str(partner): without_shared(part, shared_values(part))
        for (partner,), part in encode(frame, KEY).partition_by("partner", as_dict=True).items()
    }


def beside(*records: dict) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What police hold, what treatment sends, and what of this is kept beside that."""
    parts = deliveries(*records)
    held = without_shared_across(parts["police"], parts["police"].clear())
    return held, parts["treatment"], without_shared_across(parts["treatment"], held)


def replaced(sent: pl.DataFrame, left: pl.DataFrame) -> set[str]:
    return {name for name in COMPOSITES if not left[name].equals(sent[name])}


def test_kin_of_whom_each_partner_knows_one_share_nothing():
    held, sent, left = beside(ONE, KIN)
    assert sent[HOME].equals(held[HOME])
    assert replaced(sent, left) == {HOME}
    filters = {columns for columns, composite in HANGING.items() if composite == HOME}
    assert {columns for columns in HANGING if not left[columns[0]].equals(sent[columns[0]])} == (
        {columns for columns in filters if sent[columns[0]].item() is not None}
    )
    assert filters
    assert left.null_count().equals(sent.select(left.columns).null_count())
    assert left.schema == encoded_schema()


@pytest.mark.parametrize(
    "other",
    [
        record("treatment", "ABENA"),  # one of two forenames, or a twin: nothing tells
        record("treatment", dob=dt.date(1981, 11, 20)),
        record("treatment", surname="FITZWILLIAM"),
        record("treatment", "ABENA", MOTHER, pnc_id="1998/0000012X"),
    ],
    ids=["a forename", "a date", "a surname", "an id in common"],
)
def test_who_may_be_one_person_keeps_what_is_shared(other):
    _, sent, left = beside(record(pnc_id="1998/0000012X"), other)
    assert replaced(sent, left) == set()


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        (NAMESAKE, {"t_names_lone"}),
        (record("treatment", "ABENA", surname="FITZWILLIAM", postcode="IP14ZZ"), set()),
        (record("treatment", "TABITHA", sex="F"), {"t_date_surname", "t_date_sector", HOME,
                                                   "t_postcode_initials", "t_initials_either_date",
                                                   "t_initials_date_sector",
                                                   "t_initials_date_either",
                                                   "t_surname_initial_sector"}),
        (record("treatment", dob=dt.date(1980, 2, 12), postcode="IP14ZZ", nino="AB123456C"),
         {"t_names_year"}),
    ],
    ids=["a namesake elsewhere", "nothing in common but a date", "twins", "two ids"],
)  # fmt: skip
def test_who_is_shown_to_be_somebody_else_does_not(other, gone):
    _, sent, left = beside(record(lone="LONE", nino="AB123457C"), other)
    assert replaced(sent, left) == gone


def test_records_of_one_person_still_agree_with_each_other():
    _, sent, left = beside(ONE, KIN, KIN | {"forename_initial": "A"}, KIN | {"sex": None})
    assert sent.height == 3
    assert left[HOME].n_unique() == 1
    assert not set(left[HOME]) & set(sent[HOME])


def test_what_takes_the_place_hangs_on_secret_words():
    held, sent, left = beside(ONE, KIN)
    for name in STAND_IN:
        again = without_shared_across(sent.with_columns(pl.col(name) + 1), held)
        assert again[HOME].item() not in (left[HOME].item(), sent[HOME].item())


def test_the_same_delivery_leaves_the_same():
    held, sent, _ = beside(ONE, KIN, NAMESAKE)
    now = settled({"treatment": sent}, {"police": held}, NONE)
    again = settled({"treatment": sent}, now, NONE)
    assert again["treatment"].equals(now["treatment"])
    assert again["police"].equals(now["police"])
    assert now["police"].equals(held)


def test_what_is_delivered_as_before_stays_in_whatever_order():
    """Judged anew with every delivery, partners would go on changing each other's."""
    people = made_up_partnership(600, 3)[1]
    numbered = people.with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
    whole = encode(as_stored(numbered), KEY)
    parts = {
        str(partner): without_shared(part, shared_values(part))
        for (partner,), part in whole.partition_by("partner", as_dict=True).items()
    }
    now = settled(parts, {}, NONE)
    before = pl.concat(map(fingerprints, parts.values()))
    for partner in ("police", "housing", "treatment", "probation", "police"):
        mixed = parts[partner].sample(fraction=1, shuffle=True, seed=1)
        after = settled({partner: mixed}, now, before)
        for name, frame in now.items():
            assert after[name].sort("record_id").equals(frame.sort("record_id"))
    anew = settled({"police": parts["police"]}, now, NONE)
    assert not anew["police"].equals(now["police"])


def test_who_has_anything_new_is_judged_anew_with_all_that_the_partner_knows_of_him():
    parts = deliveries(ONE, KIN, KIN | {"forename_initial": "A"}, NAMESAKE)
    police, sent = parts["police"], parts["treatment"]
    before = fingerprints(sent)
    alone = settled({"treatment": sent}, {}, NONE)["treatment"]
    held = {"police": settled({"police": police}, {}, NONE)["police"], "treatment": alone}
    same = settled({"treatment": sent}, held, before)["treatment"]
    assert same.equals(alone)
    changed = sent.with_columns(
        t_nino=pl.when(pl.col("record_id") == 2).then(1).otherwise(pl.col("t_nino"))
    )
    now = settled({"treatment": changed}, held, before)["treatment"]
    assert (now[HOME] == alone[HOME]).to_list() == [False, False, True]


@pytest.mark.parametrize("column", ["t_date_surname", "sex_date_surname", *STAND_IN])
def test_a_fingerprint_tells_every_change_and_nothing_else(column):
    (sent,) = deliveries(ONE, ONE | {"surname": "FITZWILLIAM"}).values()
    before = fingerprints(sent)
    assert fingerprints(sent[::-1])[::-1].equals(before)
    other = sent.with_columns(pl.col(column) ^ 1)
    gone = sent.with_columns(pl.lit(None, sent.schema[column]).alias(column))
    for changed in (other, gone):
        assert not set(fingerprints(changed)["fingerprint"]) & set(before["fingerprint"])
    assert before["fingerprint"].n_unique() == 2


def test_order_of_rows_makes_no_difference():
    numbered = made_up_partnership(400, 3)[1].with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64).hash().reinterpret(signed=True)
    )
    whole = own_encoding(as_stored(numbered))
    left = kept(whole)
    assert left["record_id"].equals(whole["record_id"])
    mixed = kept(whole.sample(fraction=1, shuffle=True, seed=1))
    assert mixed.sort("record_id").equals(left.sort("record_id"))


def test_few_of_different_people_share_what_only_kin_would():
    """Families are in the made-up people; labels judge."""
    people = made_up_partnership(1_000, 3)[1]
    whole = own_encoding(as_stored(people))

    def shared(left: pl.DataFrame) -> int:
        rows = left.with_columns(person=people["person"])
        several = pl.col("person").n_unique() > 1
        return rows.select(
            pl.sum_horizontal(
                (pl.col(token_column(name)).is_not_null() & several.over(token_column(name))).sum()
                for name in ("postcode_surname", "names_lone")
            )
        ).item()

    before, after = shared(kept_by_delivery(whole)), shared(kept(whole))
    assert before > 20
    assert after < before / 3


def test_what_one_partner_holds_stands_and_what_comes_gives_way():
    parts = deliveries(ONE, KIN)
    connection = duckdb.connect(":memory:")
    store.create(connection)
    agreed = type("Agreed", (), {"agreements": {"police": None, "treatment": None}})
    for partner in ("treatment", "police"):
        coming = {partner: Pseudonymised(parts[partner], {})}
        now = stores._kept_beside(connection, coming, agreed)
        assert now.keys() == {partner}
        store.replace_partner(connection, partner, now[partner])
    stored = store.read_encoded(connection).partition_by("partner", as_dict=True)
    assert stored["treatment",][HOME].equals(parts["treatment"][HOME])
    assert not stored["police",][HOME].equals(parts["police"][HOME])


def test_a_partner_that_was_stopped_is_left_out_until_it_delivers():
    """What it shares with strangers was never replaced, and would make these take it back."""
    parts = deliveries(ONE, KIN)
    connection = duckdb.connect(":memory:")
    store.create(connection)

    def night(agreed: set[str], *partners: str) -> dict[str, pl.DataFrame]:
        agreements = type("Agreed", (), {"agreements": dict.fromkeys(agreed)})
        coming = {partner: Pseudonymised(parts[partner], {}) for partner in partners}
        now = stores._kept_beside(connection, coming, agreements)
        for partner, encoded in now.items():
            store.replace_partner(connection, partner, encoded)
        for partner in partners:
            store.replace_delivered(connection, partner, fingerprints(parts[partner]))
        store.leave_out(connection, agreed)
        return now

    both = set(parts)
    night({"treatment"}, "treatment")
    night({"police"}, "police")
    assert night({"police"}, "police").keys() == {"police"}
    # Back again: its values are as they were, but nobody is looked at beside them.
    assert night(both, "police")["police"][HOME].equals(parts["police"][HOME])
    delivered = night(both, "treatment")
    assert not delivered["treatment"][HOME].equals(parts["treatment"][HOME])
    # From then on it stands as the others do.
    assert night(both, "treatment")["treatment"].equals(delivered["treatment"])


def test_what_is_known_by_an_id_alone_is_judged_anew_together():
    by_id = record("treatment", "ABENA", MOTHER, postcode=None, surname=None, sex="F")
    parts = deliveries(KIN | {"nhs_number": "9434765919"}, by_id | {"nhs_number": "9434765919"})
    (sent,) = parts.values()
    assert standing(sent, fingerprints(sent)[:1]).is_empty()
    assert set(standing(sent, fingerprints(sent))) == set(sent["record_id"])


def test_the_rules_are_those_that_fingerprints_name():
    """Whoever changes what is kept gives `RULES` another date, or old records stand."""
    left = pl.concat(deliveries(*kin(random.Random(1), 60)).values())
    held = kept(left.sort("record_id"))
    digest = hashlib.sha256(repr(held.rows()).encode()).hexdigest()
    assert (RULES, digest[:16]) == (b"2026-11-24", "f299135fe11745c1")


def test_a_partner_that_has_no_records_left_is_told():
    parts = deliveries(ONE, KIN)
    held = settled(parts, {}, NONE)
    now = settled({"police": parts["police"].clear()}, held, fingerprints(parts["police"]))
    assert now["police"].is_empty()
    assert now["treatment"].height == 1
