"""Every worked question is asked as the page has it, of a release of made-up people."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from few_counts import few_counts
from made_once import made_once
from worked_questions import questions

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.keys.rings import release_key
from flows.refresh import run_refresh
from flows.settings import load_settings
from flows.start import start
from synthetic import write_extracts
from warehouse.analyst import select
from warehouse.connect import open_release

PEOPLE, SEED, SECONDS = 600, 1, 2.0


def run_with_every_table(folder: Path) -> None:
    """A partnership whose partners send every table they may, run once."""
    write_extracts(PEOPLE, SEED, folder, extras=True)
    start(folder, demo=True, today=local_day(utc_now()))
    with few_counts():
        run_refresh(load_settings(folder / "partnership.yaml"))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    folder = made_once(tmp_path_factory, "every_table", run_with_every_table)
    settings = load_settings(folder / "partnership.yaml")
    with open_control(settings) as control:
        current = control.current_run()
    assert current is not None
    path = settings.releases / current.run_id / "warehouse.duckdb"
    with open_release(path, release_key(settings, current.run_id)) as con:
        yield con


def test_there_are_thirty_and_each_says_what_comes_back() -> None:
    found = questions()
    assert [one.number for one in found] == list(range(1, 31))
    assert all(one.columns for one in found)


@pytest.mark.parametrize("question", questions(), ids=lambda one: str(one.number))
def test_a_question_gives_what_the_page_says_and_soon(release, question) -> None:
    began = time.process_time()
    found = select(release, question.sql)
    assert time.process_time() - began < SECONDS * 2  # seconds at work, on both cores
    assert list(zip(found.columns, found.types, strict=True)) == question.columns
    assert found.rows
    assert question.rows is None or len(found.rows) == question.rows
