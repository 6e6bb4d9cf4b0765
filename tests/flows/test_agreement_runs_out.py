"""An agreement that expires between two nights stops its partner, and only it, until it is renewed.

One partnership runs night after night on a clock that the test moves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import yaml
from asking import record_ids, someone, write_rows
from every_byte import Gone, found_in
from renewing import renewed

from flows.agreements.readable import check_readable
from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.linking.report import link_report
from flows.linking.review import waiting as review_waiting
from flows.publication.publish import approve
from flows.readers.query import query_release
from flows.refresh import run_refresh
from flows.releases.kept import roll_back
from flows.rights import requests as rights
from flows.safe_errors import Rejected
from schemas.errors import AgreementError, NotReadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Partnership

    from governance.control import Run

PARTNERS = {"police", "probation", "treatment", "housing"}


class Nights:
    """A clock at two in the morning, that is put forward a day at a time."""

    def __init__(self) -> None:
        self.now = utc_now().astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now

    def next(self) -> None:
        self.now += timedelta(days=1)


def partners_in(partnership: Partnership, clock: Nights) -> set[object]:
    sql = "SELECT DISTINCT partner FROM event"
    return {row[0] for row in query_release(partnership.settings, sql, clock=clock).rows}


def stops_of(partnership: Partnership, partner: str) -> list[object]:
    """What the record says of a partner's stops and starts, in order."""
    with open_control(partnership.settings) as control:
        entries = control.audit_entries("oversight")
    return [
        one.detail.get("stopped") or one.detail["started"]
        for one in entries
        if one.partner == partner and {"stopped", "started"} & {*one.detail}
    ]


def weeks_of(partnership: Partnership, clock: Nights) -> dict[object, list[str]]:
    """The weeks of each person's events with partners that no test here stops."""
    sql = (
        "SELECT person_id, string_agg(event_week, ' ' ORDER BY event_week) FROM event "
        "WHERE partner IN ('police', 'probation', 'treatment') GROUP BY person_id"
    )
    found = query_release(partnership.settings, sql, clock=clock).rows
    return {row[0]: str(row[1]).split() for row in found}


def current_run(partnership: Partnership) -> Run:
    with open_control(partnership.settings) as control:
        run = control.current_run()
    assert run is not None
    return run


def people(partnership: Partnership) -> dict[object, object]:
    return dict(partnership.record_person())


@pytest.mark.usefixtures("slight")
def test_an_agreement_that_expires_between_two_nights_stops_its_partner_only(
    ran: Partnership,
) -> None:
    clock = Nights()
    renewed(ran.folder, "housing", expires=local_day(clock.now))
    assert partners_in(ran, clock) == PARTNERS
    before, last_whole = people(ran), current_run(ran).run_id
    weeks_before = weeks_of(ran, clock)

    clock.next()
    with pytest.raises(
        NotReadable, match=r"holds data of housing, and may not be read: .* expired"
    ):
        partners_in(ran, clock)

    report = run_refresh(ran.settings, clock=clock)
    assert report["outcome"] == "committed"
    assert "expired on" in report["stopped"]["housing"]
    assert report["partners"]["housing"]["extract"] == "no agreement in force"
    assert report["partners"]["housing"]["kept"] > 0
    assert report["linkage"]["records"] < len(before), "its encodings are compared with nothing"
    assert report["draft"]["path"] is None and "housing" in report["draft"]["said"]
    assert any(one.startswith("housing is left out") for one in report["warnings"])
    assert partners_in(ran, clock) == PARTNERS - {"housing"}
    weeks = weeks_of(ran, clock)
    alike = [one for one, of in weeks_before.items() if len(of) == len(weeks.get(one, []))]
    assert len(alike) > len(weeks_before) / 2
    same = all(weeks[one] == weeks_before[one] for one in alike)
    assert same, "nobody has another clock, or two releases would tell more than one"
    assert people(ran).keys() == before.keys(), "what is staged stays, and is found by a request"
    with pytest.raises(NotReadable, match="housing"):
        roll_back(ran.settings, last_whole, "to see", clock)

    assert stops_of(ran, "housing") == ["expired"]

    clock.next()
    renewed(ran.folder, "housing", expires=local_day(clock.now) + timedelta(days=365))
    report = run_refresh(ran.settings, clock=clock)
    assert stops_of(ran, "housing") == ["expired", "agreement in force"]
    assert report["stopped"] == {} and report["partners"]["housing"]["extract"] == "unchanged"
    assert partners_in(ran, clock) == PARTNERS
    history = ran.identity("SELECT person_before, person_after FROM person_history")
    told = {person for row in history for person in row}
    after, others = people(ran), {r: p for r, p in before.items() if p not in told}
    assert {record: after[record] for record in others} == others, "or it is told of"
    assert len(others) > 0.95 * len(before), "few hang on a partner's evidence alone"


