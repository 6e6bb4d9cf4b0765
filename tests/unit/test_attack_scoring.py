"""Guesses are worth what they name beyond chance, and the suite says so when it proves nothing."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli import app
from governance.attacks import suite
from governance.attacks.budgets import budget_for
from governance.attacks.result import Result, judge_rows
from governance.attacks.scenario import Scenario
from governance.attacks.scoring import Score, score_values

NAMES = st.lists(st.sampled_from("ABCD"), min_size=1, max_size=60)


def result(named: int, *, weak: bool, encoding: str = "anchored", budget: float = 0.01) -> Result:
    score = Score(guessed=100, correct=named, chance=0.0, of=100)
    return Result("an attack", encoding, "surname", 0.2, score, budget, weak)


@given(NAMES, st.sampled_from("ABCD"))
def test_one_guess_for_everybody_is_worth_nothing(names, guess):
    truth = pl.Series(names)
    score = score_values(truth, pl.repeat(guess, len(truth), eager=True))
    assert score.reidentified == pytest.approx(0, abs=1e-12)


@given(NAMES)
def test_the_truth_is_worth_all_but_what_chance_gives(names):
    truth = pl.Series(names)
    shares = truth.value_counts()["count"] / len(truth)
    assert score_values(truth, truth).reidentified == pytest.approx(1 - float((shares**2).sum()))


def test_no_guess_is_neither_right_nor_by_chance():
    score = score_values(pl.Series(["A", "B", None]), pl.Series([None, None, "A"], dtype=pl.String))
    assert score == Score(guessed=0, correct=0, chance=0.0, of=2)


def test_records_count_only_if_their_person_is_listed():
    columns = {"forename": "A", "surname": "B", "dob": None, "postcode": "C"}
    people = pl.DataFrame({"person": [1, 2, 3, 4]}).with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in columns.items()
    )
    scenario = Scenario(people, people.head(2), people, 0.5)
    whole = judge_rows("an attack", scenario, [pl.Series([0, None, None, 1], dtype=pl.UInt32)])[0]
    assert (whole.score.correct, whole.score.of) == (1, 2)


def test_fewer_known_is_no_larger_budget():
    assert budget_for("records", 0.05) == budget_for("records", 0.2) == 0.005
    assert budget_for("surname", 0.2) == 0.01


def test_a_weak_encoding_is_broken_by_one_attack_that_is_over_budget():
    broken = [result(0, weak=True, encoding="plain"), result(50, weak=True, encoding="plain")]
    assert suite.standing(broken) == []
    assert suite.standing([*broken, result(0, weak=True, encoding="other")]) == ["other"]
    assert suite.over_budget(broken) == []


@pytest.mark.parametrize(
    ("shipped", "weak", "code"),
    [(0, 50, 0), (50, 50, 1), (0, 0, 1)],
    ids=["good", "leaks", "feeble"],
)
def test_the_exit_code_says_whether_it_stood_and_whether_that_proves_anything(
    monkeypatch, tmp_path, shipped, weak, code
):
    results = [result(shipped, weak=False), result(weak, weak=True, encoding="plain")]
    monkeypatch.setattr(suite, "run_suite", lambda *given: results)
    monkeypatch.setattr("flows.cli.attack.made_up_people", lambda *asked: pl.DataFrame())
    monkeypatch.setattr(
        "flows.cli.attack.made_up_partnership", lambda *asked: (pl.DataFrame(), pl.DataFrame())
    )
    out = tmp_path / "attack.json"
    ran = CliRunner().invoke(app, ["attack", "--records", "3000", "--json", str(out)])
    assert ran.exit_code == code, ran.output
    over = "an attack, surname at 20%: 50.00% for 1.00%."
    assert (over in ran.output) is (shipped > 0)
    report = json.loads(out.read_text())
    assert set(report[0]) == {"attack", "target", "overlap", "reidentified", "budget", "passed"}
    assert report[0]["passed"] is (shipped == 0)
    assert ("proves nothing" in ran.output) is (weak == 0)


@pytest.mark.parametrize(("asked", "share"), [([], 0.8), (["--ids", "0"], 0.0)])
def test_of_the_records_as_many_have_a_strong_id_as_partners_write(monkeypatch, asked, share):
    attacked = []
    monkeypatch.setattr(
        suite,
        "run_suite",
        lambda people, *others: attacked.append(people) or [result(0, weak=False)],
    )
    monkeypatch.setattr(
        "flows.cli.attack.made_up_partnership", lambda *asked: (pl.DataFrame(), pl.DataFrame())
    )
    CliRunner().invoke(app, ["attack", "--records", "3000", *asked])
    (people,) = attacked
    for some in (people.inside, people.outside, people.public, people.town):
        assert some["pnc_id"].drop_nulls().n_unique() == pytest.approx(
            share * some.height, rel=0.05
        )


def test_a_size_that_proves_nothing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "run_suite", lambda *given: pytest.fail("it attacked"))
    out = tmp_path / "attack.json"
    ran = CliRunner().invoke(app, ["attack", "--records", "1000", "--json", str(out)])
    assert ran.exit_code == 2
    assert "prove nothing" in ran.output
    assert "--records 3000" in ran.output
    assert not out.exists()
