"""`journeys retention`: what is due for deletion, deleting it, taking out a partner that left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from datetime import date

    from governance.retention import Line

retention_app = typer.Typer(
    help="Tell what is due for deletion, delete it, take out a partner that left.",
    no_args_is_help=True,
)

OnOption = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="The day, such as 2027-04-01.")
]


@retention_app.command("due", epilog="Example: journeys retention due --on 2027-04-01")
@command
def retention_due_command(
    on: OnOption = None,
    only_due: Annotated[bool, typer.Option("--only-due", help="Leave out what is kept.")] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """List everything that is kept: since when, until when, under what, and whether it is due."""
    from flows.retention.due import due
    from flows.settings import load_settings, locate
    from schemas.errors import KeyProblem

    settings, outside = load_settings(locate(config)), False
    try:
        lines = due(settings, _day(on))
    except KeyProblem:
        lines, outside = due(settings, _day(on), inside=False), True
    write_report([line.as_json() for line in lines], json_out)
    shown = [line for line in lines if line.due or not only_due]
    _show(shown)
    ours = sum(line.due and not line.told for line in lines)
    told = sum(line.due and line.told for line in lines)
    typer.echo(f"{ours} due for deletion here: `journeys retention apply` deletes them.")
    if outside:
        typer.echo(
            "What is in the stores was not looked at: whoever has the store key sees decisions, "
            "history, candidate links and tokens too."
        )
    if told:
        typer.echo(f"{told} due elsewhere: ask whoever has them to delete them.")


@retention_app.command("apply", epilog="Example: journeys retention apply --dry-run")
@command
def retention_apply_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be deleted.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, delete it.")] = False,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="DATE",
            help="Today, where the clock is in doubt; any day with --dry-run.",
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Delete what is due, write stores anew without it, and write a signed receipt.

    What was cut short is finished first. Backups and files that were handed out are not touched.
    """
    from flows.retention.deleting import apply
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    if not (dry_run or yes):
        raise ConfigError(
            "Nothing was deleted.", "Look with --dry-run, then give --yes to delete what is due."
        )
    applied = apply(load_settings(locate(config)), _day(on), dry_run=dry_run)
    receipt = None if applied.receipt is None else str(applied.receipt)
    lines = [line.as_json() for line in applied.lines]
    write_report({"on": applied.on.isoformat(), "receipt": receipt, "lines": lines}, json_out)
    _show(applied.lines)
    if not applied.lines:
        typer.echo(f"Nothing is due for deletion on {applied.on}.")
    elif receipt is None:
        typer.echo(f"Nothing was deleted: these {len(applied.lines)} would be on {applied.on}.")
    else:
        typer.echo(f"Deleted. The receipt is {receipt}.")
        typer.echo("Backups hold them still: `journeys retention due` says how old those may be.")


@retention_app.command(
    "remove-partner",
    epilog='Example: journeys retention remove-partner housing --reason "It left" --preview',
)
@command
def retention_remove_partner_command(
    partner: Annotated[str, typer.Argument(metavar="PARTNER", help="Which partner.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="REASON", help="Why, for the record; never of whom.")
    ],
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what it comes to.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, take it out.")] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Take out all data of a partner that partnership.yaml no longer names.

    With them go every release, and every draft that was not published: the next run makes others.
    """
    from flows.retention.deleting import remove_partner
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    if not (preview or yes):
        raise ConfigError(
            "Nothing was taken out.", "Look with --preview, then give --yes to take it out."
        )
    comes = remove_partner(load_settings(locate(config)), partner, reason, preview=preview)
    write_report(comes.as_json(), json_out)
    went = "would go" if preview else "went"
    typer.echo(f"{comes.records:,} records of {partner} {went}, the only ones of {comes.people:,} "
               "people.")  # fmt: skip
    for table, rows in comes.tables.items():
        typer.echo(f"{rows:>12,}  rows of {table}")
    typer.echo(
        f"{comes.releases} releases, {comes.drafts} drafts and {comes.files} files {went} with "
        "them. Files handed out and backups hold them still."
    )
    if not preview:
        typer.echo("Run `journeys run` to make a release without them.")


@retention_app.command(
    "new-register",
    epilog='Example: journeys retention new-register --reason "The disk is lost"',
)
@command
def retention_new_register_command(
    reason: Annotated[
        str, typer.Option("--reason", metavar="REASON", help="Why, for the record; never of whom.")
    ],
    config: ConfigOption = None,
) -> None:
    """Begin another register of erasures, where the one that there was is lost for good.

    If the partnership folder itself was put back from a backup, look for the lost one first: who
    was erased since that backup is in no other place, and comes back.
    """
    from flows.rights.register import new_register
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    entered = new_register(settings, reason)
    typer.echo(f"Begun in {settings.retention.erasures}, with {entered} entries written.")


def _show(lines: list[Line] | tuple[Line, ...]) -> None:
    """What is kept, by who says for how long."""
    for under in dict.fromkeys(line.under for line in lines):
        typer.echo(f"By {under}")
        for line in (one for one in lines if one.under == under):
            until = f"until {line.until}" if line.until else "for good"
            due = ("due elsewhere" if line.told else "due") if line.due else ""
            what = f"  {line.held.kind:<11} {line.held.what:<21} since {line.held.since}"
            typer.echo(f"{what}  {until:<16}  {due}".rstrip())
            if line.held.said:
                typer.echo(f"{'':14}{line.held.said}")


def _day(said: str | None) -> date | None:
    """A day that was given.

    Raises:
        ConfigError: It is none.
    """
    from datetime import date

    from schemas.errors import ConfigError

    try:
        return None if said is None else date.fromisoformat(said)
    except ValueError:
        raise ConfigError("--on is not a date.", "Give it as 2027-04-01.") from None
