"""What is due is deleted everywhere, with a receipt, and what is left goes on being consistent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import current_run, dump
from every_byte import Gone, found_in
from leaving import without

import flows.retention.contribution
import flows.retention.deleting
import flows.retention.due
import warehouse.connect
from flows.clock import local_day, utc_now
from flows.committed import changed_store
from flows.context import open_control
from flows.record.checkpoints import verify_record
from flows.record.signing import is_ours
from flows.refresh import run_refresh
from flows.retention.deleting import ClockInDoubt, apply, remove_partner
from flows.retention.due import due
from flows.retention.receipts import retention_receipts
from governance.control import Control
from governance.retention import Term
from schemas.errors import ConfigError, JourneysError, RecordProblem, StoreError

if TYPE_CHECKING:
    from conftest import Partnership

LEFT = "the partner left the partnership"


def numbers_of(partnership: Partnership, partner: str) -> set[int]:
    """Record ids, encodings and marks that only a partner's records have."""
    identity = dump(partnership, "identity")
    own, others = set[int](), set[int]()
    for table, place in (("encoded_record", 1), ("mark", 1)):
        for row in identity[table]:
            (own if row[place] == partner else others).update(
                one for one in row if isinstance(one, int) and abs(one) > 1 << 32
            )
    return own - others


