"""`journeys publish`: look at the draft, approve it, publish it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report

if TYPE_CHECKING:
    from flows.publish import Waiting
    from flows.settings import Settings


def publish_command(
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve the draft; needs --officer.")
    ] = False,
    officer: Annotated[
        str | None, typer.Option("--officer", metavar="NAME", help="Who approves.")
    ] = None,
    draft: Annotated[
        str | None,
        typer.Option("--draft", metavar="RUN", help="The draft of this run; else the newest."),
    ] = None,
    demo_officers: Annotated[
        bool,
        typer.Option(
            "--demo-officers",
            help="Approve with two demonstration officers; in a demonstration only.",
        ),
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Show the draft; two different people approve it.

    When the second has approved, the draft is published.
    """
    from flows.publish import approve as approve_draft
    from flows.publish import approve_for_demonstration, waiting
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    settings = load_settings(locate(config))
    if approve != (officer is not None) or (approve and demo_officers):
        raise ConfigError(
            "--approve and --officer go together, without --demo-officers.",
            'For example: journeys publish --approve --officer "A. Name".',
        )
    if demo_officers:
        found = approve_for_demonstration(settings)
    elif officer is not None:
        found = approve_draft(settings, (officer,), draft)
        if all(one.officer != officer.strip() for one in found.approvals):
            say("Your approval was not recorded: these tables are published already.")
    else:
        found = waiting(settings, draft)
    write_report(found.as_report(settings), json_out)
    _show(settings, found)


def _show(settings: Settings, found: Waiting) -> None:
    from flows.publish import APPROVALS_NEEDED, place

    typer.echo(f"Draft       {found.path}")
    typer.echo(f"Digest      {found.digest}")
    for name in found.files:
        typer.echo(f"  {name}")
    for one in found.approvals:
        typer.echo(f"Approved by {one.officer} on {one.at:%d %B %Y}")
    if found.published is not None:
        where = place(settings, found.published)
        typer.echo(f"Published   {where}")
        typer.echo(f"Page        {where / 'index.html'}")
        if found.published.run_id != found.run_id:
            typer.echo(
                "            (its tables are the same as this draft's, so nothing was added)"
            )
    else:
        missing = APPROVALS_NEEDED - len(found.approvals)
        typer.echo(
            f"Waits for {missing} approval{'' if missing == 1 else 's'} by different people."
        )
