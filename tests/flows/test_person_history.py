"""`journeys link history`: what an old person id became."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flows.context import open_control
from flows.keys.rings import store_keys
from warehouse.connect import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Partnership


def test_an_id_is_resolved_and_that_it_was_asked_is_recorded(
    ran: Partnership, tmp_path: Path
) -> None:
    settings = ran.settings
    with open_control(settings) as control:
        current = control.current_run()
    assert current is not None
    path = settings.stores / current.run_id / "identity.duckdb"
    connection = open_store(path, store_keys(settings, current.run_id)["identity"])
    (kept,) = connection.execute("SELECT min(person_id) FROM person").fetchall()[0]
    connection.execute(
        "INSERT INTO person VALUES ('0123456789abcdef', now()::TIMESTAMP, 'r0', 'r1')"
    )
    connection.execute(
        "INSERT INTO person_history VALUES "
        "(TIMESTAMP '2026-01-02 03:00', 'r1', 'merged', '0123456789abcdef', ?, 2)",
        [kept],
    )
    connection.close()

    done = ran.journeys("link", "history", "0123456789abcdef", "--json", str(tmp_path / "out"))
    assert done.exit_code == 0
    assert f"it is now {kept}" in done.stdout
    assert f"2026-01-02 03:00  run r1  merged: 2 record(s) went to {kept}" in done.stdout
    told = json.loads((tmp_path / "out").read_text())
    assert (told["state"], told["now"]) == ("merged", [kept])
    assert told["events"][0]["records"] == 2
    with open_control(settings) as control:
        assert [e.action for e in control.audit_entries()][-1] == "consultation"

    in_use = ran.journeys("link", "history", str(kept))
    assert f"{kept} is in use" in in_use.stdout
    assert "merged: 2 record(s) came from 0123456789abcdef" in in_use.stdout

    never = ran.journeys("link", "history", "f" * 16)
    assert never.exit_code == 1
    assert "No person of this partnership has ever had that id." in never.stderr
    for no_id in ("f" * 15, "F" * 16, "O'Brien", "../" + "f" * 13):
        wrong = ran.journeys("link", "history", no_id)
        assert wrong.exit_code == 2
        assert "That is not a person id." in wrong.stderr
        assert no_id not in wrong.stderr
