"""A small partnership that has run once; every test gets its own copy of the folder."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from few_counts import few_counts
from made_once import made_once
from slight import make_slight
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.refresh import run_refresh
from flows.settings import Settings, load_settings
from flows.start import start
from synthetic import write_extracts

PEOPLE, SEED = 150, 7
KEPT_ZONES = ("stores", "releases", "drafts", "certificates", "publications")


@dataclass(frozen=True)
class Partnership:
    """A partnership folder on the disk."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "partnership.yaml"

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    def inbox(self, partner: str, table: str) -> Path:
        return self.folder / "inbox" / partner / f"{table}.csv"

    def journeys(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def kept(self) -> dict[str, str]:
        """The digest of every file that a failed run must leave as it was."""
        files = [p for z in KEPT_ZONES for p in (self.folder / z).rglob("*") if p.is_file()]
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def select(self, sql: str) -> list[tuple[object, ...]]:
        from flows.readers.query import query_release

        return query_release(self.settings, sql).rows

    def record_person(self) -> list[tuple[object, ...]]:
        """Which person each record is of, from the identity store."""
        return self.identity("SELECT record_id, person_id FROM person_record ORDER BY 1")

    def identity(self, sql: str) -> list[tuple[object, ...]]:
        """What the identity store of the current run answers."""
        from flows.keys.rings import store_keys
        from warehouse.connect import open_store

        with open_control(self.settings) as control:
            current = control.current_run()
        assert current is not None
        key = store_keys(self.settings, current.run_id)["identity"]
        path = self.settings.stores / current.run_id / "identity.duckdb"
        connection = open_store(path, key, read_only=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def last_problem(self) -> str | None:
        with open_control(self.settings) as control:
            run = control.last_run()
        return run.problem if run else None


def begin(folder: Path) -> Partnership:
    """A partnership with extracts that has not run."""
    write_extracts(PEOPLE, SEED, folder)
    start(folder, demo=True, today=local_day(utc_now()))
    partnership = Partnership(folder)
    # So few people are nearly all masked in a quarter.
    text = partnership.config.read_text()
    partnership.config.write_text(text.replace(": half-year", ": year"))
    return partnership


def run_once(fresh: Path, folder: Path) -> None:
    shutil.copytree(fresh, folder)
    with few_counts():
        run_refresh(load_settings(folder / "partnership.yaml"))


@pytest.fixture(scope="session")
def fresh_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "fresh", begin)


@pytest.fixture(scope="session")
def ran_original(tmp_path_factory: pytest.TempPathFactory, fresh_original: Path) -> Path:
    return made_once(tmp_path_factory, "ran", functools.partial(run_once, fresh_original))


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Partnership]:
    def copy(original: Path) -> Partnership:
        shutil.copytree(original, tmp_path / "partnership")
        return Partnership(tmp_path / "partnership")

    return copy


@pytest.fixture
def fresh(copied: Callable[[Path], Partnership], fresh_original: Path) -> Partnership:
    return copied(fresh_original)


@pytest.fixture
def ran(copied: Callable[[Path], Partnership], ran_original: Path) -> Partnership:
    return copied(ran_original)


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
        monkeypatch.setattr(
            "flows.intake.apart.in_a_child", lambda function, *args: function(*args)
        )


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
