"""What a review managed to publish, or to work out from what was published, it no longer can."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from governance.disclosure import DisclosureError
from schemas.errors import StoreError
from warehouse.publish import Approval, Draft, draft_digest, write_draft, write_publication
from warehouse.publish.tables import outcomes, transitions

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def draft(**tables: pl.DataFrame) -> Draft:
    return Draft(
        tables={
            name: table.with_columns(period_start=pl.lit("a"), period_end=pl.lit("b"))
            for name, table in tables.items()
        },
        notes=("A note.",),
        run_id="20261121-000000-0000",
        as_at={"police": "2026-06-30"},
        metrics=(),
        built_at=NOW,
    )


def counted(numerators: list[int], denominators: list[int]) -> pl.DataFrame:
    """Arrest to treatment with its parts, as the SQL counts it."""
    groups = ["All", "Positive for opiates", "Positive for cocaine", "Positive for both"]
    tops, bottoms = [sum(numerators), *numerators], [sum(denominators), *denominators]
    return pl.DataFrame(
        {
            "metric": "arrest_to_treatment",
            "measure": "start_28_days",
            "category": groups,
            "numerator": tops,
            "denominator": bottoms,
            "numerator_total": bottoms,
            "denominator_total": [None, *[sum(denominators)] * 3],
            "numerator_people": tops,
            "denominator_people": bottoms,
            "rest_people": [b - t for t, b in zip(tops, bottoms, strict=True)],
        }
    )


def test_a_masked_group_cannot_be_taken_from_the_row_of_all():
    published = outcomes(counted([0, 0, 0], [12, 12, 4]))
    assert published["denominator"].to_list().count("[c]") >= 2
    assert published["denominator"][0] == "30"


def test_a_masked_transition_cannot_be_taken_from_its_row():
    table = pl.DataFrame(
        {"from_step": "Arrest", "to_step": ["A", "B", "C"], "people": [12, 12, 4]}
    ).with_columns(
        denominator=28,
        people_behind=pl.col("people"),
        denominator_behind=28,
        rest_people=28 - pl.col("people"),
    )
    assert transitions(table)["people"].to_list().count("[c]") >= 2


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"category": ["x"], "people": ["1"]}),
        pl.DataFrame({"category": ["x"], "people": [10]}),
        pl.DataFrame({"category": ["x"], "people": ["10"], "exact": [9]}),
        pl.DataFrame({"category": ["x"], "people": ["10"], "mean_age": [31.5]}),
    ],
    ids=["small", "not gated", "exact beside", "a mean"],
)
def test_the_writer_refuses_what_did_not_come_from_the_gate(tmp_path, table):
    with pytest.raises(DisclosureError, match="gate"):
        write_draft(draft(odd=table), tmp_path / "draft")
    assert not (tmp_path / "draft").exists()


@pytest.mark.parametrize("changed", ["notes", "run_id", "data_as_at", "demonstration"])
def test_nothing_a_draft_says_can_be_changed_after_an_approval(tmp_path, monkeypatch, changed):
    folder = tmp_path / "draft"
    monkeypatch.setattr("warehouse.publish.files.render", lambda *args, **kwargs: "<html></html>")
    digest = write_draft(draft(), folder)
    record = json.loads((folder / "draft.json").read_text())
    assert digest == record["digest"] == draft_digest(folder)
    record[changed] = ["exactly 3 people"]
    (folder / "draft.json").write_text(json.dumps(record))
    with pytest.raises(StoreError):
        draft_digest(folder)


def test_one_officer_spelt_two_ways_is_one_officer(tmp_path, monkeypatch):
    folder = tmp_path / "draft"
    monkeypatch.setattr("warehouse.publish.files.render", lambda *args, **kwargs: "<html></html>")
    digest = write_draft(draft(), folder)
    for other in ("a.  name", "A. Name\u200b", "\uff21. Name"):
        approvals = [Approval("A. Name", digest, NOW), Approval(other, digest, NOW)]
        with pytest.raises(StoreError, match="2 different people"):
            write_publication(
                folder, tmp_path / "out", approvals, publication_id="p", published_at=NOW
            )
    approvals = [Approval("A. Name", digest, NOW), Approval("B. Name", digest, NOW)]
    write_publication(folder, tmp_path / "out", approvals, publication_id="p", published_at=NOW)
