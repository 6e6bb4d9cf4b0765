"""The timetable: what is carried out unattended, and when, in the time of Europe/London.

`journeys schedule apply` registers it with Prefect's server. `prefect.yaml` says the same for a
partnership that changed no times and registers with Prefect's own command.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flows.orchestration.options import Schedule

TIMEZONE: Final = "Europe/London"
POOL: Final = "hub"
"""The one work pool. It carries out one run at a time, so no two write at once."""
NIGHTLY: Final = "nightly"
TAG: Final = "journeys"
"""What marks everything in Prefect that the schedule made."""
ROOM: Final = "flows.orchestration"


@dataclass(frozen=True)
class Entry:
    """One line of the timetable.

    Attributes:
        name: Its name, which is that of the deployment.
        entrypoint: The flow, as ``module.function``. It takes no parameter but a run's id.
        flow: What the flow calls itself.
        about: What it does.
        cron: When, as cron says it; or
        rrule: When, as an iCalendar rule.
    """

    name: str
    entrypoint: str
    flow: str
    about: str
    cron: str | None = None
    rrule: str | None = None


def timetable(schedule: Schedule, partners: Iterable[str]) -> tuple[Entry, ...]:
    """Everything that is carried out unattended for these partners."""
    pulls = tuple(
        Entry(
            f"pull-{partner}",
            f"{ROOM}.pulling.pull_{partner}",
            f"pull-{partner}",
            f"The extract of {partner} is fetched and checked; nothing is linked.",
            cron=_daily(schedule.pulls.get(partner, schedule.pull)),
        )
        for partner in partners
    )
    return (
        *pulls,
        Entry(
            NIGHTLY,
            f"{ROOM}.nightly.refresh_flow",
            "refresh",
            "Every partner's extract to a release and a draft, every night.",
            cron=_daily(schedule.nightly),
        ),
        Entry(
            "housekeeping",
            f"{ROOM}.upkeep.housekeeping_flow",
            "housekeeping",
            "The record is checked and a checkpoint made; what is due or ending is told.",
            cron=_daily(schedule.housekeeping),
        ),
        Entry(
            "quarterly-draft",
            f"{ROOM}.quarterly.draft_flow",
            "quarterly-draft",
            "What has become due is drafted, and the approvers are told.",
            rrule=_quarterly(schedule.draft, schedule.draft_day),
        ),
    )


def _daily(time: str) -> str:
    hour, minute = time.split(":")
    return f"{int(minute)} {int(hour)} * * *"


def _quarterly(time: str, day: int) -> str:
    """The first of Monday to Friday from a day of the second month after a quarter on."""
    hour, minute = time.split(":")
    days = ",".join(str(one) for one in range(day, day + 7))
    return (
        f"FREQ=MONTHLY;BYMONTH=2,5,8,11;BYMONTHDAY={days};BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;"
        f"BYHOUR={int(hour)};BYMINUTE={int(minute)};BYSECOND=0"
    )
