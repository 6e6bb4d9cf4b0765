"""The log of a run: `logs/<run id>.jsonl`, a line of JSON for each thing that happened.

A line is written when the thing has happened, so a run that is killed leaves the lines until then.
That a line cannot be written fails nothing: the control database says what counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from flows.clock import Clock
from flows.files import private_folder
from schemas.errors import JourneysError

MOST_BYTES: Final = 64 << 20
"""What all logs together may take; the oldest go first (2026-11: a run leaves about 10 kB)."""
SUFFIX: Final = ".jsonl"

Value = str | int | float | None


class RunLog:
    """Lines of one run.

    Args:
        folder: The folder of logs.
        run_id: The run.
        clock: The clock.
    """

    def __init__(self, folder: Path, run_id: str, clock: Clock) -> None:
        self._path, self._run_id, self._clock = folder / f"{run_id}{SUFFIX}", run_id, clock

    def begin(self) -> None:
        """Make room among older logs, and write that the run has begun."""
        with suppress(OSError, JourneysError):
            private_folder(self._path.parent)
            keep_small(self._path.parent)
        self.say("begun")

    def say(self, event: str, **told: Value) -> None:
        """Write a line.

        Args:
            event: What happened: `begun`, `step`, `rows`, `rule`, `warnings`, `ended`.
            told: Counts, times, and names of steps, partners, tables, columns and rules.
        """
        at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "run_id": self._run_id, "event": event, **told}) + "\n"
        with suppress(OSError):
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line.encode())
            finally:
                os.close(handle)

    def report(self, report: Mapping[str, Any]) -> None:
        """Write what a report says of rows, rules and warnings."""
        for partner, tables in report.get("rows", {}).items():
            for table, counts in tables.items():
                self.say("rows", partner=partner, table=table, **counts)
        for partner, told in report.get("partners", {}).items():
            for rule in told["top_rules"]:
                self.say("rule", partner=partner, **rule)
        for code, count in report.get("warning_codes", {}).items():
            self.say("warnings", code=code, count=count)


def keep_small(folder: Path, most: int = MOST_BYTES) -> None:
    """Remove the oldest logs until those that are left take no more than so many bytes.

    Raises:
        OSError: One cannot be removed.
    """
    size = 0
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        size += path.stat().st_size
        if size > most:
            path.unlink()
