"""Attacks that live on who lives together, in what order rows stand and whose records they are."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from flows.cli.attack import made_up_partnership, made_up_people
from governance.attacks import groups, in_groups, placing, row_order, shipped, weak
from governance.attacks.budgets import budget_for
from governance.attacks.form import anchor_values, shipped_form
from governance.attacks.result import RECORDS, SHIPPED
from governance.attacks.scenario import (
    BOOK_RIGHT,
    as_stored,
    like_stored,
    make_hostel_scenario,
    make_scenario,
    own_encoding,
)
from governance.attacks.scoring import score_people
from governance.attacks.token_graph import TOKENS, token_graph
from governance.encoding import crowded
from governance.encoding.crowded import CROWDED
from schemas.errors import ConfigError

SIZE, RESIDENTS = 800, 90
HOSTEL, OTHER = "NR11CC", "NR21CC"


@pytest.fixture(autouse=True)
def _the_same_keys(monkeypatch):
    """Keys are drawn anew for each encoding; how much falls would vary with them."""
    drawn = itertools.count()
    monkeypatch.setattr(
        secrets, "token_bytes", lambda size: hashlib.sha256(b"%d" % next(drawn)).digest()[:size]
    )


@pytest.fixture(scope="module")
def people() -> list[pl.DataFrame]:
    inside, outside, public = (made_up_people(SIZE, seed) for seed in (1, 2, 3))
    hostel = pl.int_range(pl.len()) // RESIDENTS
    moved = pl.when(hostel == 0).then(pl.lit(HOSTEL)).when(hostel == 1).then(pl.lit(OTHER))
    return [inside.with_columns(moved.otherwise("postcode").alias("postcode")), outside, public]


@pytest.fixture(scope="module")
def books(people):
    return make_hostel_scenario(*people, 1)


def placed(scenario, form, stored, known):
    encoded = form.encode(stored)
    rows, sure = in_groups.match(encoded, known, form, in_groups.found(encoded, form))
    return score_people(scenario, rows), score_people(scenario, sure)


def test_a_book_has_four_in_five_of_the_residents(books):
    residents = books.target.filter(pl.col("postcode") == HOSTEL)
    book = books.known.filter(pl.col("postcode") == HOSTEL)
    right = book["person"].is_in(residents["person"].implode()).sum()
    assert book.height == residents.height
    assert right == pytest.approx(BOOK_RIGHT * residents.height, abs=1)


def test_without_a_hostel_there_is_no_book(people):
    with pytest.raises(ConfigError):
        make_hostel_scenario(people[1].head(20), people[0], people[2], 1)


def test_a_hostel_is_found_from_a_few_chains_and_hardly_anybody_else(books):
    form = weak.bare_postcode_form()
    group = in_groups.found(form.encode(books.target), form)["postcode"]
    found = groups.members(group, 8)[:2]
    assert len(found) == 2
    for rows in found:
        lives = books.target["postcode"].gather(rows)
        assert max((lives == HOSTEL).sum(), (lives == OTHER).sum()) > 0.5 * RESIDENTS
        assert max((lives == HOSTEL).mean(), (lives == OTHER).mean()) > 0.8


def test_residents_are_named_where_filters_hang_on_the_bare_postcode(books):
    guessed, sure = placed(books, weak.bare_postcode_form(), books.target, books.known)
    assert guessed.reidentified > 0.5
    assert sure.guessed > 0
    assert sure.correct > 0.8 * sure.guessed


def test_no_resident_is_named_by_the_shipped_encoding(books):
    known = like_stored(books.known, books.target)
    guessed, _ = placed(books, shipped_form(), as_stored(books.target), known)
    assert guessed.reidentified < 0.1


def test_who_was_never_in_the_store_is_not_named_surely(people):
    """The same hostel's book, but of people of another town."""
    strangers = people[1].head(RESIDENTS).with_columns(postcode=pl.lit(HOSTEL))
    scenario = replace(make_scenario(*people, 0.5, 1), known=strangers)
    _, sure = placed(scenario, weak.bare_postcode_form(), scenario.target, strangers)
    assert sure.guessed == 0


def test_the_store_and_the_list_lack_the_same_crowded_postcodes(books):
    stored = as_stored(books.target)
    assert stored.select("person").equals(books.target.select("person"))
    for frame in (stored, like_stored(books.known, books.target)):
        assert HOSTEL not in frame["postcode"]
        assert HOSTEL[:-2] in frame["sector"]
    assert stored["postcode"].value_counts().drop_nulls()["count"].max() <= CROWDED


def test_anchors_are_told_apart_and_lacking_one_is_no_group(people):
    some = people[0].head(3).with_columns(postcode=pl.Series(["A1", None, "A1"], dtype=pl.String))
    values = anchor_values(some, ("postcode",))
    assert values.null_count() == 1
    assert values[0] == values[2]


