"""The page a model is reviewed by shows every parameter, and what changed."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

import flows.linking.train
from flows.cli import app
from flows.linking.model_report import LevelRow, model_page, sections
from linkage.model import Model, load_model


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def changed(model: Model, m: float) -> Model:
    """The model with another m for one level, and without another."""
    content = model.model_dump()
    content["name"] = "last"
    content["comparisons"]["surname"]["close"]["m"] = m
    del content["comparisons"]["dob"]["near"]
    content["comparisons"]["sex"]["neither"] = {"m": 0.1, "u": 0.1}
    return Model.model_validate(content)


def test_every_level_of_both_views_is_shown_with_its_weight(model):
    shown = {
        (name, row.level): row.weight
        for section in sections(model, None)
        for name, rows in section.comparisons.items()
        for row in rows
    }
    held = {**model.weights(), **model.reduced.weights()}
    assert shown == {(name, level): w for name, ls in held.items() for level, w in ls.items()} | {
        ("sex", level): model.reduced.weights()["sex"][level] for level in ("same", "different")
    }
    page = model_page(model, None)
    for name, levels in model.comparisons.items():
        assert f"<h3>{name}</h3>" in page
        for level in levels:
            assert level in page


def test_what_changed_is_said_level_by_level(model):
    m = model.comparisons["surname"]["close"].m
    full = sections(model, changed(model, m / 4))[0]
    by_level = {row.level: row for row in full.comparisons["surname"]}
    assert by_level["close"].change == pytest.approx(2)
    assert by_level["close"].moved
    assert by_level["exact"].change == 0
    assert not by_level["exact"].moved
    assert {row.level: row.before for row in full.comparisons["dob"]}["near"] is None
    assert full.gone == ["sex: neither"]
    page = model_page(model, changed(model, m / 4))
    assert "+2.0" in page
    assert "No longer a level: sex: neither" in page
    assert page.count('class="moved"') == 2


def test_the_page_stands_alone_and_runs_nothing(model):
    page = model_page(model, None)
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    assert "http" not in page.replace("http-equiv", "")
    assert 'lang="en-GB"' in page


def test_bars_lie_on_their_own_side_and_within_the_chart():
    assert LevelRow("for", 0.5, 0.1, 12.0, None).bar == (50.0, 25.0)
    assert LevelRow("against", 0.1, 0.5, -12.0, None).bar == (25.0, 25.0)
    assert LevelRow("very much for", 0.5, 1e-9, 40.0, None).bar == (50.0, 50.0)


def test_training_writes_the_model_and_its_page(model, tmp_path, monkeypatch):
    made = model.model_dump()
    monkeypatch.setattr(flows.linking.train, "train_on_synthetic", lambda *_, **__: made)
    out = tmp_path / "next.json"
    words = ["link", "train", "--name", "next", "--approved-by", "A. Name", "--out", str(out)]
    for _ in range(2):  # an earlier page is replaced
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert load_model(out) == model
    page = out.with_suffix(".html").read_text("utf-8")
    assert f"{model.name}, trained on {model.trained}" in page
    out.with_suffix(".html").write_text("a page of somebody else's")
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code != 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"--name": "../next"},
        {"--name": ""},
        {"--name": "next year"},
        {"--approved-by": " "},
        {"--out": "{folder}/nowhere/next.json"},
        {"--config": "{folder}/nowhere/partnership.yaml"},
    ],
    ids=str,
)
def test_a_name_or_place_that_is_none_is_refused_before_training(
    wrong, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(flows.linking.train, "train_on_synthetic", lambda *_, **__: 1 / 0)
    given = {"--name": "next", "--approved-by": "A. Name", "--config": "{folder}/partnership.yaml"}
    words = [word.format(folder=tmp_path) for pair in (given | wrong).items() for word in pair]
    found = CliRunner().invoke(app, ["link", "train", *words], catch_exceptions=False)
    assert found.exit_code == 2 and "Error: " in found.stderr
    assert not list(tmp_path.iterdir())
