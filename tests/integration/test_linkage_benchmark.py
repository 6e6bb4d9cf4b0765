"""`journeys linkage-benchmark` on small labelled files, and on files it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.linking import benchmark as linkage_benchmark
from flows.linking.labelled import read_labelled
from flows.linking.train import labelled_identities
from synthetic import write_extracts

RATES = {"precision", "recall", "f1"}


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> pl.DataFrame:
    """Made-up people as a labelled file holds them."""
    folder = tmp_path_factory.mktemp("people")
    write_extracts(450, 3, folder)
    return labelled_identities(folder).select(
        "record_id",
        "sex",
        "postcode",
        source="partner",
        true_id="person",
        first_name="forename",
        last_name="surname",
        dob=pl.col("dob").dt.to_string("%Y-%m-%d"),
        nhs_number=pl.lit("9990000018"),
    )


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr("linkage.unlabelled.U_PAIRS", 2e5)
    monkeypatch.setattr("linkage.clear_text.U_PAIRS", 2e5)
    monkeypatch.setattr(linkage_benchmark, "WEIGHTS", (0, 6))

    def measured(frame: pl.DataFrame) -> tuple[dict, str]:
        path, out = tmp_path / "labelled.parquet", tmp_path / "out.json"
        frame.write_parquet(path)
        done = CliRunner().invoke(app, ["linkage-benchmark", str(path), "--json", str(out)])
        assert done.exit_code == 0, done.output
        return json.loads(out.read_text()), done.output

    return measured


def test_both_sides_are_measured_and_ours_is_no_worse(run, people):
    found, printed = run(people)
    for side in ("encoded", "clear"):
        for kind in ("pairs", "groups"):
            for at in ("shipped", "best"):
                row = found[side][kind][at]
                assert set(row) == {"threshold", *RATES}
                assert all(0 <= row[name] <= 1 for name in RATES)
            assert found[side][kind]["best"]["f1"] >= found[side][kind]["shipped"]["f1"] - 1e-9
        assert set(found[side]["seconds"]) == {"encode", "train", "predict", "cluster", "total"}
        assert found[side]["pairs"]["best"]["f1"] > 0.85
    assert found["encoded"]["pairs"]["best"]["f1"] > found["clear"]["pairs"]["best"]["f1"] - 0.03
    # Some relatives are kept apart by the guard, which clear text has not.
    assert "unguarded" not in found["clear"]
    guarded, unguarded = found["encoded"]["groups"]["best"], found["encoded"]["unguarded"]
    assert unguarded["threshold"] == guarded["threshold"]
    assert unguarded["recall"] > guarded["recall"]
    assert "Encoded, groups, unguarded" in printed
    partners = {"police", "probation", "treatment", "housing"}
    assert set(found["encoded"]["sources"]) >= {"police–probation", "police–police"}
    assert {name for pair in found["clear"]["sources"] for name in pair.split("–")} == partners
    names = set(people["last_name"].drop_nulls()) | set(people["postcode"].drop_nulls())
    assert not [name for name in names if len(name) > 4 and name in printed]


def test_two_sources_are_linked_across_only(run, people):
    two = people.filter(pl.col("source").is_in(["police", "probation"]))
    found, _ = run(two)
    both = two.select("source", "true_id")
    across = both.filter(source="police").join(both.filter(source="probation"), on="true_id")
    assert found["true_pairs"] == across.height
    assert list(found["encoded"]["sources"]) == ["police–probation"]
    assert found["encoded"]["sources"]["police–probation"]["true_pairs"] == across.height


@pytest.mark.slow
def test_columns_may_be_missing_and_labels_are_not_looked_at(run, people):
    fewer = people.drop("postcode", "nhs_number").with_columns(sex=pl.lit(None, pl.String))
    found, _ = run(fewer)
    assert 0 < found["encoded"]["pairs"]["best"]["f1"] < 1
    # Other labels judge otherwise, but the same pairs are found in the same way.
    mixed = fewer.with_columns(pl.col("true_id").shuffle(seed=1))
    wrong, _ = run(mixed)
    assert wrong["encoded"]["pairs"]["best"]["f1"] < 0.1


def test_raw_dates_and_foreign_postcodes_are_read(tmp_path):
    path = tmp_path / "some.parquet"
    pl.DataFrame(
        {
            "source": ["a"] * 100,
            "true_id": range(100),
            "dob": ["1980-02-01", None, None, None] * 25,
            "dob_raw": ["19800102", "19810203", "04/03/1982", "19899999"] * 25,
            "postcode": ["2065", "nr3 1ab", "", None] * 25,
            "sex": ["female", "M", "1", "?"] * 25,
        }
    ).write_parquet(path)
    read = read_labelled(path).head(4)
    assert read["dob"].dt.to_string("%Y-%m-%d").to_list() == [
        "1980-02-01", "1981-02-03", "1982-03-04", None,
    ]  # fmt: skip
    assert read["postcode"].to_list() == ["2065", "NR31AB", None, None]
    assert read["sex"].to_list() == ["F", "M", "M", None]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not parquet", "cannot be read as Parquet"),
        ({"source": ["a"] * 200, "first_name": ["A"] * 200}, "lacks true_id"),
        ({"source": ["a"] * 200, "true_id": ["A"] * 200}, "lacks every column"),
        ({"source": ["a"], "true_id": ["1"], "dob": ["1980-01-01"]}, "under 100 records"),
        ({"source": [None] * 200, "true_id": ["1"] * 200, "sex": ["F"] * 200}, "without source"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path, content, said):
    path = Path(tmp_path / "labelled.parquet")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pl.DataFrame(content).write_parquet(path)
    done = CliRunner().invoke(app, ["linkage-benchmark", str(path)])
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there_is_wrong_use_or_refused(tmp_path):
    done = CliRunner().invoke(app, ["linkage-benchmark", str(tmp_path / "none.parquet")])
    assert done.exit_code in (1, 2)
    assert "cannot be read" in done.output
