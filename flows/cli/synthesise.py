"""`journeys synthesise`: extracts that look real and belong to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report


def synthesise_command(
    people: Annotated[
        int, typer.Option("--people", min=1, max=5_000_000, help="How many people to invent.")
    ] = 5000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same files.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where inbox/ and truth/ go; else beside --config."
        ),
    ] = None,
    extras: Annotated[
        bool,
        typer.Option(
            "--extras",
            help="Also the extracts that few partners send, such as an intensive programme's.",
        ),
    ] = False,
    shape: Annotated[
        str,
        typer.Option(
            "--shape", help="Of the treatment extract: local (names) or ndtms (initials only)."
        ),
    ] = "local",
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write four partners' synthetic extracts."""
    from flows.progress import narrator
    from flows.settings import beside
    from synthetic import write_extracts

    folder = out if out is not None else beside(config)
    with narrator().telling(1, 1, f"Inventing {people:,} people"):
        summary = write_extracts(people, seed, folder, extras=extras, shape=shape)
    write_report({"people": people, "seed": seed, "tables": dict(summary.tables)}, json_out)
    for table, rows in summary.tables.items():
        typer.echo(f"{rows:>9,}  {table}")
    say(f"Written to {folder / 'inbox'}; who is who is in {folder / 'truth'}.")
