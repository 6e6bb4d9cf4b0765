"""`journeys doctor`: how the installation is, and what to do about what is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report


def doctor_command(
    sources: Annotated[
        bool, typer.Option("--sources", help="Also call the sources of partners' extracts.")
    ] = False,
    digests: Annotated[
        bool,
        typer.Option("--digests", help="Read every file of every release, however large."),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Also say what is right.")] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """Look over keys, agreements, disk, clock, versions, permissions, runs and more.

    Changes nothing. Exits with 0 where nothing fails, and with 1 where something does.
    """
    from flows.doctor.examining import examine
    from flows.settings import load_settings, locate

    found = examine(load_settings(locate(config)), sources=sources, digests=digests)
    write_report([one.as_json() for one in found], json_out)
    for one in found:
        if every or one.state != "ok":
            typer.echo(f"{one.state:<5} {one.code:<17} {one.said}")
            if one.remedy:
                typer.echo(f"{'':<23} {one.remedy} See {one.anchor}")
    states = [one.state for one in found]
    typer.echo(
        f"{states.count('ok')} things are right, {states.count('warn')} need attention, "
        f"{states.count('fail')} fail."
    )
    return int("fail" in states)
