"""The program of the partner kit: check, encode, seal a rights request, and nothing else.

It needs no partnership, and the kit leaves out what only a hub uses.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

HERE = Path(__file__).resolve().parent
if (HERE / "lib").is_dir():
    # Beside Python's embeddable package, which looks nowhere by itself.
    sys.path[:0] = [str(HERE / "lib")]

import typer  # noqa: E402

from flows.cli.check import check_command  # noqa: E402
from flows.cli.encode import encode_command  # noqa: E402
from flows.cli.seal_request import SEAL_EXAMPLE, rights_seal_command  # noqa: E402
from flows.cli.shell import command, program  # noqa: E402

COMMANDS = (
    ("check", check_command, "journeys check police extract --html check.html"),
    (
        "encode",
        encode_command,
        "journeys encode police extract --keys police.bundle "
        "--passphrase-file police.bundle.passphrase --out police.sealed",
    ),
)

app = program(
    "Check a partner's extract, encode it on this machine and seal it for the hub.", COMMANDS
)

# A group of one command, so that it is called as at the hub.
rights_app = typer.Typer(help="Seal an objection or erasure for the hub.", no_args_is_help=True)
rights_app.callback()(lambda: None)
rights_app.command("seal", epilog=f"Example: {SEAL_EXAMPLE}")(command(rights_seal_command))
app.add_typer(rights_app, name="rights")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Cohort Journeys partner kit {version('cohort-journeys')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Check a partner's extract, encode it on this machine and seal it for the hub."""


if __name__ == "__main__":
    app()