def test_names_in_either_order_are_one_anchor(people):
    anchor = shipped_form().anchors["names"]
    one = people[0].head(1).with_columns(forename=pl.lit("AMAL"), surname=pl.lit("HUSSEIN"))
    exchanged = one.with_columns(forename="surname", surname="forename")
    unnamed = one.with_columns(surname=pl.lit(None, pl.String))
    values = anchor_values(pl.concat([one, exchanged, people[0].tail(1), unnamed]), anchor.parts)
    assert values[0] == values[1] != values[2]
    assert values[3] is None
    assert {"t_names_year", "t_names_either_sector"} <= set(anchor.tokens)


def test_copies_of_one_record_are_no_group(people):
    form = shipped_form()
    one = pl.concat([people[0].slice(RESIDENTS, 1)] * 6)
    encoded = form.encode(pl.concat([one, people[1]]))
    group = in_groups.found(encoded, form)["date"]
    assert len(set(group[:6])) == 1
    assert (group == group[0]).sum() < 12


def test_the_order_of_a_sorted_file_names_people_and_that_of_the_hub_does_not(people):
    town = pl.concat(people[:2]).sample(fraction=1, shuffle=True, seed=1)
    scenario = make_scenario(town.head(SIZE), town.tail(SIZE), people[2], 0.5, 1)
    named = {(r.encoding, r.part): r.score.reidentified for r in row_order.attack(scenario)}
    assert named[row_order.IN_FILE_ORDER, "surname"] > 0.03
    assert named[row_order.IN_FILE_ORDER, "postcode"] > 0.03
    assert max(share for (encoding, _), share in named.items() if encoding == SHIPPED) < 0.02


def test_the_whole_list_in_the_files_order_names_everybody(people):
    scenario = make_scenario(*people, 1.0, 1)
    whole = next(r for r in row_order.attack(scenario) if r.encoding == row_order.IN_FILE_ORDER)
    assert whole.part == RECORDS
    assert whole.score.correct > 0.9 * SIZE


def test_who_knows_an_area_whole_is_tried_as_an_insider_too(people):
    scenario = make_scenario(*people, 0.2, 1, by_area=True)
    store = shipped.store_of(scenario.target)
    named = {
        (result.attack, result.part): result
        for result in shipped.attack_where("known by area", scenario, store)
    }
    ways = ("", ", with what is missing", ", weighing distances", ", kin", ", contradictions")
    for attack in (*(f"insider{way}" for way in ways), "token graph"):
        whole = named[f"{attack}, known by area", RECORDS]
        assert whole.budget == budget_for(RECORDS, 0.2) and not whole.weak
    assert "staging alone names" in named["insider, known by area", RECORDS].note


def test_a_partnership_has_crowded_postcodes_that_are_stored_as_made_up_ones(monkeypatch):
    """And the list has those that were sent, so that who knows an area knows who lives there."""
    monkeypatch.setattr(crowded, "CROWDED", 3)
    listed, records = made_up_partnership(300, 1)
    stored = as_stored(records)
    moved = records["postcode"].ne_missing(stored["postcode"])
    assert moved.mean() > 0.02
    assert not set(stored["postcode"].filter(moved)) & set(listed["postcode"])
    known = like_stored(listed, records)
    assert set(known["postcode"]) & set(stored["postcode"].filter(moved))


def test_records_are_put_together_by_person_and_the_graph_is_of_persons():
    listed, records = made_up_partnership(300, 1)
    assert listed["person"].n_unique() == listed.height < records.height
    encoded = own_encoding(as_stored(records))
    persons = in_groups.persons(encoded)
    _, right = groups.pairs_found(persons, records["person"])
    assert right > 0.98
    edges = token_graph(encoded, TOKENS, persons=persons).edges
    assert edges.filter(pl.col("u") == pl.col("v")).is_empty()
    assert edges["u"].max() <= persons.max()
    # What one of a person's records shares with another's, the persons share.
    apart = token_graph(encoded, TOKENS).edges.with_columns(
        u=persons[token_graph(encoded, TOKENS).edges["u"].to_numpy()],
        v=persons[token_graph(encoded, TOKENS).edges["v"].to_numpy()],
    )
    between = apart.filter(pl.col("u") != pl.col("v")).select("u", "v").unique()
    assert between.height == edges.height


@pytest.mark.parametrize(
    ("scores", "sure"), [([90.0], False), ([90.0, 70.0], False), ([90.0, 40.0], True)]
)
def test_a_placement_is_sure_if_it_leads_clearly_and_another_was_tried(scores, sure):
    assert placing._sure(np.array(scores), 0) is sure


def test_what_is_said_of_one_record_is_said_of_its_person():
    person = np.array([0, 1, 0])
    placement = in_groups.Placement(np.array([2]), np.array([7]), 3.0)
    assert in_groups._told([placement], person).to_list() == [7, None, 7]


def test_the_store_and_the_list_have_the_same_token_of_names(people):
    """Else the token that version 6 added would meet nothing on the list, and stand unattacked."""
    scenario = make_scenario(*people, 0.5, 1)
    columns = ["person", "forename", "surname", "lone"]
    stored = as_stored(scenario.target).select(columns)
    both = stored.join(like_stored(scenario.known, scenario.target), on="person", suffix="_listed")
    assert both.height > 0.4 * SIZE
    assert both["lone"].eq_missing(both["lone_listed"]).all()
    assert 1 < both["lone"].n_unique() < both.height
