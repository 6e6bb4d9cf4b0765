"""What a partnership may be doing when the plug is pulled: each a function of its folder.

They run in children of `plug_server`, with a slight warehouse, one small table to publish and
extracts encoded in the same process, so that a run takes a second.
"""

from __future__ import annotations

import csv
import functools
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from few_counts import few_counts
from slight import MARTS, in_this_process, make_slight, trust_the_extension

from flows.clock import Clock, local_day, utc_now
from flows.settings import Settings, load_settings

PEOPLE, SEED = 60, 7
WHY = "Trying what a power cut does"
KEPT_OPEN = ExitStack()
SOURCE_URL = "THE_DATABASE_OF_THE_POLICE"


def prepare(marts: Iterable[str] = MARTS) -> None:
    """Make this process, and so its children, one in which a run is quick.

    Args:
        marts: Which marts a release has.
    """
    import duckdb
    import sqlglot

    from warehouse import models

    patch, connects = pytest.MonkeyPatch(), duckdb.connect
    make_slight(patch, marts)
    KEPT_OPEN.enter_context(few_counts())

    def with_one_thread(*args: Any, config: dict[str, Any] | None = None, **more: Any) -> Any:
        return connects(*args, config={"threads": 1, **(config or {})}, **more)

    patch.setattr(duckdb, "connect", with_one_thread)
    trust_the_extension(patch)
    parsed = functools.cache(sqlglot.parse_one)
    patch.setattr(sqlglot, "parse_one", lambda *words, **how: parsed(*words, **how).copy())
    models.load_models()  # which keeps what each reads
    # Reads nothing and writes nothing, and takes a third of such a run.
    patch.setattr("warehouse.frames.check_metrics", lambda metrics: None)
    if "REAL_CHILD" not in os.environ:
        in_this_process(patch)


def settings_of(folder: Path) -> Settings:
    settings, kept = load_settings(folder / "partnership.yaml"), folder.parent / "custody"
    if kept.is_dir() and not (folder / "keys" / "store.key").exists():
        # What custodians and partners still have comes back to a machine that was empty.
        for name in ("keys", "inbox"):
            shutil.copytree(kept / name, folder / name, dirs_exist_ok=True)
    return settings


def clock_of(now: str | None = None, then: str | None = None, after: int = 0) -> Clock:
    """A clock that stands at a moment and goes on from there, or jumps to another after a while."""
    if now is None:
        return utc_now
    started, first = utc_now(), datetime.fromisoformat(now)
    jumped = None if then is None else datetime.fromisoformat(then)
    asked = 0

    def clock() -> datetime:
        nonlocal asked
        asked += 1
        begun = jumped if jumped is not None and asked > after else first
        return begun.astimezone(UTC) + (utc_now() - started)

    return clock


def make(folder: Path, people: int = PEOPLE) -> None:
    """A partnership with extracts that has not run."""
    from flows.start import start
    from synthetic import write_extracts

    write_extracts(people, SEED, folder)
    start(folder, demo=True, today=local_day(utc_now()))
    config = folder / "partnership.yaml"
    config.write_text(config.read_text().replace(": half-year", ": year"))


def run(
    folder: Path, source: str | None = None, patience: int | None = None, **clock: Any
) -> dict[str, Any]:
    """The journey; the address of a source that is a database, and seconds to wait for SQLite."""
    from flows.refresh import run_refresh
    from governance.control import database

    os.environ[SOURCE_URL] = source or ""
    database.LONGEST_WAIT = patience or database.LONGEST_WAIT
    return run_refresh(settings_of(folder), clock=clock_of(**clock))


def change(folder: Path) -> None:
    """One arrest more in the inbox of the police."""
    path = folder / "inbox" / "police" / "custody.csv"
    lines = path.read_text().splitlines(keepends=True)
    reference, _, rest = lines[-1].partition(",")
    path.write_text("".join([*lines, f"{reference}X,{rest}"]))


