"""The block by which Prefect's automations tell people: the same notifier that a run uses.

It holds nothing. The server that `journeys schedule serve` starts reads partnership.yaml when it is
to tell something, so no address or password is ever in Prefect's database, which any client of its
server can read. Importing this module imports Prefect and makes the block known to it.
"""

from __future__ import annotations

from typing import Any

from prefect.blocks.abstract import NotificationBlock, NotificationError

from flows.clock import local_day, utc_now
from flows.orchestration.notify import KINDS, Alert, alerts, send
from flows.safe_errors import guarded
from flows.settings import load_settings, locate
from schemas.errors import JourneysError

EVERY_DAY = frozenset({"run-missing", "worker-dead"})
"""Kinds that may come again: they are told once a day."""


class JourneysAlert(NotificationBlock):
    """Tells the people whom partnership.yaml names."""

    _block_type_name = "Journeys alert"
    _block_type_slug = "journeys-alert"
    _description = "Tells the people whom partnership.yaml names; it holds no address or password."

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Tell people, unless they were told of the same by the run itself.

        Args:
            body: What it is about, such as the id of a run.
            subject: The kind of the alert.
        """
        from anyio import to_thread

        problem = await to_thread.run_sync(_told, body, subject)
        if problem and self._raise_on_failure:
            raise NotificationError(problem)


def _told(key: str, kind: str | None) -> str:
    """Tell people; what could not be done, in words."""
    if kind not in KINDS:
        return "There is no such kind of alert."
    if kind in EVERY_DAY:
        key = f"{key}, {local_day(utc_now())}"

    def tell() -> list[Any]:
        settings = load_settings(locate(None))
        before = [one for one in alerts(settings) if one["key"] == key and one["told"]]
        return [] if before else send(settings, Alert(kind, key))

    try:
        return " ".join(guarded("alert", tell))
    except JourneysError as error:
        return str(error)
