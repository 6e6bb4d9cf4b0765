"""A model that is missing, half-trained or of another encoding stops the run."""

import json
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from flows.linking.train import train_on_synthetic, write_model
from linkage.comparisons import COMPARISONS
from linkage.model import CURRENT_MODEL, load_model
from schemas.encoded import ENCODING_VERSION, SAME_VALUES_SINCE
from schemas.errors import ModelError


@pytest.fixture
def content() -> dict:
    return json.loads(resources.files("linkage.models").joinpath(CURRENT_MODEL).read_text("utf-8"))


def written(folder: Path, content: object) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps(content))
    return path


def test_the_packaged_model_is_whole_dated_and_approved():
    model = load_model()
    assert {c.name: {level.name for level in c.levels} for c in COMPARISONS} == {
        name: set(levels) for name, levels in model.comparisons.items()
    }
    assert date.fromisoformat(model.trained)
    assert model.approved_by
    assert model.trained_on["fingerprint"].startswith("sha256:")
    assert model.thresholds.review < model.thresholds.link
    model.settings()


def test_agreement_is_evidence_for_and_difference_against():
    for levels in load_model().weights().values():
        ordered = list(levels.values())
        assert ordered[0] > 0 > ordered[-1]


def test_a_level_without_parameters_stops_the_run(tmp_path, content):
    del content["comparisons"]["dob"]["close"]
    with pytest.raises(ModelError, match="half-trained"):
        load_model(written(tmp_path, content)).settings()


@pytest.mark.parametrize("m", [None, 0, 1, -0.5, "x"])
def test_a_parameter_that_is_no_probability_stops_the_run(tmp_path, content, m):
    content["comparisons"]["dob"]["close"]["m"] = m
    with pytest.raises(ModelError):
        load_model(written(tmp_path, content))


@pytest.mark.parametrize("version", [SAME_VALUES_SINCE - 1, ENCODING_VERSION + 1])
def test_a_model_of_other_values_stops_the_run(tmp_path, content, version):
    content["encoding_version"] = version
    with pytest.raises(ModelError, match="encoding"):
        load_model(written(tmp_path, content)).settings()


@pytest.mark.parametrize("version", [SAME_VALUES_SINCE, ENCODING_VERSION])
def test_a_model_of_a_version_with_the_same_values_is_used(tmp_path, content, version):
    content["encoding_version"] = version
    assert load_model(written(tmp_path, content)).settings()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_a_file_that_is_no_model_stops_the_run(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="approved model"):
        load_model(path)
    with pytest.raises(ModelError):
        load_model(tmp_path / "missing.json")


def test_training_is_repeatable_and_makes_a_whole_model(tmp_path):
    made = [
        train_on_synthetic(250, 9, name="tiny", approved_by="nobody", trained=date(2026, 1, 1))
        for _ in range(2)
    ]
    assert made[0] == made[1]
    write_model(made[0], tmp_path / "tiny.json")
    load_model(tmp_path / "tiny.json").settings()