def share(folder: Path) -> None:
    """The police put another extract on a share, which is now their source."""
    import yaml

    change(folder)
    there, inbox = folder / "share", folder / "inbox" / "police"
    there.mkdir()
    for path in inbox.iterdir():
        (there / path.name).write_bytes(path.read_bytes())
    (inbox / "custody.csv").rename(inbox / "custody.tsv")  # what a new snapshot takes the place of
    said = yaml.safe_load((folder / "partnership.yaml").read_text())
    said["partners"]["police"]["source"] = {
        "kind": "folder",
        "folder": "share",
        "settle_seconds": 0,
        "attempts": 1,
    }
    (folder / "partnership.yaml").write_text(yaml.safe_dump(said, sort_keys=False))


def share_database(folder: Path, url: str) -> None:
    """The police put another extract into a database, which is now their source."""
    import sqlalchemy as sa
    import yaml

    change(folder)
    inbox, queries, engine = folder / "inbox" / "police", {}, sa.create_engine(url)
    with engine.begin() as connection:
        for path in sorted(inbox.glob("*.csv")):
            rows = rows_of(path)
            columns = [sa.Column(name, sa.Text) for name in rows[0]]
            table = sa.Table(path.stem, sa.MetaData(), *columns)
            table.create(connection)
            connection.execute(sa.insert(table), rows)
            queries[path.stem] = f'SELECT * FROM "{path.stem}"'
            path.unlink()
    engine.dispose()
    said = yaml.safe_load((folder / "partnership.yaml").read_text())
    said["partners"]["police"]["source"] = {
        "kind": "database",
        "url": f"env:{SOURCE_URL}",
        "queries": queries,
        "attempts": 1,
    }
    (folder / "partnership.yaml").write_text(yaml.safe_dump(said, sort_keys=False))


def move_control(folder: Path, url: str) -> None:
    """The control database is on a server from now on."""
    import yaml

    from flows.context import open_control
    from governance.control import Control

    with open_control(settings_of(folder)) as control, Control(url) as other:
        other.fill(control.rows())
    (folder / "control.db").unlink()
    said = yaml.safe_load((folder / "partnership.yaml").read_text())
    said["control_database"] = url
    (folder / "partnership.yaml").write_text(yaml.safe_dump(said, sort_keys=False))


def pull(folder: Path) -> list[str]:
    """What is new at the sources is pulled."""
    from flows.context import actor, open_control, run_lock
    from flows.sources.pulling import pull_sources
    from governance.audit import Recorder

    settings = settings_of(folder)
    with run_lock(settings), open_control(settings) as control:
        recorder = Recorder(actor(), settings.purpose)
        looks = pull_sources(settings, control, recorder, utc_now)
    return [look.state for look in looks.values()]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def erase(folder: Path, turn: int = 1, **clock: Any) -> str:
    """Have somebody whom the police know erased: the last in the extract with a PNC ID, or so."""
    from flows.rights.requests import ask

    listed = rows_of(folder / "inbox/police/custody.csv")
    known = list(dict.fromkeys(one["pnc_id"] for one in listed if one["pnc_id"]))
    request = folder.parent / "request.csv"
    request.write_text(f"pnc_id\n{known[-turn]}\n")
    asked = ask(settings_of(folder), "erasure", "police", request, clock=clock_of(**clock))
    return asked.request_id


def approve(folder: Path, **clock: Any) -> bool:
    """Two officers approve the draft, and it is published."""
    from flows.publication.publish import approve_for_demonstration

    done = approve_for_demonstration(settings_of(folder), clock=clock_of(**clock))
    return done.published is not None


def withdraw(folder: Path) -> None:
    """The newest publication is withdrawn."""
    from flows.context import open_control
    from flows.publication.withdraw import withdraw as withdrawn

    settings = settings_of(folder)
    with open_control(settings) as control:
        public = control.publications()
    for newest in public[:1]:
        withdrawn(settings, newest.publication_id, WHY, count_again=True)


