"""`journeys release`: which releases there are, what changed, going back to an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

release_app = typer.Typer(
    help="List releases, compare two, go back to an earlier one, hand one out as a file.",
    no_args_is_help=True,
)

ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="REASON", help="Why, for the record; never of whom.")
]


@release_app.command("list", epilog="Example: journeys release list --json releases.json")
@command
def release_list_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """List the releases that are kept, newest first, and say which one people read."""
    from flows.releases.kept import kept_releases
    from flows.settings import load_settings, locate

    found = kept_releases(load_settings(locate(config)))
    write_report([vars(one) for one in found], json_out)
    for one in found:
        marks = [("read", one.is_read), ("newest", one.is_newest)]
        said = ", ".join(word for word, holds in marks if holds)
        made = f"{one.built_at:%Y-%m-%d %H:%M}" if one.built_at else ""
        size = f"{one.rows:>12,} rows  {one.size / 1e6:>8,.1f} MB"
        typer.echo(f"{one.run_id}  {made}  {size}  {said}".rstrip())
    if not found:
        typer.echo("There is no release yet: run `journeys run`.")


@release_app.command("diff", epilog="Example: journeys release diff --json changes.json")
@command
def release_diff_command(
    before: Annotated[
        str | None,
        typer.Argument(metavar="[BEFORE]", help="The earlier, by its run; else the one before."),
    ] = None,
    after: Annotated[
        str | None,
        typer.Argument(metavar="[AFTER]", help="The later, by its run; else the newest."),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say what changed between two releases: rows, figures, people and definitions, in counts."""
    from flows.releases.kept import changes, summary
    from flows.settings import load_settings, locate

    report = summary(*changes(load_settings(locate(config)), before, after))
    write_report(report, json_out)
    for line in _lines(report):
        typer.echo(line)


@release_app.command(
    "rollback",
    epilog='Example: journeys release rollback --reason "The police extract of 3 May was in part"',
)
@command
def release_rollback_command(
    reason: ReasonOption,
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="The release to read; else the one before."),
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="End a rollback: read the newest release again.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Have people read an earlier release, until --newest lets them go on.

    Later runs go on as ever and do not undo it. Where a later run erases people, it ends by itself.
    """
    from flows.releases.kept import read_newest, roll_back
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    settings = load_settings(locate(config))
    if newest and run is not None:
        raise ConfigError("Both a release and --newest were given.", "Give one of them.")
    now = read_newest(settings, reason) if newest else roll_back(settings, run, reason)
    write_report({"release_read": now, "held": not newest}, json_out)
    typer.echo(f"People read the release {now} now.")
    if not newest:
        typer.echo(
            "Later runs do not change that: `journeys release rollback --newest` ends it, and so "
            "does a run that erases people."
        )


@release_app.command(
    "key",
    epilog="Example: journeys release key housing-lead --to NAME --reason WHY --out housing.duckdb",
)
@command
def release_key_command(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of partnership.yaml.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who is given it.")],
    reason: ReasonOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write it.", readable=False)
    ],
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write the newest release as a file of what a role may read, under a key of its own.

    Records under Part 3 are in no file. That the key was given out is recorded as a disclosure.
    """
    from flows.files import refuse_overwriting
    from flows.readers.role_files import issue, key_path
    from flows.settings import load_settings, locate

    outputs = {"--out file": out, "file's key": key_path(out), "--json report": json_out}
    refuse_overwriting(outputs, [])
    made = issue(load_settings(locate(config)), role, to, reason, out)
    write_report(vars(made), json_out)
    typer.echo(f"made  {made.file}: {len(made.tables)} tables of {', '.join(made.partners)}")
    typer.echo(f"made  its key at {made.key}: send it another way, then remove it")
    if made.left_out:
        typer.echo(
            f"Left out, as they stay under Part 3: {', '.join(made.left_out)}. `journeys sql` "
            "reads them."
        )
    typer.echo("Outside `journeys sql` nothing is logged: the file itself is the only boundary.")


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"From {report['before']} to {report['after']}"]
    lines += [
        f"Definition  {one['kind']} {one['name']} {one['change']}" for one in report["definitions"]
    ]
    lines += [f"Columns     of {mart} are others" for mart in report["columns"]]
    lines += [f"People      {count:,} {what}" for what, count in report["people"].items()]
    lines += [
        f"Rows        {mart:<24} {_said(was)} to {_said(now)}"
        for mart, (was, now) in report["rows"].items()
    ]
    lines += [
        f"Figures     {one['metric']}/{one['measure']} {one['period']}: {one['changed']:,} of "
        f"{one['of']:,}"
        for one in report["figures"]
    ]
    return lines if len(lines) > 1 else [*lines, "Nothing changed."]


def _said(rows: int | None) -> str:
    return "none" if rows is None else f"{rows:,}"
