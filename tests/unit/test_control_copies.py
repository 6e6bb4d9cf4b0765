"""The control database copied while it is written to, and moved from one database to another."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from record_log import NOW, RECORDER, faults, fill
from servers import PostgresServer

from governance.control import Control, Extract
from governance.control.tables import METADATA
from governance.record.verify import walk
from schemas.errors import StoreError


def filled(path: Path) -> Control:
    fill(path, 40)
    control = Control(f"sqlite:///{path}")
    control.begin_run("20261122-020011-91c4", at=NOW, actor="someone", purpose="cohort-journeys")
    control.commit_run(
        "20261122-020011-91c4",
        at=NOW,
        report={"partners": {"police": "räume"}, "n": [1, 2.5, None]},
        extracts=[Extract("20261122-020011-91c4", "police", "keyed:1", "sha256:2", 1, "ab", 3, 2,
                          1, 0, 0, NOW.date(), None, NOW)],
        draft_digest=None,
        audit=[RECORDER.entry("erasure", NOW, detail={"ä": 'quo"te', "b": 2})],
    )  # fmt: skip
    return control


def sound(control: Control) -> bool:
    with control.snapshot() as kept:
        found = walk(kept.rows(), kept.size, kept.peaks, kept.outside, set())
    return not found.faults and found.size > 40


def test_rows_go_from_sqlite_to_postgresql_and_back_as_they_are(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with filled(tmp_path / "one.db") as one, Control(postgres_server.new_database()) as other:
        rows = list(one.rows())
        assert {table.name for table in METADATA.sorted_tables} >= {"run", "audit_entry"}
        assert other.fill(rows) == len(rows)
        assert sorted(other.rows()) == sorted(rows) and sound(other)
        assert other.head() == one.head()
        with pytest.raises(StoreError, match="not empty"):
            other.fill(rows)
        # It goes on from there, its numbers too.
        other.add_audit(RECORDER.entry("erasure", NOW))
        other.forget_reports(NOW)
        with Control(f"sqlite:///{tmp_path / 'back.db'}") as back:
            back.fill(other.rows())
            assert sound(back) and back.current_run() == other.current_run()
    assert faults(tmp_path / "back.db") == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"table": "run"}',
        '{"table": "nobody", "row": {}}',
        '{"table": "run", "row": {"a": 1}}',
    ],
)
def test_rows_that_are_none_of_ours_fill_nothing(tmp_path: Path, line: str) -> None:
    with (
        filled(tmp_path / "one.db") as one,
        Control(f"sqlite:///{tmp_path / 'other.db'}") as other,
    ):
        with pytest.raises(StoreError, match="none that this version"):
            other.fill([*one.rows(), line])
        assert other.is_empty()


def test_a_file_is_copied_as_it_is_at_one_moment_while_others_write(tmp_path: Path) -> None:
    path, stop = tmp_path / "one.db", threading.Event()
    with filled(path) as one:

        def write() -> None:
            with Control(f"sqlite:///{path}") as other:
                while not stop.is_set():
                    other.add_audit(RECORDER.entry("consultation", NOW))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                one.copy_file(tmp_path / f"{number}.db")
        finally:
            stop.set()
            writer.join()
        for number in range(5):
            assert faults(tmp_path / f"{number}.db") == []
        with pytest.raises(StoreError, match="cannot be copied"):
            one.copy_file(tmp_path / "0.db")