def retain(folder: Path, days: int = 1500) -> int:
    """What has been kept long enough is deleted, so many days from now."""
    from flows.retention.deleting import apply

    clock = clock_of((utc_now() + timedelta(days=days)).isoformat())
    return len(apply(settings_of(folder), local_day(clock()), clock=clock).lines)


def rotate(folder: Path, kind: Any = "store") -> int:
    """A key gets another epoch."""
    from flows.keys.rotation import rotate as rotated

    return rotated(settings_of(folder), kind)


def destroy(folder: Path, kind: Any = "store", epoch: int = 1) -> None:
    """An old epoch of a key is destroyed."""
    from flows.keys.destruction import destroy as destroyed

    destroyed(settings_of(folder), kind, epoch, why=WHY)


def go_back(folder: Path) -> str | None:
    """Readers are taken back to the release before."""
    from flows.releases.kept import roll_back

    return roll_back(settings_of(folder), None, WHY)


def checkpoint(folder: Path) -> None:
    """The record gets an entry and a checkpoint."""
    from flows.context import open_control
    from flows.readers.query import query_release
    from flows.record.checkpoints import make_checkpoint

    settings = settings_of(folder)
    query_release(settings, "SELECT count(*) FROM person", WHY)
    with open_control(settings) as control:
        make_checkpoint(settings, control)


def break_glass(folder: Path) -> None:
    """A store is opened to a question, asked it and closed."""
    from flows.readers.break_glass import ask, close_glass, open_glass

    settings = settings_of(folder)
    glass = open_glass(settings, "staging", WHY, ("A. Officer", "B. Officer"))
    ask(settings, glass.glass_id, "SELECT count(*) FROM police_drug_test")
    close_glass(settings, glass.glass_id)


def read(folder: Path, times: int = 5) -> list[int]:
    """An analyst asks the release that is read, again and again."""
    from flows.readers.query import query_release

    settings = settings_of(folder)
    sql = "SELECT count(*) FROM person"
    return [int(str(query_release(settings, sql, WHY).rows[0][0])) for _ in range(times)]


def back_up(folder: Path) -> str:
    """A backup is made, sealed to a key that a custodian has."""
    from flows.backup.making import make_backup
    from flows.backup.recipient import make_backup_key, recipient_path

    settings, key = settings_of(folder), folder.parent / "backup.key"
    if not recipient_path(settings).exists():
        key.unlink(missing_ok=True)
        make_backup_key(settings, key, local_day(utc_now()))
    return make_backup(settings, folder.parent / "backups").path.name


def wipe(folder: Path) -> None:
    """The machine is lost; backups, keys, extracts and the register of erasures are elsewhere."""
    kept = folder.parent / "custody"
    for name in ("keys", "inbox"):
        shutil.copytree(folder / name, kept / name)
    shutil.rmtree(folder)


def restore(folder: Path) -> int:
    """The newest backup is put onto the empty machine."""
    from flows.backup.restoring import restore_backup

    newest = sorted((folder.parent / "backups").glob("*.journeys"))[-1]
    return restore_backup(newest, folder, folder.parent / "backup.key").waiting


def state(folder: Path) -> dict[str, Any] | None:
    """Everything that has to stand after whatever happened: see `wholeness.look`.

    Nothing stands on a machine that a backup has not been put back onto.
    """
    from wholeness import look

    if (folder.parent / "custody").is_dir() and not folder.exists():
        return None
    return look(settings_of(folder))


def rows_by_person(folder: Path) -> dict[str, Counter[Any]]:
    """What the release of the current run holds: see `wholeness.content`."""
    from wholeness import content

    return content(settings_of(folder))


def accept_clock(folder: Path) -> None:
    """An officer says that the clock is right now."""
    from flows.record.checkpoints import accept_clock as accepted

    accepted(settings_of(folder), WHY)
