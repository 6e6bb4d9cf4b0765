"""`journeys sql`: one SELECT over the current release, opened read-only and locked down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Timer
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, say

MOST_ADDRESSED = 6 << 30
"""Bytes that a question may take on top of the process. DuckDB's own limit does not count lists."""

LONGEST_SECONDS = 330.0
"""Seconds until the process ends itself. DuckDB cannot be interrupted within one call of a function
or while it plans, and the question's own limit, which is shorter, works by interrupting it."""


class Format(StrEnum):
    """How results are written."""

    table = "table"
    csv = "csv"
    json = "json"


def sql_command(
    query: Annotated[str, typer.Argument(help="One SELECT (or DESCRIBE, SHOW TABLES).")],
    output: Annotated[
        Format, typer.Option("--format", help="How results are written to standard output.")
    ] = Format.table,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            metavar="REASON",
            help="Why, for the record, never of whom; else `sql_reason` of partnership.yaml.",
        ),
    ] = None,
    use: Annotated[
        str | None,
        typer.Option(
            "--use",
            metavar="USE",
            help="Only what the agreements let be looked at for this use.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Query the current release. Standard output holds the results and nothing else."""
    from flows.cli.output import check_open, write_result
    from flows.readers.query import query_release
    from flows.settings import load_settings, locate

    check_open()
    with bounded(), ended_in_time():
        result = query_release(load_settings(locate(config)), query, reason, use)
    write_result(result.columns, result.rows, output.value)
    say(f"{len(result.rows):,} row{'' if len(result.rows) == 1 else 's'}")


@contextmanager
def bounded() -> Iterator[None]:
    """Bound what the process may take: a list of a thousand million numbers ended the server."""
    import resource  # not on Windows, where the partner kit runs

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + MOST_ADDRESSED
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def ended_in_time() -> Iterator[None]:
    """End the process when a question takes too long and does not heed being interrupted.

    It has written nothing: the release is read only, and that it was asked is recorded before.
    """
    timer = Timer(LONGEST_SECONDS, _end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end() -> None:
    say(
        f"Error: The query could not be run. It took longer than {LONGEST_SECONDS:g} seconds and "
        "could not be interrupted.\nCorrect the SQL."
    )
    os._exit(1)
