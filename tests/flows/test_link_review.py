"""The review queue: what is shown, of whom, and that later runs respect what is decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from at_source import to_source
from typer.testing import CliRunner

from flows.cli import app
from flows.context import open_control, run_lock
from flows.keys.rings import store_keys
from flows.keys.rotation import rotate
from flows.linking.review import NotReviewed, counts, decide, show, waiting
from flows.refresh import run_refresh
from linkage.review_store import Decided, add_decision
from schemas.errors import ConfigError, JourneysError, StoreError

if TYPE_CHECKING:
    from conftest import Partnership

WHO = {"reason": "pattern", "officer": "A. Name"}


@contextmanager
def identity_store(partnership: Partnership, *, read_only: bool = True) -> Iterator[Any]:
    from warehouse.connect import open_store

    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    path = partnership.settings.stores / current.run_id / "identity.duckdb"
    key = store_keys(partnership.settings, current.run_id)["identity"]
    connection = open_store(path, key, read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def identity(partnership: Partnership, sql: str) -> list[tuple[Any, ...]]:
    with identity_store(partnership) as connection:
        return connection.execute(sql).fetchall()


def persons(partnership: Partnership, pair: str) -> tuple[object, object]:
    """Whose the two records of a pair are."""
    ((one, other),) = identity(
        partnership,
        f"""SELECT l.person_id, r.person_id FROM review_pair
        JOIN person_record l ON l.record_id = record_id_l
        JOIN person_record r ON r.record_id = record_id_r WHERE pair = '{pair}'""",
    )
    return one, other


def pairs_of(partnership: Partnership, *, linked: bool) -> list[str]:
    """The hub's pairs whose records share a person now, or do not."""
    names = [str(row["pair"]) for row in waiting(partnership.settings)]
    return [n for n in names if (len(set(persons(partnership, n))) == 1) is linked]


@pytest.mark.usefixtures("slight")
def test_decisions_are_respected_by_later_runs_and_cross_to_the_next_key(ran: Partnership) -> None:
    settings = ran.settings
    apart, together = pairs_of(ran, linked=True)[0], pairs_of(ran, linked=False)[0]
    decide(settings, apart, "different", **WHO)
    decide(settings, together, "same", **WHO)
    assert [one["decision"] for one in show(settings, apart).decisions] == ["different"]
    named = identity(
        ran, "SELECT record_id_l, record_id_r, decision FROM review_decision ORDER BY 3"
    )
    assert not {apart, together} & {str(row["pair"]) for row in waiting(settings)}
    # A new key gives every record another id; decisions go with the records.
    rotate(settings, "identifier")
    run_refresh(settings)
    after = identity(
        ran, "SELECT record_id_l, record_id_r, decision FROM review_decision ORDER BY 3"
    )
    held = dict(ran.record_person())
    (d_l, d_r, _), (s_l, s_r, _) = after
    assert {d_l, d_r} != set(named[0][:2])
    assert held[d_l] != held[d_r] and held[s_l] == held[s_r]
    assert counts(settings)["decided"] == {"different": 1, "same": 1}


def test_what_is_shown_is_agreement_and_no_record(ran: Partnership) -> None:
    records = {str(record) for record, _ in ran.record_person()}
    people = {str(person) for _, person in ran.record_person()}
    listed = ran.journeys("link", "review", "list", "--json", str(ran.folder / "list.json"))
    assert listed.exit_code == 0, listed.output
    found = json.loads((ran.folder / "list.json").read_text())
    shown = ran.journeys("link", "review", "show", found[0]["pair"])
    assert shown.exit_code == 0, shown.output
    for text in (listed.output, shown.output, json.dumps(found)):
        assert not any(name in text for name in records | people)
        assert not any(f" {partner}" in text for partner in ran.settings.partners)
    assert set(found[0]) == {
        "pair", "why", "match_weight", "decision",
        "surname", "forename", "dob", "postcode", "sex", "strong_id",
    }  # fmt: skip
    with open_control(ran.settings) as control:
        entries = [one.detail.get("review") for one in control.audit_entries("consultation")]
    assert "list" in entries and "show" in entries


