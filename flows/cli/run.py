"""`journeys run`: the whole journey, with Prefect or without."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report
from flows.stopping import stoppable

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.control import Run
    from schemas.errors import JourneysError


def run_command(
    no_server: Annotated[
        bool, typer.Option("--no-server", help="Run the same steps without Prefect.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take in extracts, link, build and draft.

    Takes in every partner's extract, links people, builds the release and drafts the tables.
    Told to stop, it changes nothing, unless it is committed by then: it is whole, and done.
    """
    from flows.clock import utc_now
    from flows.context import new_run_id
    from flows.settings import load_settings, locate
    from schemas.errors import JourneysError

    path = locate(config)
    settings = load_settings(path)
    run_id = new_run_id(utc_now())
    failure: JourneysError | None = None
    try:
        with stoppable():
            if no_server:
                _without_server(settings, run_id)
            else:
                _with_prefect(settings, path, run_id)
    except JourneysError as error:
        failure = _with_what_stands(settings, run_id, error)
    except KeyboardInterrupt:
        if not _is_committed(settings, run_id):
            raise
        say("Asked to stop when the run was committed already: it is whole.")
    if failure is not None:
        report = _recorded(settings, run_id) or _failure(run_id, failure)
        report["warnings"] = _untold(settings, run_id)
        for line in report["warnings"]:
            say(f"Note: {line}")
        try:
            write_report(report, json_out)
        except JourneysError as lost:
            say(lost.problem)
        raise failure
    report = _recorded(settings, run_id) or {}
    _show(report, settings.folder, "" if config is None else f" --config {config}")
    write_report(report, json_out)


def _without_server(settings: Settings, run_id: str) -> None:
    from flows.orchestration.watched import watched_run
    from flows.progress import narrator

    watched_run(settings, run_id, narrator=narrator())


def _with_prefect(settings: Settings, path: Path, run_id: str) -> None:
    from flows.orchestration.prefect_settings import (
        PrefectProblem,
        check_installed,
        prepare,
        standing,
        stop_leftovers,
        use_own,
        use_standing,
    )
    from schemas.errors import JourneysError

    check_installed()
    prepare(settings.prefect_home, path)
    if stop_leftovers(Path(os.environ["PREFECT_HOME"])):
        say("Stopped a Prefect server that a killed run had left.")
    if standing(settings):
        use_standing(settings, os.environ)
    else:
        use_own(os.environ)
    say("Starting Prefect …")
    try:
        from flows.orchestration.nightly import refresh_flow

        refresh_flow(run_id=run_id)
    except JourneysError:
        raise
    except Exception:
        # Before a run is recorded nothing but Prefect itself can have failed.
        if _recorded_run(settings, run_id) is not None:
            raise
        raise PrefectProblem(
            "Prefect could not start.",
            "Run with --no-server, which takes the same steps without it; then check that the "
            "environment is the locked one (`make lock-proof`).",
        ) from None


def _with_what_stands(settings: Settings, run_id: str, error: JourneysError) -> JourneysError:
    """The failure of a run; that the last one stands is said where this one surely failed."""
    from flows.safe_errors import StepFailed

    if not isinstance(error, StepFailed):
        return error
    run = _recorded_run(settings, run_id)
    return error.before_the_commit() if run is not None and run.state == "failed" else error


def _recorded_run(settings: Settings, run_id: str) -> Run | None:
    from flows.context import open_control

    with open_control(settings) as control:
        return control.run(run_id)


def _is_committed(settings: Settings, run_id: str) -> bool:
    run = _recorded_run(settings, run_id)
    return run is not None and run.state == "committed"


def _recorded(settings: Settings, run_id: str) -> dict[str, Any] | None:
    run = _recorded_run(settings, run_id)
    return run.report if run else None


def _untold(settings: Settings, run_id: str) -> list[str]:
    """A sentence for every alert of this run that could not be sent."""
    from flows.orchestration.notify import untold

    return untold(settings, run_id)


def _failure(run_id: str, error: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "outcome": "failed",
        "problem": error.problem,
        "remedy": error.remedy.strip(),
    }


def _show(report: dict[str, Any], folder: Path, config: str) -> None:
    """Print what was done, what was rejected and where the results are."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False)
    console.print(f"\n[bold]Run {report['run_id']} is done.[/]\n")
    console.print(_partner_table(report["partners"]))
    _show_rules(console, report["partners"])
    linkage = report["linkage"]
    console.print(
        f"\n{linkage['records']:,} records belong to [bold]{linkage['people']:,} people[/]: "
        f"{linkage['linked']:,} links ({linkage['compared']:,} pairs compared in this run), "
        f"{linkage['guarded']:,} kept apart as likely relatives. {_clients(linkage)}"
        f"Person ids: {linkage['created']:,} new, {linkage['merged']:,} merged, "
        f"{linkage['split']:,} split, {linkage['retired']:,} retired.\n"
    )
    if report["release"]["carried_over"]:
        console.print(
            "Nothing that the release is made from has changed since the last run, so it was "
            "carried over.\n"
        )
    if report["rights"]["requests"]:
        requests, people = len(report["rights"]["requests"]), report["rights"]["people"]
        console.print(
            f"{requests:,} rights request(s) applied: {people:,} of these people were taken out.\n"
        )
    if report["draft"]["path"] is None:
        console.print(report["draft"]["said"], soft_wrap=True)
    for warning in report["warnings"]:
        console.print(f"[yellow]Note:[/] {warning}", soft_wrap=True)
    _show_places(console, report, folder, config)


def _clients(linkage: dict[str, int]) -> str:
    """What became of clients known by initials only, where there are any."""
    if not linkage.get("clients"):
        return ""
    return (
        f"Of {linkage['clients']:,} clients known by initials {linkage['clients_linked']:,} were "
        f"linked to a person; {linkage['clients_unsure']:,} fitted nobody clearly. "
    )


def _partner_table(partners: dict[str, dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Partner")
    table.add_column("Extract")
    table.add_column("Data to")
    for heading in ("Received", "Kept", "Quarantined", "Withheld"):
        table.add_column(heading, justify="right")
    for partner, one in partners.items():
        counts = (one["received"], one["kept"], one["quarantined"], one["withheld"])
        table.add_row(partner, one["extract"], one["data_as_at"], *(f"{n:,}" for n in counts))
    return table


def _show_rules(console: Any, partners: dict[str, dict[str, Any]]) -> None:
    """The rules most often broken, so that a partner can be told."""
    broken = [(partner, rule) for partner, one in partners.items() for rule in one["top_rules"][:3]]
    if not broken:
        return
    console.print("\nRules most often broken, up to three a partner:")
    for partner, rule in broken:
        where = f"{partner} {rule['table']}.{rule['column']}"
        console.print(f"  {rule['count']:>7,}  {where:<36} {rule['rule']}", soft_wrap=True)


def _show_places(console: Any, report: dict[str, Any], folder: Path, config: str) -> None:
    places = (
        ("Warehouse", report["release"]["path"], f'journeys sql{config} "SELECT …"'),
        ("Draft", report["draft"]["path"], f"journeys publish{config}"),
        ("Quarantine", report["quarantine"], "rows and rules, no values"),
    )
    for name, path, hint in places:
        if path is None:
            continue
        console.print(f"{name:<13} {folder / path}  [dim]{hint}[/]", soft_wrap=True)
