"""The timetable: every night once, whatever the clocks do; and prefect.yaml says the same."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml

from flows.orchestration.options import Schedule
from flows.orchestration.prefect_settings import ALWAYS
from flows.orchestration.timetable import POOL, TAG, TIMEZONE, Entry, timetable
from flows.settings import Partner

LONDON = ZoneInfo(TIMEZONE)
PARTNERS = get_args(Partner)
ENTRIES = {one.name: one for one in timetable(Schedule(), PARTNERS)}


def times(entry: Entry, first: date, last: date) -> list[datetime]:
    """When Prefect itself would begin it, in local time."""
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
    from prefect.server.schemas import schedules as server

    made: Any = (
        server.CronSchedule(**CronSchedule(cron=entry.cron, timezone=TIMEZONE).model_dump())
        if entry.cron
        else server.RRuleSchedule(
            **RRuleSchedule(rrule=entry.rrule, timezone=TIMEZONE).model_dump()
        )
    )
    start = datetime(first.year, first.month, first.day, tzinfo=LONDON)
    end = datetime(last.year, last.month, last.day, 23, 59, tzinfo=LONDON)
    found = asyncio.run(made.get_dates(n=1000, start=start, end=end))
    return [one.astimezone(LONDON) for one in found]


@pytest.mark.parametrize("name", [name for name, one in ENTRIES.items() if one.cron])
@pytest.mark.parametrize("month", [(2027, 3), (2027, 10), (2028, 3), (2028, 10)])
def test_every_day_has_one_run_at_the_same_time_whatever_the_clocks_do(
    name: str, month: tuple[int, int]
) -> None:
    first, last = date(*month, 1), date(*month, 31)
    found = times(ENTRIES[name], first, last)
    assert [one.date() for one in found] == [first + timedelta(n) for n in range(31)]
    assert len({one.time() for one in found}) == 1
    assert len({one.utcoffset() for one in found}) == 2, "the clocks do change in this month"


def test_in_the_hour_that_is_missing_or_twice_prefect_would_not_keep_the_time() -> None:
    """Why no time in it is taken: the check above can fail."""
    risky = Entry("risky", "x", "x", "x", cron="30 1 * * *")
    spring = times(risky, date(2027, 3, 1), date(2027, 3, 31))
    autumn = times(risky, date(2027, 10, 1), date(2027, 10, 31))
    kept = [len(spring) == len(autumn) == 31, len({one.time() for one in spring + autumn}) == 1]
    assert not all(kept)


def test_a_draft_is_made_on_the_first_working_morning_from_the_day_on() -> None:
    found = times(ENTRIES["quarterly-draft"], date(2027, 1, 1), date(2028, 12, 31))
    assert [one.date().isoformat() for one in found] == [
        "2027-02-15", "2027-05-17", "2027-08-16", "2027-11-15",
        "2028-02-15", "2028-05-15", "2028-08-15", "2028-11-15",
    ]  # fmt: skip
    assert {(one.hour, one.minute) for one in found} == {(7, 30)}


def test_a_partner_may_have_a_time_of_its_own() -> None:
    given = Schedule(pull="21:15", pulls={"police": "00:05"})
    crons = [one.cron for one in timetable(given, ["police", "housing"])][:2]
    assert crons == ["5 0 * * *", "15 21 * * *"]


def test_prefect_yaml_says_the_same_and_its_flows_are_there() -> None:
    root = Path(__file__).resolve().parents[2]
    told = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    assert [one["name"] for one in told] == list(ENTRIES)
    for one in told:
        entry = ENTRIES[one["name"]]
        (schedule,) = one["schedules"]
        when = {"cron": entry.cron} if entry.cron else {"rrule": entry.rrule}
        assert schedule == {**when, "timezone": "Europe/London"}
        path, flow = one["entrypoint"].split(":")
        assert entry.entrypoint == path.removesuffix(".py").replace("/", ".") + f".{flow}"
        text = (root / path).read_text()
        assert f"def {flow}(" in text and f'@flow(name="{entry.flow}"' in text
        assert one["parameters"] == {} and one["concurrency_limit"] == 1
        # By its tag `journeys schedule` and the alerts know what is theirs.
        assert one["tags"] == [TAG]
        pool = one["work_pool"]
        assert (pool["name"], pool["work_queue_name"]) == (POOL, "default")
        assert pool["job_variables"] == {"env": ALWAYS}
        assert one["description"] == entry.about


def test_a_run_that_is_not_named_yet_has_a_name_of_its_own() -> None:
    """One made of a run's id that is not known is the same every night; alerts are told once."""
    for entry in ENTRIES.values():
        module, flow = entry.entrypoint.rsplit(".", 1)
        assert getattr(import_module(module), flow).flow_run_name is None
