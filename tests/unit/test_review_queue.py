"""The queue: what is asked, of whom, what is shown; and what the store keeps of it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage import retention, review_store, store
from linkage.match import link
from linkage.model import load_model
from linkage.review import PAIR, Decisions, no_decisions
from linkage.review_queue import HUB, MOST_QUEUED, NO_EVIDENCE, WHY, patterns, queue
from linkage.review_store import Decided
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()
LINK_AT = MODEL.thresholds.link
BORN = dt.date(1984, 11, 3)
FIELDS = {
    "forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String,
    "sex": pl.String, "partner": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
}  # fmt: skip
AT = dt.datetime(2026, 11, 22, 9, 30)


def person(forename: str, partner: str = "police", **more: object) -> dict[str, object]:
    usual = {"surname": "HOLLOWAY", "dob": BORN, "postcode": "NR21AB", "sex": "M"}
    return {"forename": forename, "partner": partner, **usual, **more}


def encoded(*people: dict[str, object]) -> pl.DataFrame:
    rows = [{name: row.get(name) for name in FIELDS} for row in people]
    identity = pl.DataFrame(rows, schema=FIELDS).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    return encode(identity, KEY_OF)


def asked(records: pl.DataFrame, decisions: Decisions | None = None) -> list[tuple[object, ...]]:
    pairs = link(records, MODEL).pairs
    return queue(records, pairs, decisions or no_decisions(), LINK_AT).rows()


def pair(one: int, other: int) -> pl.DataFrame:
    return pl.DataFrame({"record_id_l": [one], "record_id_r": [other]})


PNC = {"pnc_id": "2003/0123456L"}
OTHER_PNC = {"pnc_id": "1979/0163001B"}


def test_ids_that_differ_within_a_group_are_asked_about() -> None:
    found = asked(encoded(person("DERMOT", **PNC), person("DERMOT", **OTHER_PNC)))
    assert (HUB, 1, 2, "conflicting") in found and ("police", 1, 2, "conflicting") in found


def test_what_looks_like_relatives_is_asked_about() -> None:
    found = asked(encoded(person("DERMOT"), person("FINBAR")))
    assert [row[:3] for row in found] == [(HUB, 1, 2), ("police", 1, 2)]


def test_a_partner_is_never_asked_of_another_partners_record() -> None:
    across = encoded(person("DERMOT", **PNC), person("DERMOT", "probation", **OTHER_PNC))
    assert [row[0] for row in asked(across)] == [HUB]


def test_what_a_partner_is_asked_depends_on_its_own_records_alone() -> None:
    """A treatment record that joins two police records, or parts them, changes nothing for it."""
    own = [person("DERMOT", **PNC), person("DERMTO", **OTHER_PNC), person("FINBAR")]
    others = [
        person("DERMOT", "treatment", nhs_number="9434765919"),
        person("FINBAR", "treatment", nhs_number="9434765870"),
        person("DERMTO", "probation", **PNC),
    ]
    alone = [row for row in asked(encoded(*own)) if row[0] == "police"]
    among = [row for row in asked(encoded(*own, *others)) if row[0] == "police"]
    assert alone and among == alone
    # A decision on another partner's record changes nothing for it either.
    told = Decisions(pair(1, 4), pair(2, 4))
    assert [row for row in asked(encoded(*own, *others), told) if row[0] == "police"] == alone


def test_only_so_many_are_asked_about_at_a_time() -> None:
    sizes = range(MOST_QUEUED + 5)
    records = encoded(*(person("DERMOT") for _ in range(2 * len(sizes))))
    pairs = pl.DataFrame(
        {
            "record_id_l": [1 + 2 * at for at in sizes],
            "record_id_r": [2 + 2 * at for at in sizes],
            "match_weight": [LINK_AT + at / 1000 for at in sizes],
            "guarded": [False for _ in sizes],
            "linked": [True for _ in sizes],
        }
    )
    found = queue(records, pairs, no_decisions(), LINK_AT).filter(asked=HUB)
    assert found["record_id_l"].to_list() == [1 + 2 * at for at in range(MOST_QUEUED)]


def test_a_reviewer_is_shown_levels_and_weights_and_nothing_else() -> None:
    records = encoded(person("DERMOT", **PNC), person("DERMOTT", postcode=None))
    (row,) = patterns(pair(1, 2), records, MODEL).to_dicts()
    assert row["surname"] == row["dob"] == "exact"
    assert row["postcode"] == row["strong_id"] == NO_EVIDENCE
    assert row["forename"] in ("close", "near", "distant")
    levels = {level for levels in MODEL.weights().values() for level in levels} | {NO_EVIDENCE}
    shown = {key: value for key, value in row.items() if not key.startswith("record_id")}
    assert all(isinstance(value, float) or value in levels for value in shown.values())
    evidence = sum(value for key, value in shown.items() if key.startswith("mw_"))
    assert row["match_weight"] > evidence - 30


# The store


@pytest.fixture
def identity_store() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    store.create(connection)
    review_store.create(connection)
    records = encoded(person("DERMOT"), person("FINBAR"), person("CONOR"))
    store.replace_partner(connection, "police", records)
    yield connection
    connection.close()


def queued(*rows: tuple[str, int, int]) -> pl.DataFrame:
    names = ["asked", "record_id_l", "record_id_r"]
    kinds = {"asked": pl.String, "record_id_l": pl.Int64, "record_id_r": pl.Int64}
    frame = pl.DataFrame(rows, schema=kinds, orient="row").select(names)
    return frame.with_columns(why=pl.lit("near"))


def decided(decision: str) -> Decided:
    return Decided(decision, "pattern", "A. Name", AT)


def test_a_pair_that_stays_in_the_queue_keeps_its_name(identity_store) -> None:
    names = map(str, itertools.count())
    review_store.replace_queue(identity_store, queued((HUB, 1, 2), (HUB, 1, 3)), names.__next__)
    first = {row[2:4]: row[0] for row in review_store.read_queue(identity_store).rows()}
    review_store.replace_queue(identity_store, queued((HUB, 1, 3), (HUB, 2, 3)), names.__next__)
    second = {row[2:4]: row[0] for row in review_store.read_queue(identity_store).rows()}
    assert second[(1, 3)] == first[(1, 3)] and set(second) == {(1, 3), (2, 3)}


def test_no_name_is_given_twice(identity_store) -> None:
    names = iter(["a", "a", "b"])
    review_store.replace_queue(identity_store, queued((HUB, 1, 2), (HUB, 1, 3)), names.__next__)
    assert sorted(review_store.read_queue(identity_store)["pair"]) == ["a", "b"]


def test_the_last_decision_counts_and_all_are_kept(identity_store) -> None:
    for decision in ("same", "different", "unsure", "different"):
        review_store.add_decision(identity_store, 2, 1, decided(decision))
    found = review_store.read_decisions(identity_store)
    assert found.different.rows() == [(1, 2)] and found.same.is_empty()
    history = review_store.decided_of(identity_store, 1, 2)
    assert [one.decision for one in history] == ["same", "different", "unsure", "different"]
    assert history[0] == decided("same")


def test_unsure_takes_a_decision_back(identity_store) -> None:
    for decision in ("same", "unsure"):
        review_store.add_decision(identity_store, 1, 2, decided(decision))
    found = review_store.read_decisions(identity_store)
    assert found.same.is_empty() and found.different.is_empty()


def test_what_names_a_record_that_has_gone_goes(identity_store) -> None:
    review_store.replace_queue(identity_store, queued((HUB, 1, 2), (HUB, 2, 3)))
    review_store.add_decision(identity_store, 1, 2, decided("same"))
    review_store.add_decision(identity_store, 2, 3, decided("same"))
    identity_store.execute("DELETE FROM encoded_record WHERE record_id = 1")
    review_store.forget_absent(identity_store)
    assert review_store.read_queue(identity_store).select("record_id_l").rows() == [(2,)]
    assert review_store.read_decisions(identity_store).same.rows() == [(2, 3)]


def test_what_a_person_had_put_apart_outlives_the_absence_of_one_record(identity_store) -> None:
    review_store.replace_queue(identity_store, queued((HUB, 1, 2)))
    pairs = pl.DataFrame([(1, 2), (2, 3)], schema=list(PAIR), orient="row")
    put_right = replace(decided("different"), reason=review_store.RECTIFIED)
    review_store.put_apart(identity_store, pairs, put_right, asked=HUB)
    listed = review_store.read_queue(identity_store)
    assert listed.select(PAIR).sort(PAIR).rows() == pairs.rows()
    assert set(listed["decision"]) == {"different"} and listed["pair"].n_unique() == 2
    for record, left in ((1, [(1, 2), (2, 3)]), (2, [(2, 3)]), (3, [])):
        identity_store.execute("DELETE FROM encoded_record WHERE record_id = ?", [record])
        review_store.forget_absent(identity_store)
        assert review_store.read_decisions(identity_store).different.rows() == left


def test_what_a_person_had_put_apart_is_not_forgotten_with_what_is_old(identity_store) -> None:
    put_right = replace(decided("different"), reason=review_store.RECTIFIED)
    for one, other, said in ((1, 2, put_right), (1, 3, decided("same")), (2, 3, put_right)):
        review_store.add_decision(identity_store, one, other, said)
    assert retention.oldest_decision(identity_store) == (AT, 1)
    review_store.add_decision(identity_store, 2, 3, decided("unsure"))  # decided anew
    retention.forget_decisions(identity_store, AT + dt.timedelta(days=1))
    assert review_store.read_decisions(identity_store).different.rows() == [(1, 2)]
    assert review_store.counts(identity_store)["decided"] == {"different": 1}
    assert retention.oldest_decision(identity_store) == (None, 0)


def test_decisions_cross_to_the_next_key_epoch(identity_store) -> None:
    review_store.replace_queue(identity_store, queued((HUB, 1, 2)))
    review_store.add_decision(identity_store, 1, 2, decided("same"))
    review_store.add_decision(identity_store, 1, 3, decided("different"))
    review_store.add_decision(identity_store, 2, 3, decided("different"))
    after = duckdb.connect(":memory:")
    store.create(after)
    review_store.create(after)
    bridge = pl.DataFrame({"record_id_before": [1, 2], "record_id_after": [90, 40]})
    store.add_bridge(after, bridge)
    review_store.carry_over(identity_store, after)
    before, now = (
        review_store.read_queue(one)["pair"].to_list() for one in (identity_store, after)
    )
    assert now == before
    found = review_store.read_decisions(after)
    assert found.same.rows() == [(40, 90)] and found.different.is_empty()
    assert review_store.counts(after) == {"waiting": {}, "decided": {"same": 1}}


def test_every_reason_is_a_sentence() -> None:
    assert all(said.endswith(".") for said in review_store.REASONS.values())
    assert all(WHY.values())


@pytest.mark.parametrize("decision", ["same", "different"])
def test_what_was_decided_can_be_looked_up_and_taken_back(identity_store, decision: str) -> None:
    """Once it is respected nothing of the pair is in doubt, but the decision may be wrong."""
    names = iter("abc").__next__
    review_store.replace_queue(identity_store, queued((HUB, 1, 2), ("police", 1, 3)), names)
    review_store.add_decision(identity_store, 1, 2, decided(decision))
    for _ in range(2):
        review_store.replace_queue(identity_store, queued((HUB, 2, 3)), names)
        read = review_store.read_queue(identity_store).select("pair", "asked", "decision").rows()
        assert read == [("a", HUB, decision), ("c", HUB, None)]
    review_store.add_decision(identity_store, 1, 2, decided("unsure"))
    review_store.replace_queue(identity_store, queued((HUB, 2, 3)), names)
    assert review_store.read_queue(identity_store)["pair"].to_list() == ["c"]
