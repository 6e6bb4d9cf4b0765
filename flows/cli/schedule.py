"""`journeys schedule`: the runs that nobody starts; a data lead needs no other command for them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from flows.cli.shell import FAILED, ConfigOption, JsonOption, command, say, write_report

if TYPE_CHECKING:
    from datetime import datetime

    from flows.orchestration.registering import Standing
    from flows.settings import Settings

Made = TypeVar("Made")

schedule_app = typer.Typer(
    help="Have runs begin by themselves, and people be told when they do not.",
    no_args_is_help=True,
)


@schedule_app.command("apply", epilog="Example: journeys schedule apply")
@command
def schedule_apply_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """Register the timetable and the alerts with the server; what was there before is replaced."""
    settings = _prepared(config)

    def register() -> Standing:
        from asyncio import run

        from flows.orchestration.registering import register

        return run(register(settings))

    standing = _asked(settings, register)
    write_report(_as_report(standing), json_out)
    _show(standing)
    if settings.alerts.email is None and settings.alerts.teams is None:
        say("Nobody will be told: partnership.yaml has no `alerts`.")


@schedule_app.command("status", epilog="Example: journeys schedule status --alert")
@command
def schedule_status_command(
    alert: Annotated[
        bool, typer.Option("--alert", help="Also tell the people whom alerts go to.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """Say when each run comes next, how the last went, and what is amiss; 1 if anything is."""
    from flows.orchestration.amiss import amiss_with, tell
    from flows.orchestration.prefect_settings import PrefectProblem, is_served
    from flows.orchestration.prefect_settings import standing as answers
    from flows.settings import load_settings, locate

    served = is_served(load_settings(locate(config)))
    settings = _prepared(config) if served else load_settings(locate(config))
    standing = None
    if served and answers(settings):

        def ask() -> Standing:
            from asyncio import run

            from flows.orchestration.registering import standing_now

            return run(standing_now())

        # One that answers and cannot say how it stands is as good as dead, and is told as such.
        with suppress(PrefectProblem):
            standing = _asked(settings, ask)
    amiss = amiss_with(settings, standing, served=served)
    report = {**(_as_report(standing) if standing else {}), "amiss": amiss}
    write_report(report, json_out)
    if standing is not None:
        _show(standing)
    elif not served:
        typer.echo("No server of the schedule was started here; a timer of the machine may run it.")
    for said in amiss.values():
        typer.echo(said)
    if alert:
        for line in tell(settings, amiss):
            say(line)
    return FAILED if amiss else 0


@schedule_app.command("remove", epilog="Example: journeys schedule remove")
@command
def schedule_remove_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """Take the timetable and the alerts off the server; what was run stays on record."""
    settings = _prepared(config)

    def take_back() -> int:
        from asyncio import run

        from flows.orchestration.registering import unregister

        return run(unregister())

    removed = _asked(settings, take_back)
    write_report({"removed": removed}, json_out)
    typer.echo(f"{removed} scheduled: taken off. Nothing begins by itself any more.")


@schedule_app.command("serve", epilog="Example: journeys schedule serve")
@command
def schedule_serve_command(config: ConfigOption = None) -> None:
    """Serve the schedule until told to stop: the first of the two processes that stand."""
    from flows.orchestration.prefect_settings import server_settings

    settings = _prepared(config)
    os.environ.update(server_settings(settings))
    from flows.orchestration.serving import serve

    serve(settings)


@schedule_app.command("work", epilog="Example: journeys schedule work")
@command
def schedule_work_command(
    once: Annotated[
        bool, typer.Option("--once", help="Carry out what is due now, then end.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Carry out what is scheduled until told to stop: the second of the two processes."""
    settings = _prepared(config)

    def work() -> None:
        from flows.orchestration.serving import work

        work(settings, once=once)

    _asked(settings, work)


@schedule_app.command("housekeeping", epilog="Example: journeys schedule housekeeping")
@command
def schedule_housekeeping_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """Do once what is scheduled every morning: check the record and say what is due or amiss.

    What a run that was killed left is put right, and a checkpoint is made. Whoever alerts go to is
    told, also if it cannot be done. For a timer of the machine; a worker does it by itself.
    """
    from flows.orchestration.looking_after import upkeep_key, watched_upkeep
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    said = watched_upkeep(settings, upkeep_key(), wait_minutes=settings.schedule.wait_minutes)
    write_report({"said": said}, json_out)
    for one in said or ["Nothing is to be looked after."]:
        typer.echo(one)


