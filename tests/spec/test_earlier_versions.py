"""What an earlier version made opens and is brought forward; what a later one made is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from record_log import faults

from governance.control import Control, versions
from governance.control.forward import forward, is_behind
from governance.control.versions import NEWEST, MadeEarlier, NotOfThisVersion
from governance.keys.custody import load_ring
from governance.keys.envelope import unwrap
from governance.keys.sources import FileSource
from schemas.errors import KeyProblem, StoreError

EARLIER = Path(__file__).parent / "earlier"
FORMATS = [int(path.stem.split("-")[1]) for path in sorted(EARLIER.glob("control-*.sql"))]
RUN = "20261122-020011-91c4"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    yield laid_out(tmp_path, FORMATS[-1])


def laid_out(folder: Path, number: int) -> Path:
    path = folder / "control.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((EARLIER / f"control-{number}.sql").read_text())
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def made_before_versions(path: Path, *also: str) -> None:
    """What the first versions made: no number, and not every column."""
    with sqlite3.connect(path) as connection:
        for said in ("DROP TABLE schema_version", "ALTER TABLE extract DROP COLUMN delivery",
                     "ALTER TABLE extract DROP COLUMN withheld",
                     "DROP TABLE reading", *also):  # fmt: skip
            connection.execute(said)


def is_whole(path: Path) -> bool:
    with Control(url(path)) as control:
        run = control.current_run()
        extract = control.staged_extracts()["police"]
    return run is not None and run.run_id == RUN and extract.kept == 2 and faults(path) == []


def test_there_is_a_frozen_database_of_every_format() -> None:
    assert set(range(1, NEWEST + 1)) == set(FORMATS)


@pytest.mark.parametrize("number", FORMATS)
def test_every_frozen_format_opens_with_a_sound_record(tmp_path: Path, number: int) -> None:
    path = laid_out(tmp_path, number)
    forward(url(path), None)
    assert is_whole(path) and not is_behind(url(path))


@pytest.mark.parametrize("number", FORMATS)
def test_frozen_keys_and_what_they_wrap_open(tmp_path: Path, number: int) -> None:
    key = tmp_path / "store.key"
    key.write_text((EARLIER / f"ring-{number}.txt").read_text())
    key.chmod(0o600)
    ring, text = load_ring(FileSource(key), "store"), (EARLIER / f"keys-{number}.json").read_text()
    assert set(unwrap(text, f"stores/{RUN}", ring).keys) == {"identity", "staging"}
    later = text.replace("data-keys-1", "data-keys-2")
    with pytest.raises(StoreError, match="made by a later version"):
        unwrap(later, f"stores/{RUN}", ring)
    key.write_text(key.read_text().replace("-key 1 ", "-key 2 "))
    with pytest.raises(KeyProblem, match="made by a later version"):
        load_ring(FileSource(key), "store")


def test_an_earlier_one_is_refused_until_it_is_brought_forward(database: Path) -> None:
    made_before_versions(database)
    with pytest.raises(MadeEarlier, match="journeys migrate"):
        Control(url(database))
    was, copy = database.read_bytes(), database.with_name("kept.db")
    assert forward(url(database), copy, dry_run=True) == ["Columns that came since were added."]
    assert database.read_bytes() == was and not copy.exists()
    assert forward(url(database), copy)
    assert is_whole(database)
    with sqlite3.connect(copy) as kept, sqlite3.connect(":memory:") as before:
        before.deserialize(was)
        assert list(kept.iterdump()) == list(before.iterdump())
    assert copy.stat().st_mode & 0o077 == 0
    assert forward(url(database), copy) == []


def test_only_a_number_is_lacking_where_every_column_is_there(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE schema_version")
    assert not is_behind(url(database)) and is_whole(database)


def test_a_step_that_fails_leaves_the_database_as_it_was(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_before_versions(database)
    was = database.read_bytes()

    def breaks(connection: object) -> None:
        raise NotOfThisVersion("It broke.", "Mend it.")

    monkeypatch.setattr(versions, "STEPS", {**versions.STEPS, 2: ("Never.", breaks)})
    monkeypatch.setattr(versions, "NEWEST", 2)
    with pytest.raises(NotOfThisVersion, match="It broke"):
        forward(url(database), None)
    assert database.read_bytes() == was
    monkeypatch.undo()
    forward(url(database), None)
    assert is_whole(database)


def test_steps_are_taken_in_order_and_each_once(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    steps = {n: (f"Step {n}.", lambda connection, n=n: taken.append(n)) for n in (3, 2, 4)}
    monkeypatch.setattr(versions, "STEPS", {**versions.STEPS, **steps})
    monkeypatch.setattr(versions, "NEWEST", 4)
    monkeypatch.setattr("governance.control.forward.NEWEST", 4)
    with pytest.raises(MadeEarlier):
        Control(url(database))
    assert forward(url(database), None) == ["Step 2.", "Step 3.", "Step 4."]
    assert taken == [2, 3, 4] and forward(url(database), None) == []
    assert is_whole(database)


def test_a_later_one_is_refused_in_a_sentence_and_left_alone(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    was = database.read_bytes()
    with pytest.raises(NotOfThisVersion, match=r"later version .*format 99"):
        Control(url(database))
    assert forward(url(database), None) == []
    assert database.read_bytes() == was


def test_a_column_that_nobody_can_fill_is_refused(database: Path) -> None:
    made_before_versions(database, "ALTER TABLE extract DROP COLUMN kept")
    was = database.read_bytes()
    with pytest.raises(NotOfThisVersion, match="the versions between"):
        forward(url(database), None)
    assert database.read_bytes() == was
