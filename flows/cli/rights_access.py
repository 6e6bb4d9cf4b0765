"""`journeys rights access`: what is held of one person, for the officer who answers the person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.rights_options import FileOption, PartnerOption, ReceivedOption, day
from flows.cli.shell import ConfigOption, JsonOption, write_report
from schemas.errors import ConfigError

ACCESS_EXAMPLE = (
    'journeys rights access --partner treatment --file request.csv --to "A. Officer" '
    "--out answer.duckdb --withhold police=s45-inquiry"
)


def rights_access_command(
    partner: PartnerOption,
    file: FileOption,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="The officer who answers.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write the answer; a folder, and the request names it.",
            readable=False,
        ),
    ],
    withhold: Annotated[
        list[str] | None,
        typer.Option(
            "--withhold",
            metavar="PARTNER=CODE",
            help="Leave a partner's records out, on a ground of `journeys rights grounds` that it "
            "declares.",
        ),
    ] = None,
    received: ReceivedOption = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write what is held of one person into an encrypted file, and its key beside it.

    It is for the officer of the controller that answers, and not for the partner that passed the
    request on, which would learn where else the person is known. Nothing is shown on the screen.
    """
    from flows.files import refuse_overwriting
    from flows.readers.role_files import key_path
    from flows.rights.access import answer
    from flows.settings import load_settings, locate
    from governance.rights.law import by_when

    outputs = {"--out file": out, "file's key": key_path(out), "--json report": json_out}
    refuse_overwriting(outputs, [file])
    made = answer(
        load_settings(locate(config)),
        partner,
        file,
        to,
        out,
        withhold=dict(_parted(one) for one in withhold or ()),
        received=day(received),
    )
    write_report(
        {
            "request_id": made.request_id,
            "due_on": made.due_on.isoformat(),
            "withheld": made.withheld,
        },
        json_out,
    )
    short = made.request_id[:8]
    typer.echo(f"made  {made.file}")
    typer.echo(f"made  its key at {made.key}: keep the two apart")
    typer.echo(
        f"Answered as request {short}, to be given to the person by {by_when(made.due_on)}; "
        f"`journeys rights told {short}` records it. The partner may be told no "
        "more than that it was answered."
    )
    typer.echo("Remove the request's file safely, and the answer when the person has it.")


def _parted(given: str) -> tuple[str, str]:
    """A partner and the ground on which its records are left out.

    Raises:
        ConfigError: It is not of that form.
    """
    partner, sign, code = given.partition("=")
    if not sign:
        raise ConfigError("--withhold lacks a ground.", "Give it as PARTNER=CODE.")
    return partner, code
