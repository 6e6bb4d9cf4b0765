"""A row that a model loses on the way is noticed by a check that the model declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warehouse_rows as rows

import warehouse.release
from warehouse.checks import check_sql
from warehouse.models import Model, load_models

FEWER = {
    "outcome": "metric || person_id <> (SELECT min(metric || person_id) FROM whole)",
    "funnel": "stage_number <> 2",
    "int_step": "step NOT IN ('arrest', 'sentence')",
    "int_cohort_new_presentation": "person_id <> 'a'",
    "int_person_substance": "found_by <> 'drug test' OR substance <> 'Opiates'",
}
PERSON = {
    "police_custody": [{"arrest_date": "2025-05-01"}],
    "police_drug_test": [{"test_date": "2025-05-01", "result": "POS_BOTH"}],
    "probation_sentence": [{"sentence_date": "2025-05-02", "sentence_type": "COEW"}],
    "treatment_episode": [{"triaged": "2025-05-05"}],
    "treatment_intervention": [{"modst": "2025-05-09"}],
}


def test_a_loss_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: dict[str, int] = {}
    made = warehouse.release.every_model

    def losing(*given: Any, **more: Any) -> tuple[Model, ...]:
        return tuple(
            replace(
                model,
                sql=f"WITH whole AS ({model.sql}) SELECT * FROM whole WHERE {FEWER[model.name]}",
            )
            if model.name in FEWER
            else model
            for model in made(*given, **more)
        )

    def counted(con: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> int:
        for model in models:
            if model.name in FEWER:
                asked = [check_sql(model.name, check) for check in model.checks]
                broken[model.name] = sum(con.execute(sql).fetchall() != [(0,)] for sql in asked)
        return 0

    monkeypatch.setattr(warehouse.release, "every_model", losing)
    monkeypatch.setattr(warehouse.release, "run_checks", counted)
    rows.release(tmp_path, {"a": PERSON, "b": PERSON})
    assert broken == {
        "outcome": 1,
        "funnel": 1,
        "int_step": 2,
        "int_cohort_new_presentation": 1,
        "int_person_substance": 1,
    }


def test_what_is_told_by_the_quarter_is_of_a_quarter_there_is() -> None:
    for mart in load_models():
        if mart.layer == "marts" and mart.name != "period" and "period_id" in mart.columns:
            assert "related period_id -> period.period_id" in mart.checks, mart.name
