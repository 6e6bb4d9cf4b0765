"""`journeys rights`: requests of people, from an officer's file to the run that obeys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.rights_access import ACCESS_EXAMPLE, rights_access_command
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
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from flows.rights.requests import Answered, Right

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
        from flows.rights.requests import ask
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
        _tell(answered, json_out)

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
    from flows.rights.requests import withdraw
    from flows.settings import load_settings, locate

    taken_back = withdraw(load_settings(locate(config)), request)
    typer.echo(f"Request {taken_back.request_id[:8]} was withdrawn: no run will apply it.")


@rights_app.command(
    "rectify",
    epilog="Example: journeys rights rectify --what values --partner police --file request.csv",
)
@command
def rights_rectify_command(
    partner: PartnerOption,
    file: FileOption,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            metavar="WHAT",
            help="values: what the partner's records say is wrong, and they stay out until they "
            "are put right. link: records of different people, one a line, were found as one.",
        ),
    ],
    apart_from: Annotated[
        str | None,
        typer.Option(
            "--apart-from",
            metavar="PARTNER",
            help="link: put the records apart from all of this partner's that they are linked to.",
        ),
    ] = None,
    officer: Annotated[
        str, typer.Option("--officer", metavar="NAME", help="link: who decided that it is wrong.")
    ] = "",
    preview: PreviewOption = False,
    received: ReceivedOption = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take in a rectification: wrong records stay out until put right, or wrong links go for good.

    The next run applies it. `journeys rights lift` ends a restriction once the partner's officer
    says that the records were put right; they come in when they are next sent.
    """
    from flows.files import refuse_overwriting
    from flows.rights.rectify import put_apart
    from flows.rights.requests import ask
    from flows.settings import load_settings, locate

    if what not in ("values", "link"):
        raise ConfigError("There is no such --what.", "Give values or link.")
    settings, day_received = load_settings(locate(config)), day(received)
    refuse_overwriting({"--json report": json_out}, [file])
    if what == "link":
        answered = put_apart(
            settings,
            partner,
            file,
            officer,
            apart_from=apart_from,
            preview=preview,
            received=day_received,
        )
    else:
        answered = ask(
            settings, "rectification", partner, file, preview=preview, received=day_received
        )
    _tell(answered, json_out)


@rights_app.command(
    "opt-out", epilog="Example: journeys rights opt-out --partner treatment --file opted-out.csv"
)
@command
def rights_opt_out_command(
    partner: PartnerOption,
    file: FileOption,
    cleaned: Annotated[
        bool,
        typer.Option(
            "--cleaned", help="The list is of those who did not opt out, as a check gave it back."
        ),
    ] = False,
    nobody: Annotated[
        bool,
        typer.Option("--nobody", help="Nobody has opted out: the list has a header and no line."),
    ] = False,
    preview: PreviewOption = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take in a list of NHS numbers of people who opted out, in the place of the one before.

    The next run takes their records of this partner out, and every later one withholds them. People
    whom the list no longer has come in when they are next sent.
    """
    from flows.files import refuse_overwriting
    from flows.rights.opt_out import opt_out
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    refuse_overwriting({"--json report": json_out}, [file])
    answered = opt_out(settings, partner, file, cleaned=cleaned, nobody=nobody, preview=preview)
    _tell(answered, json_out)


def _tell(answered: Answered, json_out: Path | None) -> None:
    write_report(answered.as_json(), json_out)
    for line in [*lines_of_found(answered.found), *taken_in_lines(answered)]:
        typer.echo(line)


rights_app.command("access", epilog=f"Example: {ACCESS_EXAMPLE}")(command(rights_access_command))
rights_app.command("seal", epilog=f"Example: {SEAL_EXAMPLE}")(command(rights_seal_command))
add_case_commands(rights_app)
