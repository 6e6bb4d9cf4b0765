"""`journeys audit`: read the record, prove it, and give away what others check it with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, PublicKeyOption, command, write_report

if TYPE_CHECKING:
    from governance.record.export import Selection

audit_app = typer.Typer(
    help="Read the record of what was done, prove it, and let others check it.",
    no_args_is_help=True,
)

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="The first day, in UTC.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day, in UTC.")]
PartnerOption = Annotated[
    str | None,
    typer.Option("--partner", help="Of this partner's data, or of all partners' together."),
]
ActionOption = Annotated[
    str | None, typer.Option("--action", help="Of this kind only, such as disclosure.")
]
WitnessOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--witness",
        metavar="FILE",
        help="A checkpoint that somebody kept elsewhere: a file, or an e-mail that holds it.",
        readable=False,
    ),
]


@audit_app.command("verify", epilog="Example: journeys audit verify --witness checkpoint.txt")
@command
def audit_verify_command(
    witness: WitnessOption = None,
    public_key: PublicKeyOption = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """Compute the whole record anew and hold it against every checkpoint.

    Exits with 0 if it is sound and 1 if not. Without --witness only the checkpoints that the
    partnership keeps itself are compared.
    """
    from flows.record.checkpoints import verify_record
    from flows.settings import load_settings, locate

    found = verify_record(load_settings(locate(config)), witness or [], public_key)
    write_report(found.report(), json_out)
    typer.echo(
        f"{found.walk.size:,} entries, {len(found.walk.erased):,} of them erased; held against "
        f"{found.checkpoints:,} checkpoints of our own and {found.witnesses:,} of witnesses."
    )
    for note in found.notes:
        typer.echo(f"Note   {note}")
    for fault in found.faults:
        typer.echo(f"FAULT  {fault}")
    typer.echo(
        "The record is sound." if found.sound else
        "The record is NOT sound: tell the information-governance officer, and change nothing."
    )  # fmt: skip
    return int(not found.sound)


@audit_app.command("checkpoint", epilog="Example: journeys audit checkpoint --out checkpoint.txt")
@command
def audit_checkpoint_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Also write it here, to be given away.", readable=False
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a signed checkpoint of the record as it is, for a partner to keep as a witness."""
    from flows.context import open_control
    from flows.files import check_report_target, write_text
    from flows.record.checkpoints import NO_KEY, make_checkpoint
    from flows.record.signing import can_sign
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    if out is not None:
        check_report_target(out, "checkpoint")
    with open_control(settings) as control:
        path = make_checkpoint(settings, control)
    text = path.read_text("utf-8")
    if out is not None:
        write_text(out, text)
    typer.echo(text)
    typer.echo(f"made  {path if out is None else out}")
    if not can_sign(settings):
        typer.echo(NO_KEY)


@audit_app.command("list", epilog="Example: journeys audit list --action disclosure --last 20")
@command
def audit_list_command(
    since: FromOption = None,
    until: ToOption = None,
    partner: PartnerOption = None,
    action: ActionOption = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many at most.")] = 50,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """List what was done: when, by whom, why, for whom, on whose data and on how much of it."""
    from flows.cli.output import write_result
    from flows.record.export import COLUMNS, entries_to_show
    from flows.settings import load_settings, locate

    selection = _selection(since, until, partner, action)
    rows = entries_to_show(load_settings(locate(config)), selection, last)
    write_report([dict(zip(COLUMNS, row, strict=True)) for row in rows], json_out)
    write_result(COLUMNS, rows, "table")


@audit_app.command(
    "export", epilog="Example: journeys audit export --partner police --out police.jsonl"
)
@command
def audit_export_command(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="Where; a name in .csv gives CSV.", readable=False
        ),
    ],
    since: FromOption = None,
    until: ToOption = None,
    partner: PartnerOption = None,
    action: ActionOption = None,
    config: ConfigOption = None,
) -> None:
    """Write entries of the record to a file that its reader can check.

    JSON lines hold the proof that each entry is in the record; CSV is for a spreadsheet and holds
    none. A partner is given what was done with its data, and sees nothing of the others'.
    """
    from flows.record.export import export_record
    from flows.settings import load_settings, locate

    selection = _selection(since, until, partner, action)
    made = export_record(load_settings(locate(config)), out, selection)
    typer.echo(f"made  {out}: {made.entries:,} entries")
    typer.echo(f"Their proofs lead to {made.checkpoint}; give it away too, if it is not known yet.")
    if out.suffix.lower() != ".csv":
        typer.echo(f"Its reader checks it with `journeys audit verify-export {out.name}`.")


@audit_app.command(
    "verify-export",
    epilog="Example: journeys audit verify-export police.jsonl --witness checkpoint.txt",
)
@command
def audit_verify_export_command(
    export: Annotated[Path, typer.Argument(metavar="FILE", help="The export.", readable=False)],
    witness: WitnessOption = None,
    public_key: PublicKeyOption = None,
    json_out: JsonOption = None,
) -> int:
    """Check entries that a partnership gave away against a checkpoint that was kept.

    It needs neither keys nor the partnership's folder. Exits with 0 if they are in the record as
    given and 1 if not. Whether others were left out it can tell of a whole export only.
    """
    from flows.record.export import check_export
    from schemas.errors import ConfigError

    if not witness:
        raise ConfigError(
            "Without a checkpoint nothing can be checked.",
            "Give --witness with one that you kept.",
        )
    found = check_export(export, witness, public_key)
    write_report(vars(found), json_out)
    for fault in found.faults:
        typer.echo(f"FAULT  {fault}")
    if found.faults:
        typer.echo("The export is NOT sound: ask the partnership's information-governance officer.")
        return 1
    typer.echo(
        f"{found.entries:,} entries are in the record of {found.of:,} as they are given here."
    )
    if not found.whole:
        typer.echo("Whether others about the same were left out cannot be told from a part.")
    return 0


@audit_app.command("clock", epilog='Example: journeys audit clock --why "It was a day ahead"')
@command
def audit_clock_command(
    why: Annotated[str, typer.Option("--why", help="What was wrong, for the record.")],
    config: ConfigOption = None,
) -> None:
    """Record that the clock is right now, where the last entry was written with it ahead."""
    from flows.record.checkpoints import accept_clock
    from flows.settings import load_settings, locate

    accept_clock(load_settings(locate(config)), why)
    typer.echo("Recorded: the clock is right now. Runs go on from here.")


def _selection(
    since: str | None, until: str | None, partner: str | None, action: str | None
) -> Selection:
    """Which entries were asked for.

    Raises:
        ConfigError: A date is none, or there is no such action.
    """
    from datetime import date

    from governance.control import ACTIONS
    from governance.record.export import Selection
    from schemas.errors import ConfigError

    days = {}
    for option, said in (("--from", since), ("--to", until)):
        try:
            # Entries are compared by the text of their day, and 20261122 is a date as well.
            days[option] = date.fromisoformat(said).isoformat() if said is not None else None
        except ValueError:
            raise ConfigError(f"{option} is not a date.", "Give it as 2026-11-22.") from None
    if action is not None and action not in ACTIONS:
        raise ConfigError("There is no such action.", f"Name one of {', '.join(ACTIONS)}.")
    return Selection(days["--from"], days["--to"], partner, action)
