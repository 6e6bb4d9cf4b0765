"""`journeys rights`: objections and erasures, from an officer's file to the run that obeys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.seal_request import SEAL_EXAMPLE, rights_seal_command
from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from flows.rights import Answered, Right

rights_app = typer.Typer(
    help="Objections and erasures: look up, take in, seal at source, follow.",
    no_args_is_help=True,
)

PartnerOption = Annotated[
    str, typer.Option("--partner", metavar="PARTNER", help="Whose officer gives the request.")
]
FileOption = Annotated[
    Path,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Identifiers, one person a line, or what the partner sealed.",
        readable=False,
    ),
]
PreviewOption = Annotated[
    bool, typer.Option("--preview", help="Only tell what would go, in numbers.")
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="REASON",
        help="not-stated, objection-upheld, consent-withdrawn, no-longer-needed, unlawful, "
        "legal-obligation or opt-out.",
    ),
]
KeepOption = Annotated[
    bool,
    typer.Option("--keep-unknown", help="Keep people out who are not known here (yet)."),
]


@rights_app.command(
    "object", epilog="Example: journeys rights object --partner police --file request.csv --preview"
)
@command
def rights_object_command(
    partner: PartnerOption,
    file: FileOption,
    preview: PreviewOption = False,
    reason: ReasonOption = "not-stated",
    keep_unknown: KeepOption = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take in an objection: the next run takes the people out and no later one takes them in.

    The file is read at once and kept nowhere; remove it safely afterwards. Only keyed tokens of the
    people are kept.
    """
    _ask("objection", partner, file, preview, reason, keep_unknown, config, json_out)


@rights_app.command(
    "erase", epilog="Example: journeys rights erase --partner police --file request.csv"
)
@command
def rights_erase_command(
    partner: PartnerOption,
    file: FileOption,
    preview: PreviewOption = False,
    reason: ReasonOption = "not-stated",
    keep_unknown: KeepOption = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take in an erasure: the next run takes the people out and no later one takes them in.

    The file is read at once and kept nowhere; remove it safely afterwards. Only keyed tokens of the
    people are kept.
    """
    _ask("erasure", partner, file, preview, reason, keep_unknown, config, json_out)


@rights_app.command("withdraw", epilog="Example: journeys rights withdraw 3ddf48d0")
@command
def rights_withdraw_command(
    request: Annotated[
        str, typer.Argument(metavar="REQUEST", help="Its id, as `journeys rights status` says it.")
    ],
    config: ConfigOption = None,
) -> None:
    """Take back a request that still waits for a run. That it was made stays on record."""
    from flows.rights import withdraw
    from flows.settings import load_settings, locate

    taken_back = withdraw(load_settings(locate(config)), request)
    typer.echo(f"Request {taken_back.request_id[:8]} was withdrawn: no run will apply it.")


@rights_app.command("status", epilog="Example: journeys rights status --json rights.json")
@command
def rights_status_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """List requests and how they stand, and what was published before they were applied."""
    from flows.rights import status
    from flows.settings import load_settings, locate

    said = status(load_settings(locate(config)))
    write_report(said, json_out)
    for one in said["requests"]:
        typer.echo(_request_line(one))
    if not said["requests"]:
        typer.echo("No request was made.")
    for kind, listed in said["reaudit"].items():
        if listed:
            typer.echo(f"To audit again, {kind} that count people who went: {', '.join(listed)}")
    for recipient in said["handed_out"]:
        typer.echo(f"To be given back, a file that may hold people who went: {recipient}")
    for epoch, count in said["tokens_behind"].items():
        typer.echo(f"{count:,} suppression tokens are in no newer key epoch than {epoch}.")


rights_app.command("seal", epilog=f"Example: {SEAL_EXAMPLE}")(command(rights_seal_command))


def _ask(
    right: Right,
    partner: str,
    file: Path,
    preview: bool,
    reason: str,
    keep_unknown: bool,
    config: Path | None,
    json_out: Path | None,
) -> None:
    from flows.files import refuse_overwriting
    from flows.rights import ask
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    refuse_overwriting({"--json report": json_out}, [file])
    answered = ask(
        settings,
        right,
        partner,
        file,
        reason=reason,
        preview=preview,
        keep_unknown=keep_unknown,
    )
    write_report(answered.as_json(), json_out)
    for line in _lines(answered):
        typer.echo(line)


def _request_line(one: Mapping[str, Any]) -> str:
    done = (
        f"applied by run {one['applied_run']}, {one['records']:,} records went"
        if one["applied_run"]
        else "waits for the next run"
    )
    return (
        f"{one['request_id'][:8]}  {one['received_at'][:10]}  {one['right']}, {one['partner']}, "
        f"{one['people']:,} people ({one['unknown']:,} not known), {one['reason']}: {done}"
    )


def _lines(answered: Answered) -> list[str]:
    from flows.asked import line_words
    from flows.rights import DIFFERING, UNKNOWN

    found = answered.found
    lines = [f"{found.people:,} people asked for, {found.known:,} known here."]
    for partner, tables in found.tables.items():
        rows = ", ".join(f"{name} {count:,}" for name, count in tables.items())
        lines.append(f"  {partner:<10} {rows}")
    told = (
        (UNKNOWN, found.unknown),
        ("More than one person here is known by", found.several),
        (DIFFERING, found.differing),
        ("Linked records differ in a strong id, so look at the links first:", found.mixed),
    )
    lines += [f"{said} {line_words(which)}." for said, which in told if which]
    if answered.preview:
        return [*lines, "Nothing was kept. Tell the partner no more than that it was looked up."]
    return [
        *lines,
        f"Taken in as request {answered.request_id[:8]}. The next `journeys run` applies it; until "
        f"then `journeys rights withdraw {answered.request_id[:8]}` takes it back.",
        "Remove the request's file safely.",
    ]
