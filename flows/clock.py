"""The clock, and the day as people in the partnership would say it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LOCAL_TIME = ZoneInfo("Europe/London")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """The day of a moment in the partnership's own time."""
    return moment.astimezone(LOCAL_TIME).date()
