"""`journeys sql`: one SELECT over the current release, opened read-only and locked down."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, say


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
    config: ConfigOption = None,
) -> None:
    """Query the current release. Standard output holds the results and nothing else."""
    from flows.cli.output import check_open, write_result
    from flows.query import query_release
    from flows.settings import load_settings, locate

    check_open()
    result = query_release(load_settings(locate(config)), query, reason)
    write_result(result.columns, result.rows, output.value)
    say(f"{len(result.rows):,} row{'' if len(result.rows) == 1 else 's'}")
