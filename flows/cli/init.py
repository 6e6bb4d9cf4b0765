"""`journeys init`: start a partnership folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report


def init_command(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The folder; else that of --config.")
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="A demonstration: agreements come signed by demonstration signatories for a year.",
        ),
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Start a partnership folder.

    It gets settings, agreements to complete, keys and empty inboxes. Nothing is overwritten.
    """
    from flows.clock import local_day, utc_now
    from flows.settings import beside
    from flows.start import start

    folder = out if out is not None else beside(config)
    started = start(folder, demo=demo, today=local_day(utc_now()))
    write_report({"made": started.made, "left": started.left}, json_out)
    for path in started.made:
        typer.echo(f"made  {folder / path}")
    for path in started.left:
        typer.echo(f"kept  {folder / path}")
    if started.made and demo:
        typer.echo(
            "The agreements bear demonstration signatures: use them with synthetic data only."
        )
    elif started.made:
        typer.echo(
            "Next: complete the agreements, have them signed (`journeys agreements` prints each "
            "digest), and keep a copy of keys/ in safe custody."
        )
