"""Writes what `tests/spec/earlier` holds. What lies there is kept as it was made, and added to only
when a format changes: `python tests/support/make_earlier.py N` from the root, N the new format."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from datetime import date
from pathlib import Path

from record_log import NOW, RECORDER, fill

from governance.control import Control, Extract
from governance.keys.envelope import new_data_keys, wrap
from governance.keys.ring import KeyRing, Line, new_secret
from governance.keys.root import RootKey

EARLIER = Path(__file__).parents[1] / "spec" / "earlier"
RUN, DAY = "20261122-020011-91c4", date(2026, 11, 22)


def control_database(path: Path) -> None:
    """A small database with a run, an extract and a record."""
    fill(path, 12)
    with Control(f"sqlite:///{path}") as control:
        control.begin_run(RUN, at=NOW, actor="someone", purpose="cohort-journeys")
        extract = Extract(RUN, "police", "keyed:1", "sha256:2", 1, "ab", 3, 2, 1, 0, 0, DAY)
        control.commit_run(
            RUN,
            at=NOW,
            report={"partners": {}},
            extracts=[extract],
            draft_digest=None,
            audit=[RECORDER.entry("erasure", NOW, detail={"rows": 2})],
        )


def main(number: str) -> None:
    """Write the files of a format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "control.db"
        control_database(path)
        with sqlite3.connect(path) as connection:
            lines = "\n".join(connection.iterdump())
    (EARLIER / f"control-{number}.sql").write_text(lines + "\n")
    secret = new_secret()
    line = Line("key", "store", 1, DAY, secret)
    (EARLIER / f"ring-{number}.txt").write_text(line.text() + "\n")
    ring = KeyRing("store", {1: RootKey(secret)}, {1: DAY})
    keys = wrap(new_data_keys(f"stores/{RUN}", ["identity", "staging"]), ring)
    (EARLIER / f"keys-{number}.json").write_text(keys)


if __name__ == "__main__":
    main(sys.argv[1])
