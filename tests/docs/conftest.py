"""The partnership in whose folder the pages are followed: it has run and published."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from copying import copied_whole
from few_counts import few_counts
from made_once import made_once
from partnerships import begin, run_once
from stages import UNPUBLISHED

from flows.publication.publish import approve_for_demonstration
from flows.settings import load_settings


def _publish(ran: Path, folder: Path) -> None:
    copied_whole(ran, folder)
    with few_counts():
        approve_for_demonstration(load_settings(folder / "partnership.yaml"))


@pytest.fixture(scope="session")
def ran_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fresh = made_once(tmp_path_factory, "fresh", begin)
    return made_once(tmp_path_factory, "ran", functools.partial(run_once, fresh))


@pytest.fixture(scope="session")
def published_original(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Path:
    return made_once(tmp_path_factory, "published", functools.partial(_publish, ran_original))


@pytest.fixture
def folder(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    ran_original: Path,
    published_original: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The folder in which a page's commands are given: that partnership's, a copy of its own.

    What takes long and is tried elsewhere is not done again: a run is quick, and drafts one table.
    """
    home, page = tmp_path / "partnership", request.node.callspec.params.get("page")
    copied_whole(ran_original if page in UNPUBLISHED else published_original, home)
    monkeypatch.setenv("COLUMNS", "118")
    monkeypatch.delenv("JOURNEYS_CONFIG", raising=False)
    monkeypatch.chdir(home)
    with few_counts():
        yield home
