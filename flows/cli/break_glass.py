"""`journeys break-glass`: a short, recorded look into the identity or staging store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, say, write_report
from flows.cli.sql import Format, bounded, ended_in_time

if TYPE_CHECKING:
    from datetime import datetime

    from flows.readers.break_glass import Glass

break_glass_app = typer.Typer(
    help="Look into the identity or staging store in an emergency: two officers, for a short "
    "while, read-only, and on the record.",
    no_args_is_help=True,
)

GlassArgument = Annotated[str, typer.Argument(metavar="ID", help="What `open` gave.")]


@break_glass_app.command(
    "open",
    epilog='Example: journeys break-glass open --store identity --reason "A link that may be '
    'wrong" --officer "A. Name" --officer "B. Name"',
)
@command
def break_glass_open_command(
    store: Annotated[str, typer.Option("--store", help="identity or staging.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record, never of whom.")],
    officer: Annotated[
        list[str], typer.Option("--officer", help="Who decided it; give two officers.")
    ],
    minutes: Annotated[int, typer.Option("--minutes", help="For how long: 240 at most.")] = 60,
    config: ConfigOption = None,
) -> None:
    """Open a store to questions for a while. The next run's report and `status` tell of it."""
    from flows.readers.break_glass import MOST_QUESTIONS, MOST_ROWS, open_glass
    from flows.settings import load_settings, locate

    glass = open_glass(load_settings(locate(config)), store, reason, officer, minutes)
    typer.echo(glass.glass_id)
    say(
        f"The {glass.store} store is open to {MOST_QUESTIONS} questions of at most {MOST_ROWS} "
        f"rows each until {_at(glass.until)}. This is recorded.\n"
        f'Ask with `journeys break-glass sql {glass.glass_id} "SELECT …"`, and end it with '
        f"`journeys break-glass close {glass.glass_id}`."
    )


@break_glass_app.command(
    "sql", epilog='Example: journeys break-glass sql 3f9a0c1d "SELECT count(*) FROM encoded_record"'
)
@command
def break_glass_sql_command(
    glass: GlassArgument,
    query: Annotated[str, typer.Argument(help="One SELECT (or DESCRIBE, SHOW TABLES).")],
    output: Annotated[
        Format, typer.Option("--format", help="How results are written to standard output.")
    ] = Format.table,
    config: ConfigOption = None,
) -> None:
    """Ask one question of the store that was opened. It is recorded before it runs."""
    from flows.cli.output import check_open, write_result
    from flows.readers.break_glass import ask
    from flows.settings import load_settings, locate

    check_open()
    with bounded(), ended_in_time():
        result = ask(load_settings(locate(config)), glass, query)
    write_result(result.columns, result.rows, output.value)
    say(f"{len(result.rows):,} row{'' if len(result.rows) == 1 else 's'}")


@break_glass_app.command("close", epilog="Example: journeys break-glass close 3f9a0c1d")
@command
def break_glass_close_command(glass: GlassArgument, config: ConfigOption = None) -> None:
    """End an opening before its time."""
    from flows.readers.break_glass import close_glass
    from flows.settings import load_settings, locate

    typer.echo(close_glass(load_settings(locate(config)), glass).said())


@break_glass_app.command("list", epilog="Example: journeys break-glass list")
@command
def break_glass_list_command(
    asked: Annotated[
        str | None,
        typer.Option("--asked", metavar="QUERY", help="Say when this very query was asked."),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say when the glass was broken, by whom, why and what was asked."""
    from flows.clock import utc_now
    from flows.context import open_control
    from flows.readers.break_glass import glasses, used
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    with open_control(settings) as control:
        found = glasses(control.audit_entries())
    write_report([_as_json(one) for one in found], json_out)
    for one in found:
        for line in _lines(one, utc_now()):
            typer.echo(line)
    if not found:
        typer.echo("The glass was never broken.")
    if asked is not None:
        moments = ", ".join(_at(one) for one in used(settings, asked))
        typer.echo(f"That query was asked: {moments}" if moments else "That query was not asked.")


def _lines(glass: Glass, now: datetime) -> list[str]:
    state = f"open until {_at(glass.until)}" if glass.is_open(now) else "over"
    return [
        f"{glass.glass_id}  {_at(glass.opened_at)}  {glass.store} store, {state}",
        f"          decided by {' and '.join(glass.officers)}; opened by {glass.actor}",
        f"          {glass.reason}",
        f"          {glass.questions} question(s), {glass.rows:,} row(s) shown",
    ]


def _as_json(glass: Glass) -> dict[str, Any]:
    return {name: str(said) if name.endswith(("_at", "until")) and said else said
            for name, said in vars(glass).items()}  # fmt: skip


def _at(moment: datetime) -> str:
    from flows.clock import LOCAL_TIME

    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M}"
