"""The insider who weighs distances: it names people where filters hang on bare dates and names."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from flows.cli.attack import made_up_people
from governance.attacks import insider, weak, weak_targets, weighing
from governance.attacks.budgets import RECORDS
from governance.attacks.form import Anchor, composites
from governance.attacks.result import Result
from governance.attacks.scenario import Scenario, as_stored, make_scenario, own_encoding
from governance.attacks.scoring import Score, score_beyond
from governance.encoding.kept import kept
from schemas.encoded import FILTERS, filter_columns

SIZE = 3_000


def fix_keys(patch: pytest.MonkeyPatch) -> None:
    """Keys are drawn anew for each encoding; how much falls would vary with them."""
    drawn = itertools.count()
    patch.setattr(
        secrets, "token_bytes", lambda size: hashlib.sha256(b"%d" % next(drawn)).digest()[:size]
    )


@pytest.fixture(autouse=True)
def _the_same_keys(monkeypatch):
    fix_keys(monkeypatch)


@pytest.fixture(scope="module")
def by_area() -> Scenario:
    return make_scenario(
        *(made_up_people(SIZE, seed, 0.8) for seed in (4, 5, 6)), 0.2, 1, by_area=True
    )


def staging(scenario: Scenario) -> tuple[pl.DataFrame, pl.DataFrame]:
    return insider.staged(scenario.target), insider.staged(scenario.known)


def encoded(
    scenario: Scenario, encode: Callable[[pl.DataFrame], pl.DataFrame]
) -> list[pl.DataFrame]:
    """The store, and the list under two keys of the attacker's own."""
    return [encode(as_stored(people)) for people in (scenario.target, *[scenario.known] * 2)]


@pytest.fixture(scope="module")
def shipped(by_area) -> list[pl.DataFrame]:
    with pytest.MonkeyPatch.context() as patch:
        fix_keys(patch)
        return encoded(by_area, own_encoding)


def weighed(scenario: Scenario, held: list[pl.DataFrame], anchors: list[Anchor]) -> Score:
    """What the attack names by the store and the list as they are encoded."""
    target, *own = held
    listed = weighing.Listed(scenario.known, own, scenario.overlap)
    everybody = np.arange(target.height)
    rows = weighing.weigh(target, listed, staging(scenario), anchors, everybody)
    return score_beyond(scenario, rows, staging(scenario))


def test_it_names_people_where_filters_hang_on_the_bare_date_and_on_names(by_area):
    result: Result = weak_targets.weigh(by_area, "known by area")
    assert result.weak and not result.passed
    assert result.score.reidentified > 2 * RECORDS
    assert "guesses are right" in result.note


def test_it_names_nobody_of_records_exchanged_within_their_classes(by_area):
    """Else it would take for evidence what staging tells, or what chance brings."""
    form = weak.bare_date_form()
    seen = staging(by_area)[0].select(code=pl.struct(pl.all()).rank("dense"))["code"].to_numpy()
    rng = np.random.default_rng(1)
    order = np.arange(SIZE)
    for code in np.unique(seen):
        of = np.flatnonzero(seen == code)
        order[of] = rng.permutation(of)
    target, *own = encoded(by_area, form.encode)
    exchanged = weighed(by_area, [target[order], *own], list(form.anchors.values()))
    assert exchanged.correct - exchanged.chance < RECORDS * exchanged.of


def test_what_the_hub_keeps_names_hardly_anybody(by_area, shipped):
    score = weighed(by_area, [kept(frame) for frame in shipped], composites())
    assert score.reidentified <= RECORDS


def test_a_large_store_is_searched_by_its_tokens_and_names_as_many(by_area, shipped, monkeypatch):
    """Where all values are kept, twins and families are found in either way."""
    every = weighed(by_area, shipped, composites())
    monkeypatch.setattr(weighing, "MOST_RECORDS", 100)
    some = weighed(by_area, shipped, composites())
    assert every.reidentified > RECORDS
    assert some.reidentified == pytest.approx(every.reidentified, rel=0.2)


def test_every_filter_hangs_on_a_token_that_is_its_anchor():
    held = [columns for anchor in composites() for columns in anchor.filters]
    assert sorted(held) == sorted(filter_columns(*pair) for pair in FILTERS)
    for anchor in composites():
        assert anchor.token in anchor.tokens


def test_guesses_count_beyond_what_staging_says_of_the_same_records(by_area):
    seen, listed = staging(by_area)
    rows = insider.name_by_columns(seen, listed)
    alone = score_beyond(by_area, rows, (seen, listed))
    assert alone.guessed > 0
    assert alone.chance == pytest.approx(alone.correct)  # alone in its class: staging says the same
    truth = by_area.target.join(
        by_area.known.with_row_index("row").select("person", "row"),
        on="person", how="left", maintain_order="left",
    )["row"]  # fmt: skip
    told = score_beyond(by_area, truth, (seen, listed))
    assert told.correct == told.of
    assert 0 < told.chance < told.of


@pytest.mark.parametrize("people", [0, 1])
def test_a_list_of_nobody_who_shares_anything_makes_no_guess(by_area, people):
    few = by_area.known.head(people)
    form = weak.bare_date_form()
    target = form.encode(by_area.target.head(50))
    listed = weighing.Listed(few, [form.encode(few)], 1.0)
    staged = insider.staged(by_area.target.head(50)), insider.staged(few)
    rows = weighing.weigh(target, listed, staged, list(form.anchors.values()), np.arange(50))
    assert rows.null_count() == len(rows) == 50