@pytest.mark.usefixtures("slight")
def test_a_partner_that_left_is_in_no_byte_and_the_rest_goes_on(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = numbers_of(ran, "police")
    before = {int(str(one)): person for one, person in ran.record_person()}
    own = {row[0] for row in dump(ran, "identity")["mark"] if row[1] == "police"}
    theirs = {str(person) for one, person in before.items() if one in own}
    alone = theirs - {str(person) for one, person in before.items() if one not in own}
    gone = Gone(sorted(alone)[:5], [*sorted(numbers)[:10], *sorted(own)[:10]])
    assert len(own) > 50 and alone and len(found_in(ran.settings, gone)) >= 2
    with pytest.raises(ConfigError, match="still names police"):
        remove_partner(ran.settings, "police", LEFT)
    without(ran, "police")
    with pytest.raises(ConfigError, match="journeys retention remove-partner police"):
        run_refresh(ran.settings)
    kept = ran.kept()
    looked = remove_partner(ran.settings, "police", LEFT, preview=True)
    assert looked.records == len(own) and looked.people == len(alone) and ran.kept() == kept
    assert looked.tables["police_custody"] > 50 and looked.releases == 1
    assert remove_partner(ran.settings, "police", LEFT) == looked
    assert found_in(ran.settings, gone) == {}
    assert not list((ran.folder / "releases").iterdir())
    assert not list((ran.folder / "inbox" / "police").iterdir())
    report = run_refresh(ran.settings)
    assert report["partners"].keys() == {"probation", "treatment", "housing"}
    after = {int(str(one)): person for one, person in ran.record_person()}
    assert after.keys() == before.keys() - own
    assert {after[one] for one in after} <= {before[one] for one in after} | set(after.values())
    same = sum(after[one] == before[one] for one in after)
    assert same > 0.9 * len(after)
    assert found_in(ran.settings, gone) == {}
    with pytest.raises(ConfigError, match="Nothing is staged"):
        remove_partner(ran.settings, "police", LEFT)


LATER = timedelta(days=1200)
"""When all that was supplied has been kept for as long as the agreements say."""


def later() -> datetime:
    return utc_now() + LATER


def day(clock: datetime) -> date:
    return local_day(clock)


def test_everything_kept_is_told_with_its_terms_and_nothing_is_due_at_once(
    ran: Partnership,
) -> None:
    lines = due(ran.settings)
    kinds = {line.held.kind for line in lines}
    assert kinds >= {"extracts", "staging", "encodings", "links", "quarantine", "releases", "runs"}
    staged = [line for line in lines if line.held.kind == "staging"]
    assert {line.held.partners for line in staged} == {
        ("police",), ("probation",), ("treatment",), ("housing",)
    }  # fmt: skip
    assert {line.under for line in staged} >= {"police agreement, version 1"}
    assert {line.until for line in staged} == {day(utc_now()) + timedelta(days=1095)}
    assert not any(line.due for line in lines)
    told = ran.journeys("retention", "due", "--on", "2031-01-01")
    assert told.exit_code == 0 and "police agreement, version 1" in told.output
    assert "journeys retention apply" in told.output
    # Who has no store key sees what can be told without it.
    key = ran.folder / "keys" / "store.key"
    key.rename(key.with_suffix(".away"))
    part = ran.journeys("retention", "due")
    assert part.exit_code == 0 and "stores was not looked at" in part.output
    key.with_suffix(".away").rename(key)
    before = ran.kept()
    assert ran.journeys("retention", "apply").exit_code == 2
    looked = ran.journeys("retention", "apply", "--dry-run", "--on", "2031-01-01")
    assert looked.exit_code == 0 and "would be" in looked.output and ran.kept() == before
    nothing = ran.journeys("retention", "apply", "--yes")
    assert nothing.exit_code == 0 and "Nothing is due" in nothing.output
    # Nobody signed that it be deleted so early.
    agreement = ran.settings.partner("police").agreement
    agreement.write_text(agreement.read_text().replace("retention_days: 1095", "retention_days: 1"))
    lines = due(ran.settings, day(utc_now()) + timedelta(days=9))
    own = [line for line in lines if line.held.partners == ("police",)]
    assert own and not any(line.due or line.until for line in own)


def test_an_apply_is_refused_while_the_day_is_in_doubt(ran: Partnership) -> None:
    before = ran.kept()
    past = ran.journeys("retention", "apply", "--yes", "--on", "2020-01-01")
    assert past.exit_code == 2 and "Only what is due today" in past.stderr
    assert ran.journeys("retention", "due", "--on", "soon").exit_code == 2
    with pytest.raises(RecordProblem, match="before the last entry"):
        apply(ran.settings, clock=lambda: utc_now() - timedelta(days=1))
    with pytest.raises(ClockInDoubt, match="may be wrong"):
        apply(ran.settings, clock=later)
    assert ran.kept() == before and retention_receipts(ran.settings) == []


def test_what_is_due_is_deleted_from_every_byte_with_a_signed_receipt(ran: Partnership) -> None:
    identity = dump(ran, "identity")
    records = {row[0] for row in identity["mark"]}
    persons = {str(person) for _, person in ran.record_person()}
    numbers = set().union(*(numbers_of(ran, one) for one in ("police", "housing")))
    gone = Gone(sorted(persons)[:5], [*sorted(numbers)[:10], *sorted(records)[:10]])
    assert len(found_in(ran.settings, gone)) >= 2
    applied = apply(ran.settings, day(later()), clock=later)
    assert found_in(ran.settings, gone) == {}
    assert applied.receipt is not None and {line.held.kind for line in applied.lines} >= {
        "extracts", "staging", "encodings", "quarantine", "releases", "drafts"
    }  # fmt: skip
    text = applied.receipt.read_text()
    signature = applied.receipt.with_suffix(".sig").read_text()
    assert is_ours(ran.settings, text, signature)
    assert not is_ours(ran.settings, text.replace("housing", "hausing"), signature)
    with open_control(ran.settings) as control:
        told = [one.detail for one in control.audit_entries("erasure") if "receipt" in one.detail]
        assert control.staged_extracts() == {}
    (receipt,) = retention_receipts(ran.settings)
    assert [one["receipt"] for one in told] == [receipt.digest] and receipt.state == "done"
    assert not any(line.due and not line.told for line in due(ran.settings, day(later())))
    assert apply(ran.settings, clock=later).receipt is None
    # A receipt is kept for good, and so is what the record says of it: told once, and not again.
    for years in (7, 8):
        much_later = utc_now() + timedelta(days=365 * years)
        apply(ran.settings, day(much_later), clock=lambda at=much_later: at)
    with open_control(ran.settings) as control:
        told = [one.detail for one in control.audit_entries("erasure") if "receipt" in one.detail]
    digests = {one["receipt"] for one in told}
    assert len(told) == len(digests) == len(retention_receipts(ran.settings))
    assert verify_record(ran.settings).sound and verify_record(ran.settings).walk.erased
    assert not list((ran.folder / "releases").iterdir())
    assert not list((ran.folder / "inbox").glob("*/*"))
    assert "Traceback" not in ran.journeys("status").output


POLICE_DUE = {("staging", "police"): Term(-1, "the police agreement")}
STEPS = (
    (flows.retention.deleting, "write_receipt"),
    (flows.retention.deleting, "take_out"),
    (Control, "begin_removal"),
    (Control, "end_removal"),
    (flows.retention.contribution, "rewritten"),
    (warehouse.connect, "rewrite_store"),
    (flows.retention.contribution, "remove_folder"),
)


class CutShort(BaseException):
    """What ends a command where it stands."""


def cut_short(partnership: Partnership, at: int) -> bool:
    """Apply what is due, and end before the step of that number; whether it came so far."""
    taken = 0

    def mortal(step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == at:
                raise CutShort
            return step(*args, **kwargs)

        return counted

    with pytest.MonkeyPatch.context() as patched:
        for home, name in STEPS:
            patched.setattr(home, name, mortal(getattr(home, name)))
        try:
            apply(partnership.settings)
        except CutShort:
            return True
    return False


@pytest.mark.usefixtures("slight")
def test_what_is_cut_short_is_finished_by_the_next_application(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {row[0] for row in dump(ran, "identity")["mark"] if row[1] == "police"}
    gone = Gone([], sorted(own)[:10])
    monkeypatch.setattr(flows.retention.due, "terms_of", lambda *_: POLICE_DUE)
    # Each goes on from where the last was cut short.
    assert all(cut_short(ran, at) for at in (2, 4, 6, 4, 5))
    apply(ran.settings)
    assert found_in(ran.settings, gone) == {}
    receipts = retention_receipts(ran.settings)
    assert [one.state for one in receipts] == ["done"]
    assert {line.held.kind for line in receipts[0].lines} == {"staging"}
    with open_control(ran.settings) as control:
        assert [one.partner for one in control.removals() if one.ended_at] == ["police"]
        assert "police" not in control.staged_extracts()
    # The extract that was staged is gone from the inbox too; a new one is taken in.
    assert not list((ran.folder / "inbox" / "police").iterdir())
    with pytest.raises(JourneysError, match="deleted when they had been kept for long enough"):
        run_refresh(ran.settings)


def test_nothing_is_lost_where_a_store_cannot_be_written_anew(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.retention.due, "terms_of", lambda *_: POLICE_DUE)
    others = {row for row in dump(ran, "identity")["mark"] if row[1] != "police"}
    own = {row[0] for row in dump(ran, "identity")["mark"] if row[1] == "police"}

    def full(source: Path, target: Path, *_: str) -> None:
        target.write_bytes(b"half of it")
        raise StoreError("A store could not be copied: the disk is full.", "Make room.")

    with monkeypatch.context() as patched, pytest.raises(StoreError, match="disk is full"):
        patched.setattr(warehouse.connect, "rewrite_store", full)
        apply(ran.settings)
    assert not list(ran.folder.rglob("*.rewritten"))
    assert {row for row in dump(ran, "identity")["mark"] if row[1] != "police"} == others
    store = next((ran.folder / "stores").glob("*/identity.duckdb"))
    whole = store.read_bytes()
    store.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="damaged"):
        apply(ran.settings)
    store.write_bytes(whole)
    apply(ran.settings)
    assert set(dump(ran, "identity")["mark"]) == others
    assert found_in(ran.settings, Gone([], sorted(own)[:10])) == {}


def test_what_is_kept_row_by_row_goes_as_it_grows_old(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, run_id = ran.settings, current_run(ran)
    old, now = datetime(2020, 1, 1), datetime.now()
    with changed_store(settings, run_id, "identity") as store:
        one, other = sorted(row[0] for row in store.execute("FROM mark LIMIT 2").fetchall())
        for number, at in enumerate((old, now)):
            decision = "INSERT INTO review_decision VALUES (?, ?, ?, 'same', 'relatives', 'A', ?)"
            store.execute(decision, [number, one, other, at])
            became = "INSERT INTO person_history VALUES (?, 'r', 'merged', ?, ?, 1)"
            store.execute(became, [at, f"{number:016d}", "b" * 16])
            person = "INSERT INTO person VALUES (?, ?, 'r', 'r')"
            store.execute(person, [f"{number:016d}", at])
    (ran.folder / ".prefect").mkdir(exist_ok=True)
    with closing(sqlite3.connect(ran.folder / ".prefect" / "prefect.db")) as prefect, prefect:
        prefect.execute("CREATE TABLE log (message, timestamp)")
        for at in (old, now):
            prefect.execute("INSERT INTO log VALUES (?, ?)", [f"said in {at.year}", str(at)])
    each = {(kind, "police"): Term(30, "police") for kind in ("reviews", "history")}
    own = {
        ("logs", ""): Term(30, "us"),
        ("audit", ""): Term(-1, "us"),
        ("runs", ""): Term(-1, "us"),
    }
    links = {("links", "police"): Term(-1, "police")}
    monkeypatch.setattr(flows.retention.due, "terms_of", lambda *_: each | own | links)
    ran.select("SELECT count(*) FROM person")  # recorded after the last checkpoint
    applied = apply(settings)
    kinds = {line.held.kind for line in applied.lines}
    assert kinds == {"reviews", "history", "links", "logs", "audit", "runs"}
    identity = dump(ran, "identity")
    assert [row[0] for row in identity["review_decision"]] == [1]
    assert [row[3] for row in identity["person_history"]] == [f"{1:016d}"]
    persons = {row[0] for row in identity["person"]}
    assert f"{1:016d}" in persons and f"{0:016d}" not in persons
    assert identity["candidate_link"] == identity["linked_by"] == []
    kept = (ran.folder / ".prefect" / "prefect.db").read_bytes()
    assert b"said in 2020" not in kept and f"said in {now.year}".encode() in kept
    # The terms above are not those that the partnership has: what went so soon is told.
    found = verify_record(settings)
    assert len(found.walk.erased) > 0 and "before they were old enough" in " ".join(found.faults)
    assert len(found.faults) == 1
