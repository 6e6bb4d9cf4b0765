"""`journeys agreements`: how each stands, what it says, what changes, and notices made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.agreements.notices import Notice
    from flows.settings import Settings
    from governance.agreements import Agreement

agreements_app = typer.Typer(
    help="Which sharing agreements are in force; what they say; the notices made of them.",
    invoke_without_command=True,
    epilog="Example: journeys agreements --config demo/partnership.yaml",
)

PartnerArgument = Annotated[str, typer.Argument(metavar="PARTNER", help="Whose agreement.")]
OutOption = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Where to: FILE.md, FILE.html or FILE.csv decides the form.",
        readable=False,
    ),
]


@agreements_app.callback()
def agreements(
    ctx: typer.Context, config: ConfigOption = None, json_out: JsonOption = None
) -> None:
    """Say which agreements are in force, and what to do if not."""
    if ctx.invoked_subcommand is None:
        command(agreements_command)(config=config, json_out=json_out)


def agreements_command(config: Path | None = None, json_out: Path | None = None) -> int:
    """Say which agreements are in force, and what to do if not."""
    from flows.agreements.states import agreement_states, unread
    from flows.clock import local_day, utc_now

    settings = _settings(config)
    found = agreement_states(settings, local_day(utc_now()))
    write_report(found, json_out)
    for partner, one in found.items():
        typer.echo(f"{partner:<10} {one['state']:<13} {one['said']}")
        if one["digest"]:
            typer.echo(f"{'':<10} digest        {one['digest']}")
    if beside := unread(settings):
        typer.echo(
            f"Note  {beside} more files beside the agreements are read for no partner: one that "
            "is to follow belongs in a folder of its partner's, which `agreement` in "
            "partnership.yaml names."
        )
    return 0 if all(one["in_force"] for one in found.values()) else 1


@agreements_app.command("show", epilog="Example: journeys agreements show police --version 2")
@command
def agreements_show_command(
    partner: PartnerArgument,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="Which; else the one in force.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Say in words what an agreement says: parties, law, fields, recipients, dates, signatures."""
    from flows.agreements.words import in_words

    for line in in_words(_agreement(_settings(config), partner, version)):
        typer.echo(line)


@agreements_app.command("check", epilog="Example: journeys agreements check police-2.yaml")
@command
def agreements_check_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to be put in place.", readable=False)
    ],
    config: ConfigOption = None,
) -> int:
    """Examine a file before it is put in place: all that is amiss, and the digest to be signed."""
    from flows.clock import local_day, utc_now
    from governance.agreements import examine

    settings = _settings(config)
    found = examine(
        file,
        purpose=settings.purpose,
        demonstration=settings.demonstration,
        roles=settings.roles,
        today=local_day(utc_now()),
    )
    for said in found.stops:
        typer.echo(f"Stops the partner: {said}")
    for said in found.told:
        typer.echo(f"To be known: {said}")
    if found.agreement is not None:
        typer.echo(f"Digest to be signed: {found.agreement.document_digest}")
    if not found.stops:
        typer.echo("Nothing in it stops the partner.")
    return 1 if found.stops else 0


@agreements_app.command("diff", epilog="Example: journeys agreements diff police 1 2")
@command
def agreements_diff_command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[PARTNER] A B", help="Two versions of a partner's agreement, or two files."
        ),
    ],
    config: ConfigOption = None,
) -> None:
    """Say in words what changes from one version of an agreement to another."""
    from governance.agreements import differences, load_agreement
    from schemas.errors import ConfigError

    if len(words) == 3 and all(one.isdecimal() for one in words[1:]):
        settings = _settings(config)
        before, after = (_agreement(settings, words[0], int(one)) for one in words[1:])
    elif len(words) == 2:
        before, after = (load_agreement(Path(one)) for one in words)
    else:
        raise ConfigError(
            "Two agreements are needed.",
            "Give a partner and two numbers of versions, or two files.",
        )
    found = differences(before, after)
    for line in found or ["They say the same."]:
        typer.echo(line)


@agreements_app.command(
    "record-of-processing",
    epilog="Example: journeys agreements record-of-processing --out record-of-processing.html",
)
@command
def agreements_record_of_processing_command(out: OutOption, config: ConfigOption = None) -> None:
    """Write the record of processing activities that the agreements in force amount to."""
    from flows.agreements.notices import record_of_processing

    _write(record_of_processing, out, config)


@agreements_app.command(
    "data-flow", epilog="Example: journeys agreements data-flow --out data-flow.html"
)
@command
def agreements_data_flow_command(out: OutOption, config: ConfigOption = None) -> None:
    """Write the data-flow annex of an impact assessment: a diagram, and where everything goes."""
    from flows.agreements.notices import data_flow

    _write(data_flow, out, config)


@agreements_app.command(
    "privacy-notice",
    epilog="Example: journeys agreements privacy-notice --out privacy-notice.md",
)
@command
def agreements_privacy_notice_command(out: OutOption, config: ConfigOption = None) -> None:
    """Write what a privacy notice has to say, in plain words, of every partner."""
    from flows.agreements.privacy import privacy_notice

    _write(privacy_notice, out, config)


def _write(
    make: Callable[[Settings, dict[str, Agreement]], Notice], out: Path, config: Path | None
) -> None:
    from flows.agreements.notices import agreements_told, write_notice
    from flows.clock import local_day, utc_now
    from flows.files import check_report_target

    check_report_target(out, "page")
    settings = _settings(config)
    told, without = agreements_told(settings, local_day(utc_now()))
    write_notice(make(settings, told), out)
    typer.echo(f"{out} was written.")
    if without:
        typer.echo(f"Not in it, for want of an agreement in force: {', '.join(without)}.")


def _settings(config: Path | None) -> Settings:
    from flows.settings import load_settings, locate

    return load_settings(locate(config))


def _agreement(settings: Settings, partner: str, version: int | None) -> Agreement:
    from flows.clock import local_day, utc_now
    from governance.agreements import load_agreement, load_versions
    from schemas.errors import ConfigError

    if partner not in settings.partners:
        raise ConfigError(
            "partnership.yaml has no such partner.",
            f"Name one of {', '.join(settings.partners)}.",
        )
    path = settings.partner(partner).agreement
    if version is None:
        return load_agreement(path, local_day(utc_now()))
    versions = {one.version: one for one in load_versions(path)}
    if version not in versions:
        raise ConfigError(
            f"There is no version {version} of the {partner} agreement.",
            f"Name one of {', '.join(map(str, versions))}.",
        )
    return versions[version]
