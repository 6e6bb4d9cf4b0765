"""The attacks break what is known to be weak, on a few hundred people; else they prove nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from flows.cli.attack import made_up_people
from governance.attacks import dictionary, frequency, graphs, groups, patterns, weak
from governance.attacks.form import anchor_values, shipped_form
from governance.attacks.scenario import VALUES, make_scenario, own_encoding, smaller
from governance.attacks.scoring import score_people, score_values
from governance.attacks.token_graph import CLEAR, TOKENS, match_graphs, token_graph
from schemas.errors import ConfigError

SIZE = 600
WHOLE = ("forename", "surname", "dob")


@pytest.fixture(scope="module")
def people() -> list[pl.DataFrame]:
    return [made_up_people(SIZE, seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def scenario(people):
    return make_scenario(*people, 0.8, 1)


@pytest.fixture(scope="module")
def everybody_known(people):
    return make_scenario(*people, 1.0, 1)


def whole(frame: pl.DataFrame):
    return weak.bloom_filters([frame[name] for name in WHOLE], weak.new_key(), weak.USUAL)


def test_the_attacker_knows_as_many_as_are_said_and_has_a_list_as_long(scenario, people):
    known = scenario.known["person"].is_in(people[0]["person"].implode())
    assert (int(known.sum()), scenario.known.height) == (round(0.8 * SIZE), SIZE)
    less = smaller(scenario, 100)
    met = less.known["person"].is_in(less.target["person"].implode()).sum()
    assert (less.target.height, less.known.height) == (100, 100)
    assert 60 <= met <= 95


def test_an_area_is_known_whole(people):
    by_area = make_scenario(*people, 0.3, 1, by_area=True)
    listed = by_area.known.filter(pl.col("person").is_in(people[0]["person"].implode()))
    of_those = people[0].filter(pl.col("postcode").is_in(listed["postcode"].implode()))
    # The last postcode may be known in part.
    assert of_those.height - listed.height <= 0.02 * SIZE


def test_nobody_to_attack_is_refused(people):
    with pytest.raises(ConfigError):
        make_scenario(people[0].head(0), people[1], people[2], 0.2, 1)


def test_a_dictionary_breaks_an_unkeyed_hash_and_no_keyed_one(scenario):
    listed = weak.unkeyed_hash(scenario.known["surname"]).to_frame("t")
    for target, most, least in (
        (weak.unkeyed_hash(scenario.target["surname"]), 1.0, 0.7),
        (weak.bare_token(scenario.target["surname"], weak.new_key()), 0.0, 0.0),
    ):
        rows = dictionary.look_up(target.to_frame("t"), listed, ["t"], repeated=True)
        guess = scenario.known["surname"].gather(rows)
        assert least <= score_values(scenario.target["surname"], guess).reidentified <= most


def test_frequencies_name_what_is_common():
    names = pl.Series(["A"] * 50 + ["B"] * 30 + ["C"] * 5)
    codes = weak.bare_token(names, weak.new_key())
    one = pl.repeat("", len(names), eager=True)
    for align in (frequency.align_by_rank, frequency.align_by_likelihood):
        assert align(codes, names, one, one).equals(names, check_names=False)


def test_graph_matching_names_most_people_of_a_plain_filter(scenario):
    # About one draw of keys in a hundred starts the alignment wrong, so up to three are tried.
    mixed, listed = scenario.rehearsal()
    tries = (
        graphs.match_rows((whole(scenario.target), whole(scenario.known), whole(mixed)), listed)
        for _ in range(3)
    )
    assert any(score_people(scenario, rows).reidentified > 0.5 for rows in tries)


def test_graph_matching_names_nobody_of_noise(scenario):
    rng = np.random.default_rng(1)
    sides = tuple(rng.integers(0, 2**63, (SIZE, 8), dtype=np.uint64) for _ in range(3))
    _, listed = scenario.rehearsal()
    assert score_people(scenario, graphs.match_rows(sides, listed)).reidentified < 0.02


def test_patterns_find_the_positions_of_a_gram():
    names = pl.Series(["ANNA"] * 60 + ["BOB"] * 40 + ["CAROL"] * 30 + ["DINAH"] * 20)
    words = weak.bloom_filters([names], weak.new_key(), weak.USUAL)
    guess = patterns.mine(words, names, weak.grams_of)
    assert (guess == names).mean() > 0.6


def test_the_graph_of_tokens_is_the_same_under_any_key(scenario):
    one, other = (
        token_graph(own_encoding(scenario.target), TOKENS, CLEAR).edges.select("u", "v", "kind")
        for _ in range(2)
    )
    assert one.height > 0
    assert one.equals(other)


def test_of_one_record_alone_nothing_is_in_the_clear():
    assert CLEAR == ()


def test_the_sex_bit_tells_who_is_of_one_sex_where_the_date_is_shared(scenario):
    people = scenario.target.select("dob", "sex").with_row_index("u")
    edges = token_graph(own_encoding(scenario.target), TOKENS).edges.select(
        "u", "v", shown=pl.col("kind") // (1 << len(TOKENS))
    )
    both = edges.join(people, on="u").join(people.rename({"u": "v"}), on="v", suffix="_v")
    dated = pl.col("dob") == pl.col("dob_v")
    expected = pl.when(dated).then(2 - (pl.col("sex") == pl.col("sex_v")).cast(pl.Int64))
    told = both.with_columns(expected=expected).filter(pl.col("shown") > 0)
    assert told.height > 0
    assert (told["shown"] == told["expected"]).all()
    assert set(both.filter(~dated)["shown"]) == {0}


def bands(names: pl.Series) -> pl.Series:
    """Which of six bands of frequency a name is in, as version 2 of the encoding showed it."""
    counts = names.to_frame("name").select(n=pl.len().over("name"))["n"]
    return counts.log(2).cast(pl.Int64).clip(0, 5)


def named_with(scenario, extra, clear=()) -> float:
    """The share that the token graph names with more columns than the encoding has."""
    tokens = (*TOKENS, *(name for name in extra if name not in clear))
    target, known = (
        token_graph(
            own_encoding(frame).with_columns(
                make(frame).alias(name) for name, make in extra.items()
            ),
            tokens,
            clear,
        )
        for frame in (scenario.target, scenario.known)
    )
    found = match_graphs(target, known, 0.99)
    rows = pl.DataFrame({"u": pl.int_range(SIZE, dtype=pl.UInt32, eager=True)}).join(
        found, on="u", how="left", maintain_order="left"
    )["a"]
    return score_people(scenario, rows).reidentified


def test_the_graph_of_tokens_names_people_once_more_is_in_the_clear(everybody_known):
    """The attack works: with version 2's clear columns and the groups it names most people."""
    given = {
        "given": lambda frame: frame["dob"].rank("dense").cast(pl.Int64),
        "place": lambda frame: frame["postcode"].rank("dense").cast(pl.Int64),
    }
    clear = {
        "sex": lambda frame: frame["sex"],
        "forename_band": lambda frame: bands(frame["forename"]),
        "surname_band": lambda frame: bands(frame["surname"]),
    }
    with_clear = named_with(everybody_known, {**given, **clear}, tuple(clear))
    without = named_with(everybody_known, given)
    assert with_clear > 0.3
    assert without < with_clear / 2


def test_records_chained_by_tokens_share_the_anchor(scenario):
    encoded = own_encoding(scenario.target)
    for name, anchor in shipped_form().anchors.items():
        shared = anchor_values(scenario.target, anchor.parts)
        found, right = groups.pairs_found(groups.chained(encoded, anchor.tokens), shared)
        assert right == 1 or found == 0, name
        assert found > 0 or name == "names", name  # few people share both names


def test_values_are_what_attacks_are_scored_on(scenario):
    assert set(VALUES) <= set(scenario.target.columns)
