"""The whole way once, with nothing standing in: run, draft, approve, publish, verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from flows.refresh import run_refresh

if TYPE_CHECKING:
    from conftest import Partnership

FILES = {
    *("index.html", "board-pack.pdf", "pack.json", "tables.xlsx", "tables.ods", "release.json"),
    *("csv-metadata.json", "funnel.csv", "outcomes.csv", "transitions.csv", "framework.csv"),
}


@pytest.mark.slow
def test_a_night_ends_in_a_pack_that_anyone_can_check(fresh: Partnership, whole_pack: None) -> None:
    report = run_refresh(fresh.settings)
    assert report["draft"]["digest"] is not None, report["draft"]["said"]
    assert fresh.journeys("publish", "--demo-officers").exit_code == 0
    (folder,) = (fresh.folder / "publications").iterdir()
    assert {path.name for path in folder.iterdir()} >= FILES
    for path in folder.glob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        for column in {"people", "of_people", "numerator", "denominator"} & set(frame.columns):
            for value in frame[column].drop_nulls():
                assert not value.isdigit() or int(value) % 5 == 0
    (proof,) = (fresh.folder / "certificates").rglob("*.certificate")
    verified = fresh.journeys("verify", str(folder), "--certificate", str(proof))
    assert verified.exit_code == 0 and "Proved" in verified.stdout, verified.stderr
    assert "4 read off those releases again" in verified.stdout
    masks = pl.read_csv(fresh.folder / "drafts" / folder.name / "for-approvers" / "masks.csv")
    assert masks.height and not masks["reason"].null_count()
    public = "".join(path.read_text("utf-8") for path in folder.glob("*.json"))
    assert "told by another table" not in public and "nearly all of its total" not in public
    assert json.loads((folder / "release.json").read_text())["new"]
    later = run_refresh(fresh.settings)
    assert later["draft"]["digest"] is None and "Nothing new to publish" in later["draft"]["said"]
