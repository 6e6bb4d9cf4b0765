"""A small partnership on the disk: that has not run, and that has run once."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from few_counts import few_counts
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
