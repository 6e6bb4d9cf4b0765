"""A model learnt without labels says what one learnt with them does."""

from __future__ import annotations

from math import log2

import numpy as np
import polars as pl
import pytest

from flows.linking.train import labelled_identities
from governance.encoding.anchored import encode, encode_under_one_salt, encoding_keys
from governance.keys import RootKey
from linkage import unlabelled
from linkage.comparisons import COMPARISONS
from linkage.train import _of_one_sector, train
from linkage.unlabelled import LEARNT_IN, shows_relatives, train_without_labels
from schemas.encoded import BLOCK_TOKENS, STRONG_IDS
from synthetic import write_extracts


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("people")
    write_extracts(900, 11, folder)
    people = labelled_identities(folder)
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
    encoded = encode(people, key_of)
    common = encode_under_one_salt(people.unique("person", maintain_order=True), key_of)
    unlabelled.U_PAIRS = 5e5
    return {
        "without": train_without_labels(encoded, common, seed=1),
        "with": train(encoded, common, people.select("record_id", "person"), seed=1),
    }


@pytest.mark.parametrize("comparison", [c.name for c in COMPARISONS])
def test_every_level_weighs_about_what_it_does_with_labels(models, comparison):
    without, told = (models[name]["comparisons"][comparison] for name in ("without", "with"))
    assert list(without) == list(told)
    for level, learnt in without.items():
        # What few matches show is learnt from few; the rest is within a bit and a half.
        if told[level]["m"] > 0.01:
            weight, known = (log2(one["m"] / one["u"]) for one in (learnt, told[level]))
            assert weight == pytest.approx(known, abs=1.5), level


def test_shares_are_shares_and_the_prior_is_near(models):
    without, told = models["without"], models["with"]
    for levels in without["comparisons"].values():
        assert sum(level["m"] for level in levels.values()) == pytest.approx(1)
    prior, known = (m["probability_two_random_records_match"] for m in (without, told))
    assert known / 2 < prior < known * 2


def test_every_comparison_is_learnt_somewhere_and_every_composite_is_one():
    learnt = {comparison for some in LEARNT_IN.values() for comparison in some}
    assert learnt == {c.name for c in COMPARISONS}
    assert set(LEARNT_IN) <= set(BLOCK_TOKENS)


def test_a_mixture_is_parted():
    """Half of the pairs agree as matches do, half as chance has it."""
    rng = np.random.default_rng(1)
    u = {c: {"same": 0.02, "near": 0.08, "different": 0.9} for c in ("one", "other")}
    m = np.array([0.8, 0.15, 0.05])
    match = rng.random(20_000) < 0.5
    chance = np.array([0.02, 0.08, 0.9])
    drawn = {
        c: np.where(match, rng.choice(3, len(match), p=m), rng.choice(3, len(match), p=chance))
        for c in u
    }
    patterns = pl.DataFrame(drawn).group_by("one", "other").agg(n=pl.len())
    counts = unlabelled._expected(patterns, ("one", "other"), u)
    for c in u:
        assert counts[c] / counts[c].sum() == pytest.approx(m, abs=0.03)


def test_what_shows_no_evidence_counts_for_nothing():
    u = {"one": {"same": 0.1, "different": 0.9}, "other": {"same": 0.1, "different": 0.9}}
    patterns = pl.DataFrame({"one": [0, None], "other": [None, None], "n": [100, 100]})
    counts = unlabelled._expected(patterns, ("one", "other"), u)
    assert counts["other"].sum() == 0
    assert 0 < counts["one"][0] <= 100
    assert counts["one"][1] == 0


LEVELS = {
    "forename": ("exact", "different", "distant, of one initial", "of one initial", "distant"),
    "surname": ("exact", "different"),
    "dob": ("exact", "different"),
    "strong_id": ("agree", "all that can be compared differ"),
}


def linked(pairs: list[tuple[int, int, int]]) -> pl.DataFrame:
    """Pairs of records and the place of the level of their forenames, all else being the same."""
    columns = ["record_id_l", "record_id_r", "forename"]
    return pl.DataFrame(pairs, schema=columns, orient="row").with_columns(
        surname=0, dob=0, strong_id=pl.lit(None, pl.Int64)
    )


def test_twins_who_each_have_their_own_records_show_relatives():
    families = [
        pair for a in range(0, 400, 4) for pair in ((a, a + 1, 0), (a + 2, a + 3, 0), (a, a + 2, 1))
    ]
    assert shows_relatives(linked(families), LEVELS, 400)


def test_records_under_another_name_that_go_with_no_other_show_none():
    people = [(a, a + 1, 0) for a in range(0, 1_000, 2)]
    aliases = [(a, 1_000 + a, 1) for a in range(200)]
    assert not shows_relatives(linked(people + aliases), LEVELS, 1_200)
    assert shows_relatives(linked(people + aliases[:40]), LEVELS, 1_040)


def test_a_partnership_is_guarded(models):
    assert models["without"]["guard"]


def made_common(postcodes: list[str | None]) -> pl.DataFrame:
    """People of one day, no two of one name, under one salt."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = [a + b for a in letters for b in letters][: len(postcodes)]
    people = pl.DataFrame(
        {"forename": names, "surname": names[::-1], "postcode": postcodes},
        schema_overrides={"postcode": pl.String},
    ).with_columns(
        pl.lit(None, pl.String).alias(name) for name in STRONG_IDS
    ).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64),
        partner=pl.lit("police"),
        dob=pl.date(1984, 5, 17),
        sex=pl.lit("M"),
    )  # fmt: skip
    return encode_under_one_salt(
        people, encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
    )


def test_how_many_strangers_have_one_sector_is_counted_among_those_of_one_day():
    quarter = [
        f"NR{1 + n % 4} 3{'ABCDEFGHIJ'[n // 4 % 10]}{'ABCDEFGHIJ'[n // 40]}" for n in range(200)
    ]
    assert _of_one_sector(made_common(quarter)) == pytest.approx(0.246, abs=0.002)
    assert _of_one_sector(made_common(["NR1 3AA"] * 20)) > 0.4  # nothing to tell it by