@schedule_app.command("settings", epilog="Example: journeys schedule settings --out hub.env")
@command
def schedule_settings_command(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it here, for its owner's eyes only."),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write the environment of server and worker, for whoever starts Prefect in another way.

    The server's password is in it: without --out it is shown as dots.
    """
    from flows.files import write_private
    from flows.orchestration.prefect_settings import prepare, server_settings, use_standing
    from flows.settings import load_settings, locate

    path = locate(config)
    settings = load_settings(path)
    told: dict[str, str] = {}
    prepare(settings.prefect_home, path, told)
    use_standing(settings, told)
    told |= server_settings(settings)
    del told["JOURNEYS_PID"]
    hidden = {name: "…" if _is_secret(name) else value for name, value in told.items()}
    write_report(hidden, json_out)
    if out is not None:
        write_private(out, _as_file(told).encode())
        typer.echo(f"Written     {out}")
    else:
        typer.echo(_as_file(hidden), nl=False)


def _is_secret(name: str) -> bool:
    return name.endswith(("AUTH_STRING", "CONNECTION_URL"))


def _as_file(told: dict[str, str]) -> str:
    """The lines of an environment file, as systemd, a shell and Docker Compose all read them.

    What is plain stands bare, which programs that know no quotes (`podman --env-file`) take too;
    else quotes keep a `$`, a backslash and a space what they are.

    Raises:
        ConfigError: A value has a line break, which no such file can hold.
    """
    from schemas.errors import ConfigError

    if any(line_break in value for value in told.values() for line_break in "\n\r"):
        raise ConfigError(
            "A setting of the schedule's server has a line break in it.",
            "Look at `schedule` in partnership.yaml, the environment, and the path of its folder.",
        )
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(told.items()))


def _prepared(config: Path | None) -> Settings:
    """The partnership, with Prefect's environment set for its standing server."""
    from flows.orchestration.prefect_settings import check_installed, prepare, use_standing
    from flows.settings import load_settings, locate

    path = locate(config)
    settings = load_settings(path)
    check_installed()
    prepare(settings.prefect_home, path)
    use_standing(settings, os.environ)
    return settings


def _asked(settings: Settings, call: Callable[[], Made]) -> Made:
    """Ask the server, which must be there.

    Raises:
        PrefectProblem: It does not answer, or refuses.
    """
    from flows.orchestration.prefect_settings import PrefectProblem, standing

    if not standing(settings):
        raise PrefectProblem(
            f"The schedule's server does not answer at {settings.schedule.server}.",
            "Start it with `journeys schedule serve`, or see `schedule: server` in "
            "partnership.yaml.",
        )
    from httpx import HTTPError
    from prefect.exceptions import PrefectException

    kind = ""
    try:
        return call()
    except (PrefectException, HTTPError) as error:
        kind = type(error).__name__
    raise PrefectProblem(
        f"The schedule's server did not do what it was asked ({kind}).",
        "Try again; if it refuses again, start it anew with `journeys schedule serve`.",
    )


def _as_report(standing: Standing) -> dict[str, Any]:
    return {
        "worker": standing.worker,
        "alerts": list(standing.alerts),
        "timetable": [
            {
                "name": one.name,
                "next": None if one.coming is None else one.coming.isoformat(),
                "last": None if one.last is None else {"run": one.last[0], "state": one.last[1]},
            }
            for one in standing.lines
        ],
    }


def _show(standing: Standing) -> None:
    for one in standing.lines:
        last = "" if one.last is None else f"  last {one.last[1].lower()}: {one.last[0]}"
        typer.echo(f"{one.name:<18} next {_when(one.coming)}{last}")
    typer.echo(f"{'alerts':<18} {', '.join(standing.alerts)}")
    typer.echo(f"{'worker':<18} {'there' if standing.worker else 'not there'}")


def _when(moment: datetime | None) -> str:
    from zoneinfo import ZoneInfo

    from flows.orchestration.timetable import TIMEZONE

    if moment is None:
        return "not told yet"
    return f"{moment.astimezone(ZoneInfo(TIMEZONE)):%a %d %b %Y %H:%M}"
