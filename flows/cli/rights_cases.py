"""The legal side of requests: refuse, extend, told, lift, reaudit, status."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.rights_options import RequestArgument
from flows.cli.shell import ConfigOption, JsonOption, command, write_report

GroundOption = Annotated[
    str,
    typer.Option(
        "--ground", metavar="CODE", help="A statutory ground of `journeys rights grounds`."
    ),
]
ForOption = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="PARTNER",
        help="Whose records; else of all under the part of the law that the ground is of.",
    ),
]


def add_case_commands(app: typer.Typer) -> None:
    """Add these commands to `journeys rights`."""
    for name, function, example in (
        ("refuse", rights_refuse_command, "refuse 3ddf48d0 --ground s47-evidence"),
        ("extend", rights_extend_command, "extend 3ddf48d0"),
        ("told", rights_told_command, "told 3ddf48d0"),
        ("lift", rights_lift_command, "lift 3ddf48d0"),
        ("grounds", rights_grounds_command, "grounds"),
        ("reaudit", rights_reaudit_command, "reaudit"),
        ("status", rights_status_command, "status --json rights.json"),
    ):
        app.command(name, epilog=f"Example: journeys rights {example}")(command(function))


def rights_refuse_command(
    request: RequestArgument,
    ground: GroundOption,
    partner: ForOption = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Refuse a request for the records of some partners, on a statutory ground.

    What is left of it reaches the others' records. The refusal is recorded with the day by which
    the person must be told of it, and of the right to complain to the Information Commissioner.
    """
    from flows.rights.cases import refuse
    from flows.settings import load_settings, locate
    from governance.rights.law import by_when

    made = refuse(load_settings(locate(config)), request, ground, partner or ())
    report = {**vars(made), "ground": ground, "due_on": made.due_on.isoformat()}
    write_report(report, json_out)
    typer.echo(
        f"Refused for {', '.join(made.partners)}: {made.ground.label} ({made.ground.provision})."
    )
    if made.as_a_whole:
        typer.echo("Nothing is left of the request: no run will apply it.")
    typer.echo(
        f"By {by_when(made.due_on)} the person must be told that it was refused, why (unless the "
        "reason may not be told), and that they may complain to the Information Commissioner and "
        "go to court."
    )


def rights_extend_command(request: RequestArgument, config: ConfigOption = None) -> None:
    """Take two months more to answer a complex request; the person must be told that, and why."""
    from flows.rights.cases import extend
    from flows.settings import load_settings, locate

    typer.echo(f"To be answered by {extend(load_settings(locate(config)), request)}.")


def rights_told_command(request: RequestArgument, config: ConfigOption = None) -> None:
    """Record that the person was told what became of the request."""
    from flows.rights.cases import told
    from flows.settings import load_settings, locate

    case = told(load_settings(locate(config)), request)
    typer.echo(f"Request {case.request_id[:8]} is answered.")


def rights_lift_command(request: RequestArgument, config: ConfigOption = None) -> None:
    """End a rectification's restriction, once the partner's officer says that it was put right.

    The records come in again when the partner next sends them.
    """
    from flows.rights.cases import lift
    from flows.settings import load_settings, locate

    case = lift(load_settings(locate(config)), request)
    typer.echo(
        f"The restriction of request {case.request_id[:8]} is lifted. Its records come in with the "
        f"next extract of {case.partner}."
    )


def rights_grounds_command(json_out: JsonOption = None) -> None:
    """List the statutory grounds on which a request may be refused."""
    from governance.rights.law import IN_WORDS, grounds

    listed = grounds().values()
    write_report([vars(one) | {"rights": sorted(one.rights)} for one in listed], json_out)
    for one in listed:
        typer.echo(
            f"{one.code:<24} {IN_WORDS[one.regime]}; {', '.join(sorted(one.rights))}: {one.label} "
            f"({one.provision})"
        )
    typer.echo("To be confirmed by the controllers' own advisers before one is relied on.")


def rights_reaudit_command(config: ConfigOption = None, json_out: JsonOption = None) -> int:
    """Check once more the proof of every publication that counts people who have gone."""
    from flows.rights.reaudit import reaudit
    from flows.settings import load_settings, locate
    from governance.disclosure.rules import Rule

    settings = load_settings(locate(config))
    found = reaudit(settings)
    write_report([vars(one) | {"at": one.at.isoformat()} for one in found], json_out)
    for one in found:
        proved = f"proved, {one.counts:,} counts" if one.proved else "NOT proved: withdraw it"
        beside = f"; the same days without them: {', '.join(one.beside)}" if one.beside else ""
        typer.echo(f"{one.publication_id}  {proved}{beside}")
    if found:
        rule = Rule(settings.disclosure.threshold, settings.disclosure.rounding_base)
        typer.echo(
            "The proof is against readers who know one record. Who knows "
            f"{rule.fewest_known} of those in one of the smallest counts, such as people who went "
            f"together, can tell that fewer than {rule.threshold} others are in it."
        )
    else:
        typer.echo("Nothing that is public counts anybody who has gone.")
    return 0 if all(one.proved for one in found) else 1


def rights_status_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """List requests and how they stand, and what was published before they were applied."""
    from flows.cli.rights_answers import request_line
    from flows.rights.status import status
    from flows.settings import load_settings, locate

    said = status(load_settings(locate(config)))
    write_report(said, json_out)
    for one in said["requests"]:
        typer.echo(request_line(one))
    if not said["requests"]:
        typer.echo("No request was made.")
    for line in said["due"]:
        typer.echo(line)
    for kind, listed in said["reaudit"].items():
        if listed:
            typer.echo(f"Count people who went, {kind}: {', '.join(listed)}")
    for publication in said["reaudit"]["publications"]:
        found = said["reaudited"].get(publication, "to be audited again: `journeys rights reaudit`")
        typer.echo(f"  {publication}: {found}")
    for recipient in said["handed_out"]:
        typer.echo(f"To be given back, a file that may hold people who went: {recipient}")
    for epoch, count in said["tokens_behind"].items():
        typer.echo(f"{count:,} suppression tokens are in no newer key epoch than {epoch}.")