@pytest.mark.usefixtures("slight")
def test_without_any_agreement_in_force_nothing_runs(ran: Partnership) -> None:
    for path in (ran.folder / "agreements").iterdir():
        path.unlink()
    before = ran.kept()
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1 and "4 partners cannot be taken in" in found.stderr
    assert ran.kept() == before
    with open_control(ran.settings) as control:
        assert control.last_run().state == "failed"


@pytest.mark.usefixtures("slight")
def test_an_erasure_waits_for_no_agreement(ran: Partnership) -> None:
    one, clock = someone(ran), Nights()
    for partner in PARTNERS:
        renewed(ran.folder, partner, expires=local_day(clock.now))
    ids = people(ran)
    backlog = ran.inbox("police", "custody").stat().st_mtime_ns
    file = write_rows(ran.folder.parent / "request.csv", [{"custody_ref": one.row["custody_ref"]}])
    rights.ask(ran.settings, "erasure", "police", file)
    gone = Gone([one.person], one.records)
    clock.next()
    with pytest.raises(Rejected, match="rights requests that waited were applied") as caught:
        run_refresh(ran.settings, clock=clock)
    assert caught.value.problems.keys() == PARTNERS
    assert found_in(ran.settings, gone) == {}
    with open_control(ran.settings) as control:
        run, (request,) = control.current_run(), control.rights_requests()
    assert run is not None and run.report is not None and request.applied_run == run.run_id
    assert run.report["problems"].keys() == run.report["stopped"].keys() == PARTNERS
    assert run.report["draft"]["path"] is None and run.report["rights"]["people"] == 1
    assert partners_in(ran, clock) == set(), "nobody may be told of without an agreement"
    assert ran.inbox("police", "custody").stat().st_mtime_ns == backlog
    left = {record: person for record, person in ids.items() if record not in one.records}
    assert people(ran) == left, "who stays is who they were"
    # The night after, with nothing to apply, the run is refused as ever.
    before = ran.kept()
    with pytest.raises(Rejected, match="The last release stands"):
        run_refresh(ran.settings, clock=clock)
    assert ran.kept() == before
    clock.next()
    for partner in PARTNERS - {"housing"}:
        renewed(ran.folder, partner, expires=local_day(clock.now) + timedelta(days=365))
    other = write_rows(file, [{"custody_ref": one.other["custody_ref"]}])
    rights.ask(ran.settings, "erasure", "police", other)
    (theirs,) = (people(ran)[i] for i in record_ids(ran, [one.other["custody_ref"]]).values())
    ran.inbox("police", "custody").write_text("broken\n")
    with pytest.raises(Rejected, match="Nothing was taken in"):
        run_refresh(ran.settings, clock=clock)
    assert found_in(ran.settings, Gone([str(theirs)], [])) == {}
    # What was staged of the police before, on the terms that are in force, is still shown.
    assert partners_in(ran, clock) == PARTNERS - {"housing"}
    assert ran.inbox("police", "custody").is_file()


def test_what_stops_a_partner_stops_every_reader_from_that_day(ran: Partnership) -> None:
    """One function decides: no reader waits for the next run to hear that a partner is stopped."""
    path, settings = ran.folder / "agreements" / "housing.yaml", ran.settings
    agreed, today = path.read_text(), local_day(utc_now())
    law = yaml.safe_load(agreed)["law"]
    nobody = [{"role": "nobody-here", "organisation": "A council"}]
    stops: list[tuple[dict[str, object], str]] = [
        ({"recipients": nobody}, "no role"),
        ({"law": None}, "no clause `law`"),
        ({"purpose": "another"}, "another purpose"),
        ({"law": law | {"article_9": []}}, "other fields now"),
        ({"exact_dates": True}, "other fields now"),
    ]
    sees: list[Callable[[], object]] = [
        lambda: ran.select("SELECT count(*) FROM event"),
        lambda: link_report(settings),
        lambda: review_waiting(settings),
        lambda: check_readable(settings, current_run(ran), today),
    ]
    for changes, said in stops:
        renewed(ran.folder, "housing", **changes)
        for see in sees:
            with pytest.raises(NotReadable, match=f"holds data of housing.*{said}"):
                see()
        check_readable(settings, current_run(ran), today, ["police", "probation"])
        with pytest.raises((AgreementError, NotReadable), match=said):
            approve(settings, ("A. Officer",))
        path.write_text(agreed)
    check_readable(settings, current_run(ran), today)
    renewed(ran.folder, "housing", law=None)
    status = ran.journeys("status").stdout
    assert "may not be approved: " in status and "no clause" in status.split("Agreement ")[0]
    assert "It cannot be approved: " in ran.journeys("publish").stdout
