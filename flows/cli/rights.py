"""`journeys rights`: requests of people, from an officer's file to the run that obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.rights_answers import lines_of_found, taken_in_lines
from flows.cli.rights_cases import add_case_commands
from flows.cli.rights_options import (
    FileOption,
    KeepOption,
    PartnerOption,
    PreviewOption,
    ReasonOption,
    ReceivedOption,
    day,
)
from flows.cli.seal_request import SEAL_EXAMPLE, rights_seal_command
from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from flows.rights import Right

rights_app = typer.Typer(
    help="Objection, erasure, rectification, access, opt-outs: take in, seal, refuse, follow.",
    no_args_is_help=True,
)

WHAT_BECOMES = (
    "The file is read at once and kept nowhere; remove it safely afterwards. Only keyed tokens of "
    "the people are kept."
)


def _takes_in(name: str, right: Right, about: str) -> None:
    """Add a command that takes in requests of people; all have the same options."""

    def rights_command(
        partner: PartnerOption,
        file: FileOption,
        preview: PreviewOption = False,
        reason: ReasonOption = "not-stated",
        keep_unknown: KeepOption = False,
        received: ReceivedOption = None,
        config: ConfigOption = None,
        json_out: JsonOption = None,
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
            received=day(received),
        )
        write_report(answered.as_json(), json_out)
        for line in [*lines_of_found(answered.found), *taken_in_lines(answered)]:
            typer.echo(line)

    rights_command.__doc__ = f"{about}\n\n{WHAT_BECOMES}"
    example = f"Example: journeys rights {name} --partner police --file request.csv --preview"
    rights_app.command(name, epilog=example)(command(rights_command))


_takes_in(
    "object",
    "objection",
    "Take in an objection: the next run takes the people out and no later one takes them in.",
)
_takes_in(
    "erase",
    "erasure",
    "Take in an erasure: the next run takes the people out and no later one takes them in.",
)


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


rights_app.command("seal", epilog=f"Example: {SEAL_EXAMPLE}")(command(rights_seal_command))
add_case_commands(rights_app)
