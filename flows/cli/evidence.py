"""`journeys evidence`: a dated, signed folder for an officer, and checking one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import DONE, FAILED, ConfigOption, JsonOption, write_report


def evidence_command(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Make a dated folder in DIR.", readable=False),
    ] = None,
    attack: Annotated[
        Path | None,
        typer.Option(
            "--attack",
            metavar="FILE",
            help="What `journeys attack --json` wrote; else the results of this version.",
            readable=False,
        ),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option(
            "--tests",
            metavar="FILE",
            help="What `pytest --junitxml` wrote; else tests are told as missing.",
            readable=False,
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="DIR", help="Check such a folder.", readable=False),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="With --verify: the public half of the record key, as you were given it.",
            readable=False,
        ),
    ] = None,
    unsigned: Annotated[
        bool,
        typer.Option("--unsigned", help="With --verify: the partnership has no record key."),
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """Gather what an officer would ask for, or check a folder of it.

    Agreements, the record, keys, roles, retention, rights, runs, releases, publications, attacks,
    tests, versions, and how others' lists of controls are answered. It certifies nothing.

    Exit codes: 0 done, parts that are missing told; 1 a check failed; 2 wrong use.
    """
    from schemas.errors import ConfigError

    if (out is None) == (verify is None):
        raise ConfigError("Give --out DIR to make a folder, or --verify DIR to check one.", "")
    if verify is not None:
        return _verify(verify, key, unsigned, json_out)
    return _make(out or Path(), attack, tests, config, json_out)


def _make(
    out: Path, attack: Path | None, tests: Path | None, config: Path | None, json_out: Path | None
) -> int:
    from flows.evidence.folder import make_evidence
    from flows.evidence.part import Asked
    from flows.settings import load_settings, locate

    made, folder = make_evidence(load_settings(locate(config)), out, Asked(attack, tests))
    write_report({"folder": str(folder), **made.as_json()}, json_out)
    for part in made.parts:
        typer.echo(f"{part.state:<8} {part.title}: {part.said[0]}")
    typer.echo(f"The evidence is in {folder}; begin with index.html.")
    return FAILED if made.named("failed") else DONE


def _verify(folder: Path, key: Path | None, unsigned: bool, json_out: Path | None) -> int:
    from flows.evidence.folder import verify_evidence

    found = verify_evidence(folder, key, unsigned=unsigned)
    write_report(vars(found), json_out)
    typer.echo(f"{found.files} files, each as listed.")
    if not found.signed:
        typer.echo("NOT signed: whether the partnership made it cannot be told.")
    elif found.known:
        typer.echo(
            f"Signed with the key {found.key}: the one you were given, or vouched for by it."
        )
    else:
        typer.echo(
            f"Signed with the key {found.key}, which is in the folder itself: hold it against the "
            "one that the partnership gave you, or give --key."
        )
    return DONE