def test_a_partner_is_asked_of_its_own_records_only(ran: Partnership) -> None:
    for partner in ran.settings.partners:
        names = [row["pair"] for row in waiting(ran.settings, partner=partner)]
        among = identity(
            ran,
            f"""SELECT DISTINCT l.partner, r.partner FROM review_pair
            JOIN encoded_record l ON l.record_id = record_id_l
            JOIN encoded_record r ON r.record_id = record_id_r
            WHERE asked = '{partner}'""",
        )
        assert among in ([], [(partner, partner)])
        assert bool(names) == bool(among)


def test_what_cannot_be_decided_is_refused(ran: Partnership) -> None:
    settings = ran.settings
    pair = str(waiting(settings)[0]["pair"])
    with pytest.raises(NotReviewed, match="No pair"):
        decide(settings, "nothing", "same", **WHO)
    with pytest.raises(ConfigError, match="no such decision"):
        decide(settings, pair, "perhaps", **WHO)
    with pytest.raises(ConfigError, match="no such reason"):
        decide(settings, pair, "same", reason="he told me", officer="A. Name")
    with pytest.raises(NotReviewed, match="name of who"):
        decide(settings, pair, "same", reason="pattern", officer="  ")
    with pytest.raises(ConfigError, match="no such partner"):
        waiting(settings, partner="elsewhere")
    with run_lock(settings), pytest.raises(JourneysError, match="Another run"):
        decide(settings, pair, "same", **WHO)
    assert counts(settings)["decided"] == {}
    # A third record that is different from the one and the same as the other forbids "same".
    ((one, other),) = identity(
        ran, f"SELECT record_id_l, record_id_r FROM review_pair WHERE pair = '{pair}'"
    )
    third = next(record for record, _ in ran.record_person() if record not in (one, other))
    with identity_store(ran, read_only=False) as connection:
        for record, decision in ((one, "different"), (other, "same")):
            said = Decided(decision, "pattern", "A. Name", datetime(2026, 11, 22))
            add_decision(connection, record, third, said)
    with pytest.raises(NotReviewed, match="contradicts"):
        decide(settings, pair, "same", **WHO)
    decide(settings, pair, "different", **WHO)


def test_before_the_first_run_there_is_nothing_to_review(fresh: Partnership) -> None:
    with pytest.raises(StoreError, match="nothing to review"):
        waiting(fresh.settings)
    assert fresh.journeys("link", "report").exit_code == 1


def test_a_partner_finds_its_own_records_at_its_own_desk(
    ran: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with identity_store(ran, read_only=False) as connection:
        police = connection.execute(
            "SELECT record_id FROM encoded_record WHERE partner = 'police' ORDER BY 1 LIMIT 2"
        ).fetchall()
        (one,), (other,) = police
        connection.execute("DELETE FROM review_pair")
        connection.execute(
            "INSERT INTO review_pair VALUES ('0a0b0c0d', 'police', ?, ?, 'near')", [one, other]
        )
    desk = to_source(ran.folder, tmp_path / "desks", ["police"])["police"]
    pairs, own = desk.folder / "pairs.csv", desk.folder / "own.csv"
    for _ in range(2):  # the next one replaces it
        listed = ran.journeys("link", "review", "list", "--partner", "police", "--out", str(pairs))
        assert listed.exit_code == 0, listed.output
    assert pairs.stat().st_mode & 0o077 == 0
    monkeypatch.chdir(desk.folder)
    words = ["link", "review", "own", "police", str(desk.extract), "--pairs", str(pairs)]
    words += ["--keys", str(desk.keys), "--passphrase-file", str(desk.passphrase)]
    for _ in range(2):
        found = CliRunner().invoke(app, [*words, "--out", str(own)])
        assert found.exit_code == 0, found.output
    told = pl.read_csv(own, infer_schema=False)
    sent = pl.read_csv(desk.extract / "custody.csv", infer_schema=False)["custody_ref"].to_list()
    assert told["pair"].to_list() == ["0a0b0c0d"] * 2
    assert all(row["record_key"] in sent for row in told.to_dicts() if row["table"] == "custody")
    assert not any(key in found.output for key in told["record_key"])
    # At a hub no record key is shown.
    there = CliRunner().invoke(
        app, [*words[:4], str(ran.folder / "inbox" / "police"), *words[5:], "--out", str(own)]
    )
    assert there.exit_code == 2 and "own desk" in there.output
