"""`journeys check`: a partner checks its own files before it sends them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import JsonOption, write_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flows.check import CheckReport

OUTCOMES = {
    "reject": "[red]rejected[/]",
    "quarantine": "[yellow]quarantined[/]",
    "empty": "value emptied",
    "note": "noted only",
}
FIRST_ROWS = 3
MOST_KEYS = 200


def check_command(
    partner: Annotated[
        str, typer.Argument(metavar="PARTNER", help="police, probation, treatment or housing.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="A folder, or one or several files named after their tables."
        ),
    ],
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="NAME", help="The table of one file of another name."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            "--system", metavar="NAME", help="The mapping by which the hub reads your system."
        ),
    ] = None,
    mappings: Annotated[
        Path | None,
        typer.Option("--mappings", metavar="DIR", help="Mappings that the hub wrote itself."),
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option(
            "--codes", metavar="DIR", help="Code lists that the hub uses in place of its own."
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="The hub's policy.yaml, if it has one."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="OUT", help="Also write a page to read.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="OUT", help="Also write every row number, column and rule."),
    ] = None,
    show_keys: Annotated[
        bool,
        typer.Option(
            "--show-keys",
            help="Show your own record keys on the screen. Not at a hub, and in no report.",
        ),
    ] = False,
    json_out: JsonOption = None,
) -> int:
    """Check files as the hub would. No configuration is needed, and nothing is stored.

    Exit codes: 0 accepted, 1 rejected or some records quarantined, 2 wrong use.
    """
    import os

    from flows.check import (
        check_files,
        csv_report,
        given_files,
        html_report,
        own_keys,
        refuse_keys_at_a_hub,
    )
    from flows.context import LOCAL_TIME, utc_now
    from flows.settings import LOCATION_VARIABLE
    from schemas.mapping import load_mapping
    from schemas.policy import load_policy

    if show_keys:
        refuse_keys_at_a_hub(files, os.environ.get(LOCATION_VARIABLE))
    _require_partner(partner)
    _require("--policy", policy, Path.is_file)
    _require("--codes", codes, Path.is_dir)
    _require("--mappings", mappings, Path.is_dir)
    given = given_files(load_mapping(partner, system, mappings, codes), files, table)
    today = utc_now().astimezone(LOCAL_TIME).date()
    report, frames = check_files(given, today=today, codes=codes, policy=load_policy(policy))
    write_report(report.as_json(), json_out)
    _write(html, lambda: html_report(report, today))
    _write(csv, lambda: csv_report(report))
    _show(report)
    if show_keys:
        _show_keys(own_keys(report, frames))
    return 0 if report.verdict == "accepted" else 1


def _require_partner(partner: str) -> None:
    from schemas.errors import ConfigError
    from schemas.tables import TABLES

    if partner not in TABLES:
        raise ConfigError("There is no such partner.", f"Give one of {', '.join(TABLES)}.")


def _require(option: str, path: Path | None, is_there: Callable[[Path], bool]) -> None:
    from schemas.errors import ConfigError

    if path is not None and not is_there(path):
        raise ConfigError(f"{option} names nothing that is there.", "Check its path.")


def _write(out: Path | None, make: Any) -> None:
    """Write a report where one was asked for; its place was checked before any work."""
    from flows.files import write_text

    if out is not None:
        write_text(out, make())


def _show(report: CheckReport) -> None:
    """Print the verdict, the counts and the rules."""
    from rich.console import Console

    console = Console(highlight=False)
    colour = {"accepted": "green", "quarantined": "yellow", "rejected": "red"}[report.verdict]
    said = {
        "accepted": "the hub would take in every record but those withheld",
        "quarantined": "the hub would take it in without the records counted below",
        "rejected": "the hub would refuse the whole extract",
    }[report.verdict]
    console.print(f"\n[bold {colour}]{report.verdict.capitalize()}[/]: {said}.\n", soft_wrap=True)
    for problem, remedy in report.reasons:
        console.print(f"{problem}\n[dim]{remedy}[/]\n", soft_wrap=True)
    if report.tables:
        console.print(_table_counts(report))
        console.print()
    if report.rules:
        console.print(_rules(report))
        console.print("[dim]Row 1 is the first row after the header.[/]")
    for one in report.tables:
        if one.not_sent:
            console.print(
                f"{one.table} was sent without {', '.join(one.not_sent)}.", soft_wrap=True
            )
        if one.not_known:
            console.print(f"{one.table} has {one.not_known} column(s) that are not in the layout.")
    for text in report.not_checked:
        console.print(f"Not checked: {text}", soft_wrap=True)


def _table_counts(report: CheckReport) -> Any:
    table = _new_table("Table", "Received", "Kept", "Quarantined", "Withheld")
    for one in report.tables:
        counts = (one.received, one.kept, one.quarantined, one.withheld)
        table.add_row(one.table, *(f"{n:,}" for n in counts))
    return table


def _rules(report: CheckReport) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Column", no_wrap=True)
    table.add_column("Rule", no_wrap=True)
    table.add_column("What follows", overflow="fold")
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("First rows", overflow="fold")
    for one in report.rules:
        rows = ", ".join(map(str, one.rows[:FIRST_ROWS])) + (" …" if one.count > FIRST_ROWS else "")
        where = f"{one.table}.{one.column}"
        table.add_row(where, one.rule, OUTCOMES[one.outcome], f"{one.count:,}", rows)
    return table


def _show_keys(keys: Iterable[tuple[str, ...]]) -> None:
    """Print which of the partner's own records were left out, on its own screen."""
    from itertools import islice

    from rich.console import Console
    from rich.text import Text

    listed = iter(keys)
    table = _new_table("Table", "Row", "Your record key", "Column", "Rule", right=("Row",))
    for row in islice(listed, MOST_KEYS):
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console = Console(highlight=False)
    console.print()
    console.print(table)
    rest = sum(1 for _ in listed)
    if rest:
        console.print(f"and {rest:,} more.")
    console.print("[dim]A record key is an identifier: keep this list where the records are.[/]")


def _new_table(first: str, *others: str, right: tuple[str, ...] | None = None) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first)
    for heading in others:
        at_right = right is None or heading in right
        table.add_column(heading, justify="right" if at_right else "left")
    return table
