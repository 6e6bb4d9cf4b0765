"""Telling people that something is wrong, by e-mail and a Microsoft Teams webhook.

An alert says which run, which step, which rules, how many, and where to read on; never a value. It
is told once: a list of what was told lies in the partnership folder, so neither the run itself,
Prefect's automations nor the next night repeat it. One that could not be sent fails nothing: it is
on that list as such, and is tried again when it comes up again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flows.clock import Clock, utc_now
from flows.files import private_folder, write_private
from flows.orchestration.channels import SECONDS, Way, ways_of
from schemas.errors import JourneysError

if TYPE_CHECKING:
    from flows.settings import Settings

KEPT: Final = 200
"""How many alerts the list remembers."""
LIST: Final = "alerts.json"
FIELDS: Final = ("kind", "key", "at", "told", "failed")
RUNBOOK: Final = "docs/how-to/runbook.md"

KINDS: Final = {
    "run-failed": "A run failed",
    "run-crashed": "A run was cut short",
    "run-late": "A run has not begun",
    "run-missing": "No run was completed",
    "worker-dead": "Nothing carries out the schedule",
    "server-dead": "The schedule's server does not answer",
    "partner-left-out": "A partner was left out",
    "pull-failed": "A partner's extract could not be pulled",
    "draft-waits": "A draft waits for approval",
    "no-draft": "Nothing was drafted this quarter",
    "housekeeping": "Something is to be looked after",
    "housekeeping-failed": "Housekeeping could not be done",
    "backup-failed": "A backup could not be made",
}
"""Every kind of alert, and its heading. Each is a section of the runbook."""


@dataclass(frozen=True)
class Alert:
    """Something to be told once.

    Attributes:
        kind: One of `KINDS`.
        key: What it is about: the id of a run, a partner, a day. The same is not told twice.
        said: Sentences of ours, without values.
        counts: What is counted, by name: rules, partners, things due.
    """

    kind: str
    key: str
    said: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Its one line."""
        return f"{KINDS[self.kind]}: {self.key}"

    @property
    def body(self) -> str:
        """Its text."""
        counted = [f"{name}: {number:,}" for name, number in self.counts.items()]
        return "\n".join([*self.said, *counted, f"What to do: {RUNBOOK}#{self.kind}"])


def send(settings: Settings, alert: Alert, clock: Clock = utc_now) -> list[str]:
    """Tell people of something, in every way that is asked for and in which they were not told yet.

    Args:
        settings: The partnership; where it names nobody to tell, nothing is done.
        alert: What to tell.
        clock: The clock.

    Returns:
        A sentence for every way in which it could not be sent. Nothing is ever raised.
    """
    ways = ways_of(settings.alerts)
    if not ways:
        return []
    heading = f"{settings.partnership}: {alert.subject}"
    with _alone(settings):
        listed = alerts(settings)
        same = [one for one in listed if (one["kind"], one["key"]) == (alert.kind, alert.key)]
        told: list[str] = same[0]["told"] if same else []
        failed: dict[str, str] = {}
        for name in ways.keys() - set(told):
            problem = _problem(ways[name], heading, alert.body)
            if problem is None:
                told = [*told, name]
            else:
                failed[name] = problem
        now = {"kind": alert.kind, "key": alert.key, "at": clock().isoformat(),
               "told": told, "failed": failed}  # fmt: skip
        if not same or failed != same[0]["failed"] or told != same[0]["told"]:
            _keep(settings, [*(one for one in listed if one not in same), now])
    return _in_words(now)


def untold(settings: Settings, key: str) -> list[str]:
    """A sentence for every alert about something, such as a run, that could not be sent."""
    return [line for one in alerts(settings) if one["key"] == key for line in _in_words(one)]


def alerts(settings: Settings) -> list[dict[str, Any]]:
    """The alerts that are remembered, the newest last: kind, key, at, told, failed."""
    try:
        listed = json.loads((settings.prefect_home / LIST).read_text("utf-8"))
        return [{name: one[name] for name in FIELDS} for one in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _keep(settings: Settings, listed: list[dict[str, Any]]) -> None:
    content = (json.dumps(listed[-KEPT:], indent=1) + "\n").encode()
    with suppress(JourneysError):
        write_private(settings.prefect_home / LIST, content)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One teller at a time, so that nothing is told twice; told twice is better than not at all."""
    from filelock import FileLock, Timeout

    lock = FileLock(settings.prefect_home / f"{LIST}.lock")
    with suppress(JourneysError, Timeout, OSError):
        private_folder(settings.prefect_home)
        lock.acquire(timeout=3 * SECONDS)
    try:
        yield
    finally:
        lock.release()


def _problem(way: Way, heading: str, text: str) -> str | None:
    """Why it could not be sent, as the kind of the failure alone; None where it was."""
    try:
        way(heading, text)
    except Exception as error:
        return type(error).__name__
    return None


def _in_words(one: Mapping[str, Any]) -> list[str]:
    return [
        f"The alert `{one['kind']}` could not be sent by {way} ({why})."
        for way, why in one["failed"].items()
    ]
