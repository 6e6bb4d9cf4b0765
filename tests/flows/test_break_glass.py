"""Breaking the glass: who may, what is shown, what is recorded, and what nobody can do with it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from types import SimpleNamespace

import pytest

from flows.clock import utc_now
from flows.context import open_control
from flows.readers.break_glass import (
    MOST_ROWS,
    Glass,
    alerts,
    ask,
    close_glass,
    glasses,
    open_glass,
    used,
    what_is_read,
)
from flows.report import _glass_broken
from governance.control import AuditEntry
from schemas.errors import ConfigError, KeyProblem, RefusedQuery, StoreError

OFFICERS = ("A. Name", "B. Name")
WHY = "A link that may harm somebody"
CANARY = "31415926535897932"


def opened(partnership, store: str = "identity", **more) -> Glass:
    return open_glass(partnership.settings, store, WHY, OFFICERS, **more)


def record(partnership) -> list[AuditEntry]:
    with open_control(partnership.settings) as control:
        return [one for one in control.audit_entries() if "break_glass" in one.detail]


@pytest.mark.parametrize(
    ("store", "table"), [("identity", "encoded_record"), ("staging", "police_custody")]
)
def test_a_store_is_read_and_the_record_says_what_was_read(ran, store, table) -> None:
    glass = opened(ran, store)
    sql = f"SELECT record_id AS a_{CANARY} FROM {table} WHERE record_id <> {CANARY} LIMIT 3"
    assert len(ask(ran.settings, glass.glass_id, sql).rows) == 3
    first, before, after = record(ran)
    assert (first.action, first.detail["store"], first.detail["reason"]) == (
        "oversight",
        store,
        WHY,
    )
    assert before.action == after.action == "consultation"
    assert (before.detail["said"], before.detail["tables"], before.detail["columns"]) == (
        "asked",
        table,
        "record_id",
    )
    assert (after.detail["said"], after.detail["rows"]) == ("answered", 3)
    assert CANARY.encode() not in (ran.folder / "control.db").read_bytes()
    plain = hashlib.sha256(sql.encode()).hexdigest()
    assert plain not in before.detail["query"], "who has the record could try guesses on it"
    assert len(used(ran.settings, sql)) == 1 and not used(ran.settings, sql + " ")


def test_a_question_is_recorded_though_it_fails(ran) -> None:
    glass = opened(ran)
    with pytest.raises(RefusedQuery):
        ask(ran.settings, glass.glass_id, "SELECT error(partner) FROM encoded_record")
    for sql in ("DELETE FROM encoded_record", "SELECT '\udcff'", "SELECT 1\0"):
        with pytest.raises(RefusedQuery):
            ask(ran.settings, glass.glass_id, sql)
    assert [one.detail["said"] for one in record(ran)] == ["opened", *["asked"] * 4]


@pytest.mark.parametrize(
    "officers", [(), ("A. Name",), ("A. Name", "a.  name"), ("A. Name", " "), ("A", "B", "C")]
)
def test_it_takes_two_different_officers(ran, officers) -> None:
    with pytest.raises(ConfigError, match="Two different officers"):
        open_glass(ran.settings, "identity", WHY, officers)
    assert record(ran) == []


def test_other_stores_long_times_and_reasons_that_name_somebody_are_refused(ran) -> None:
    for store, minutes, why in (
        ("suppression", 60, WHY),
        ("identity", 241, WHY),
        ("identity", 0, WHY),
        ("identity", 60, "About CU0000017"),
    ):
        with pytest.raises(ConfigError):
            open_glass(ran.settings, store, why, OFFICERS, minutes)
    assert record(ran) == []


def test_without_the_store_key_nothing_is_opened(ran) -> None:
    (ran.folder / "keys" / "store.key").unlink()
    with pytest.raises(KeyProblem):
        opened(ran)
    assert record(ran) == []


def test_an_opening_ends_and_a_clock_set_back_helps_nobody(ran, monkeypatch) -> None:
    monkeypatch.setattr("flows.readers.break_glass.MOST_QUESTIONS", 2)
    settings, glass = ran.settings, opened(ran, minutes=10)
    later = utc_now() + timedelta(minutes=11)
    for clock in (lambda: later, lambda: glass.opened_at - timedelta(minutes=2)):
        with pytest.raises(Exception, match=r"is over|clock is before") as caught:
            ask(settings, glass.glass_id, "SELECT 1", clock)
        assert type(caught.value).__name__ == "GlassRefused"
    for _ in range(2):
        ask(settings, glass.glass_id, "SELECT 1")
    with pytest.raises(Exception, match="used up"):
        ask(settings, glass.glass_id, "SELECT 1")
    other = opened(ran)
    assert close_glass(settings, other.glass_id).closed_at is not None
    with pytest.raises(Exception, match="is over"):
        ask(settings, other.glass_id, "SELECT 1")
    with pytest.raises(Exception, match="no such opening"):
        ask(settings, "00000000", "SELECT 1")


def test_it_shows_a_hundred_rows_and_changes_nothing(ran) -> None:
    kept, glass = ran.kept(), opened(ran)
    with pytest.raises(RefusedQuery, match=f"more than {MOST_ROWS}"):
        ask(ran.settings, glass.glass_id, "SELECT record_id FROM encoded_record")
    target = ran.folder / "out.csv"
    for sql in (
        f"COPY encoded_record TO '{target}'",
        "DELETE FROM encoded_record",
        "ATTACH ':memory:' AS other",
        f"SELECT * FROM read_text('{ran.config}')",
        "SET memory_limit = '1TB'",
    ):
        with pytest.raises(RefusedQuery):
            ask(ran.settings, glass.glass_id, sql)
    assert not target.exists()
    assert ran.kept() == kept


def test_status_and_the_next_report_tell_of_it(ran) -> None:
    before = utc_now() - timedelta(seconds=1)
    glass = opened(ran)
    ask(ran.settings, glass.glass_id, "SELECT 1")
    said = "The identity store was looked into"
    assert said in ran.journeys("status").output
    with open_control(ran.settings) as control:
        (told,) = _glass_broken(SimpleNamespace(control=control))  # type: ignore[arg-type]
        assert alerts(control, before) == [told] and alerts(control, utc_now()) == []
    assert told.startswith(said) and "A. Name and B. Name" in told and "1 question(s)" in told


def test_only_names_that_a_store_has_are_told(ran) -> None:
    from flows.readers.break_glass import _open_store

    with open_control(ran.settings) as control:
        connection = _open_store(ran.settings, control, "identity")
    cases = {
        "SELECT partner AS smith FROM encoded_record AS jones": ("encoded_record", "partner"),
        "SELECT * FROM encoded_record": ("encoded_record", "every column"),
        "SUMMARIZE encoded_record": ("encoded_record", "every column"),
        "WITH smith AS (SELECT PERSON_ID FROM person) SELECT count(*) FROM smith": (
            "person",
            "person_id",
        ),
        "SELECT a.partner FROM encoded_record a JOIN person_record b USING (record_id)": (
            "encoded_record, person_record",
            "partner, record_id",
        ),
    }
    try:
        assert {sql: what_is_read(connection, sql) for sql in cases} == cases
    finally:
        connection.close()


def test_a_row_that_somebody_changed_is_told() -> None:
    entry = AuditEntry(utc_now(), "x", "consultation", "p", "r", detail={"break_glass": "1"})
    with pytest.raises(StoreError):
        glasses([entry])


def test_what_is_left_of_an_opening_that_was_erased_stops_nobody() -> None:
    left = {"break_glass": "1", "said": "answered", "rows": 3}
    entry = AuditEntry(utc_now(), "x", "consultation", "p", "r", detail=left)
    assert glasses([entry]) == []


def test_the_commands_go_together(ran) -> None:
    words = ("--store", "identity", "--reason", WHY, "--officer", "A. Name")
    assert ran.journeys("break-glass", "open", *words).exit_code == 2
    done = ran.journeys("break-glass", "open", *words, "--officer", "B. Name")
    glass_id = done.stdout.strip()
    question = "SELECT count(*) AS n FROM person"
    asked = ran.journeys("break-glass", "sql", glass_id, question, "--format", "csv")
    assert asked.stdout.startswith("n\n")
    assert ran.journeys("break-glass", "close", glass_id).exit_code == 0
    listed = ran.journeys("break-glass", "list", "--asked", question)
    assert glass_id in listed.stdout and "That query was asked" in listed.stdout
