"""`journeys check`: a partner checks its own files before it sends them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import JsonOption, write_report

if TYPE_CHECKING:
    from collections.abc import Callable

PartnerArgument = Annotated[
    str, typer.Argument(metavar="PARTNER", help="police, probation, treatment or housing.")
]
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="A folder, or one or several files named after their tables."
    ),
]
TableOption = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="The table of one file of another name."),
]
SystemOption = Annotated[
    str | None,
    typer.Option(
        "--system", metavar="NAME", help="The mapping by which the hub reads your system."
    ),
]
MappingsOption = Annotated[
    Path | None,
    typer.Option("--mappings", metavar="DIR", help="Mappings that the hub wrote itself."),
]
CodesOption = Annotated[
    Path | None,
    typer.Option(
        "--codes", metavar="DIR", help="Code lists that the hub uses in place of its own."
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="The hub's policy.yaml, if it has one."),
]
Under18Option = Annotated[
    bool, typer.Option("--under-18", help="Your agreement shares people under 18.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="OUT", help="Also write a page to read.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option("--csv", metavar="OUT", help="Also write every row number, column and rule."),
]
ShowKeysOption = Annotated[
    bool,
    typer.Option(
        "--show-keys",
        help="Show your own record keys on the screen. Not at a hub, and in no report.",
    ),
]


def check_command(
    partner: PartnerArgument,
    files: FilesArgument,
    table: TableOption = None,
    system: SystemOption = None,
    mappings: MappingsOption = None,
    codes: CodesOption = None,
    policy: PolicyOption = None,
    under_18: Under18Option = False,
    html: HtmlOption = None,
    csv: CsvOption = None,
    show_keys: ShowKeysOption = False,
    json_out: JsonOption = None,
) -> int:
    """Check files as the hub would. No configuration is needed, and nothing is stored.

    Exit codes: 0 accepted, 1 rejected or some records quarantined, 2 wrong use.
    """
    from flows.cli.check_screen import show, show_keys_of
    from flows.clock import local_day, utc_now
    from flows.files import refuse_overwriting
    from flows.intake.check import check_files, csv_report, html_report, own_keys
    from flows.intake.given import given_files
    from schemas.mapping import load_mapping
    from schemas.policy import load_policy

    _require_right_use(partner, files, show_keys=show_keys)
    _require("--policy", policy, Path.is_file)
    _require("--codes", codes, Path.is_dir)
    _require("--mappings", mappings, Path.is_dir)
    given = given_files(load_mapping(partner, system, mappings, codes), files, table)
    own = [codes.glob("*.csv") if codes else (), mappings.glob("*.yaml") if mappings else ()]
    refuse_overwriting(
        {"--html page": html, "--csv report": csv, "--json report": json_out},
        [*given.files.values(), *([policy] if policy else []), *own[0], *own[1]],
    )
    today = local_day(utc_now())
    report, frames = check_files(
        given, today=today, codes=codes, policy=load_policy(policy), under_18=under_18
    )
    write_report(report.as_json(), json_out)
    write_asked(html, lambda: html_report(report, today))
    write_asked(csv, lambda: csv_report(report))
    show(report)
    if show_keys:
        show_keys_of(own_keys(report, frames))
    return 0 if report.verdict == "accepted" else 1


def _require_right_use(partner: str, files: list[Path], *, show_keys: bool) -> None:
    import os

    from flows.intake.check import refuse_keys_at_a_hub
    from flows.settings import LOCATION_VARIABLE

    if show_keys:
        refuse_keys_at_a_hub(files, os.environ.get(LOCATION_VARIABLE))
    require_partner(partner)


def require_partner(partner: str) -> None:
    """Refuse what is no partner.

    Raises:
        ConfigError: It is none.
    """
    from schemas.errors import ConfigError
    from schemas.tables import TABLES

    if partner not in TABLES:
        raise ConfigError("There is no such partner.", f"Give one of {', '.join(TABLES)}.")


def _require(option: str, path: Path | None, is_there: Callable[[Path], bool]) -> None:
    from schemas.errors import ConfigError

    if path is not None and not is_there(path):
        raise ConfigError(f"{option} names nothing that is there.", "Check its path.")


def write_asked(out: Path | None, make: Callable[[], str]) -> None:
    """Write a report where one was asked for; its place was checked before any work."""
    from flows.files import write_text

    if out is not None:
        write_text(out, make())
