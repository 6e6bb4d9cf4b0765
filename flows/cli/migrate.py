"""`journeys migrate`: bring forward what an earlier version of the program made."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report


def migrate_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Bring the control database of an earlier version forward, and keep a copy of it.

    `journeys run` does so by itself before anything else.
    """
    from flows.migrating import copy_path, migrate
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    done = migrate(settings, dry_run=dry_run)
    write_report({"done": done, "dry_run": dry_run}, json_out)
    for one in done:
        typer.echo(f"{'would' if dry_run else 'done '}  {one}")
    if not done:
        typer.echo("Everything is of this version; there is nothing to bring forward.")
    elif not dry_run and copy_path(settings) is not None:
        typer.echo(f"The database as it was is kept as {copy_path(settings)}.")
