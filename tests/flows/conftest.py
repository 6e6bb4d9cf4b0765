"""A small partnership that has run once; every test gets its own copy of the folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from at_source import Desk, copied_desks, moved_to_source
from copying import copied_whole
from few_counts import few_counts
from made_once import made_once
from partnerships import Partnership, begin, run_once
from remembering import remember
from slight import in_this_process, make_slight


@pytest.fixture(scope="session")
def fresh_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "fresh", begin)


@pytest.fixture(scope="session")
def ran_original(tmp_path_factory: pytest.TempPathFactory, fresh_original: Path) -> Path:
    return made_once(tmp_path_factory, "ran", functools.partial(run_once, fresh_original))


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Partnership]:
    def copy(original: Path) -> Partnership:
        copied_whole(original, tmp_path / "partnership")
        return Partnership(tmp_path / "partnership")

    return copy


@pytest.fixture
def fresh(copied: Callable[[Path], Partnership], fresh_original: Path) -> Partnership:
    return copied(fresh_original)


@pytest.fixture
def ran(copied: Callable[[Path], Partnership], ran_original: Path) -> Partnership:
    return copied(ran_original)


@pytest.fixture(scope="session")
def at_source_original(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Path:
    make = functools.partial(moved_to_source, ran_original)
    return made_once(tmp_path_factory, "at-source", make)


@pytest.fixture(scope="session")
def police_apart_original(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Path:
    make = functools.partial(moved_to_source, ran_original, partners=["police"])
    return made_once(tmp_path_factory, "police-apart", make)


AtSource = tuple[Partnership, dict[str, Desk]]


@pytest.fixture
def with_desks(copied: Callable[[Path], Partnership], tmp_path: Path) -> Callable[[Path], AtSource]:
    """Copies a partnership that `moved_to_source` made, and its desks."""

    def copy(original: Path) -> AtSource:
        return copied(original / "partnership"), copied_desks(original, tmp_path / "desks")

    return copy


@pytest.fixture
def at_source(with_desks: Callable[[Path], AtSource], at_source_original: Path) -> AtSource:
    """A partnership that ran at the hub, and whose partners encode at source from now on."""
    return with_desks(at_source_original)


@pytest.fixture
def police_apart(with_desks: Callable[[Path], AtSource], police_apart_original: Path) -> AtSource:
    """A partnership in which the police alone encode at source; the others send nothing new."""
    return with_desks(police_apart_original)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Partnership:
    """One copy for all tests of a file that leave it as it was."""
    place = tmp_path_factory.mktemp("shared") / "partnership"
    copied_whole(ran_original, place)
    return Partnership(place)


@pytest.fixture
def slight(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test that is not about the warehouse: its runs build little of one."""
    make_slight(monkeypatch)


@pytest.fixture
def real_child() -> None:
    """For a test that is about the child process in which extracts are encoded."""


@pytest.fixture(autouse=True)
def _encode_in_this_process(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere there is no child: it is a second for every run."""
    if "real_child" not in request.fixturenames:
        in_this_process(monkeypatch)


@pytest.fixture
def all_anew() -> None:
    """For a test of whether a run does the same again: nothing is remembered from another run."""


@pytest.fixture(autouse=True)
def _work_it_out_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere what was worked out of the very same rows and keys is not worked out again."""
    if "all_anew" not in request.fixturenames:
        remember(monkeypatch)


@pytest.fixture
def whole_pack() -> None:
    """For a test that is about what is counted and written, which takes longer."""


@pytest.fixture(autouse=True)
def _draft_few_counts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Elsewhere a draft is one small table: to prove a whole one safe takes minutes."""
    if "whole_pack" in request.fixturenames:
        yield
        return
    with few_counts():
        yield
