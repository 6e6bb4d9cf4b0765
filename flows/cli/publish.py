"""`journeys publish`: look at a draft, approve it, publish it; draft one table; withdraw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report

if TYPE_CHECKING:
    from flows.publication.publish import Waiting
    from flows.settings import Settings

MOST_SHOWN = 20  # lines of what changed; the report and the draft have them all


ApproveOption = Annotated[
    bool, typer.Option("--approve", help="Approve the draft; needs --officer.")
]
OfficerOption = Annotated[
    str | None, typer.Option("--officer", metavar="NAME", help="Who approves.")
]
DraftOption = Annotated[
    str | None, typer.Option("--draft", metavar="ID", help="This draft; else the newest.")
]
TableOption = Annotated[
    Path | None,
    typer.Option(
        "--table",
        metavar="FILE",
        help="Draft one table of an analyst's: a YAML file that declares it.",
        readable=False,
    ),
]
WithdrawOption = Annotated[
    str | None,
    typer.Option("--withdraw", metavar="ID", help="Withdraw a publication; needs --reason."),
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="REASON", help="Why, for the record; never of whom."),
]
CountAgainOption = Annotated[
    bool,
    typer.Option(
        "--count-again",
        help="With --withdraw: its windows may be counted and published again.",
    ),
]
DemoOfficersOption = Annotated[
    bool,
    typer.Option(
        "--demo-officers",
        help="Approve with two demonstration officers; in a demonstration only.",
    ),
]


def publish_command(
    approve: ApproveOption = False,
    officer: OfficerOption = None,
    draft: DraftOption = None,
    table: TableOption = None,
    withdraw: WithdrawOption = None,
    reason: ReasonOption = None,
    count_again: CountAgainOption = False,
    demo_officers: DemoOfficersOption = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Show the draft; two different people approve it.

    When the second has approved, the draft is published. With --table an analyst's own table is
    put through the gate and drafted; with --withdraw a publication is withdrawn.
    """
    from flows.settings import load_settings, locate

    _refuse_contradictions(
        approve=approve or officer is not None or demo_officers,
        table=table is not None,
        withdraw=withdraw is not None,
    )
    settings = load_settings(locate(config))
    if withdraw is not None:
        _withdraw(settings, withdraw, reason, count_again, json_out)
        return
    if table is not None:
        from flows.publication.one_off import draft_table

        found = draft_table(settings, table, reason)
    else:
        found = _approved(settings, approve, officer, draft, demo_officers)
    write_report(found.as_report(settings), json_out)
    _show(settings, found)


def _refuse_contradictions(*, approve: bool, table: bool, withdraw: bool) -> None:
    from schemas.errors import ConfigError

    if approve + table + withdraw > 1:
        raise ConfigError(
            "Approving, --table and --withdraw are one at a time.", "Give one of them."
        )


def _approved(
    settings: Settings, approve: bool, officer: str | None, draft: str | None, demo: bool
) -> Waiting:
    from flows.publication.publish import approve as approve_draft
    from flows.publication.publish import approve_for_demonstration, waiting
    from schemas.errors import ConfigError

    if approve != (officer is not None) or (approve and demo):
        raise ConfigError(
            "--approve and --officer go together, without --demo-officers.",
            'For example: journeys publish --approve --officer "A. Name".',
        )
    if demo:
        return approve_for_demonstration(settings, draft)
    if officer is None:
        return waiting(settings, draft)
    found = approve_draft(settings, (officer,), draft)
    if all(one.officer != officer.strip() for one in found.approvals):
        say("Your approval was not recorded: this draft is published already.")
    return found


def _withdraw(
    settings: Settings,
    publication: str,
    reason: str | None,
    count_again: bool,
    json_out: Path | None,
) -> None:
    from flows.publication.withdraw import withdraw
    from schemas.errors import ConfigError

    if reason is None:
        raise ConfigError(
            "A publication is withdrawn for a reason.",
            'For example: --withdraw ID --reason "An extract was in part".',
        )
    done = withdraw(settings, publication, reason, count_again=count_again)
    report = {"withdrawn": publication, "reason": done.reason, "count_again": count_again}
    write_report(report, json_out)
    typer.echo(f"Withdrawn   {settings.withdrawn / publication}")
    if count_again:
        typer.echo(
            "The next run may count its windows again. Whoever kept a copy can set the old counts "
            "beside the new ones: small differences may then show single people."
        )
    else:
        typer.echo("Its windows stay closed: later runs do not count them again.")


def _show(settings: Settings, found: Waiting) -> None:
    from flows.publication.publish import APPROVALS_NEEDED, place

    typer.echo(f"Draft       {found.path}")
    typer.echo(f"            {found.title}")
    typer.echo(f"Digest      {found.digest}")
    for name in found.files:
        typer.echo(f"  {name}")
    for line in _told(found):
        typer.echo(line)
    for one in found.approvals:
        typer.echo(f"Approved by {one.officer} on {one.at:%d %B %Y}")
    if found.published is not None:
        where = place(settings, found.published)
        typer.echo(f"Published   {where}")
        if (where / "index.html").is_file():
            typer.echo(f"Page        {where / 'index.html'}")
    elif not found.is_fresh:
        typer.echo("It cannot be published: something was published, withdrawn or erased since.")
    elif found.refused:
        typer.echo(f"It cannot be approved: {found.refused}")
    else:
        missing = APPROVALS_NEEDED - len(found.approvals)
        typer.echo(
            f"Waits for {missing} approval{'' if missing == 1 else 's'} by different people."
        )


def _told(found: Waiting) -> list[str]:
    """What approvers are told: how much is masked and why, what was left out, what changed."""
    told = found.told
    lines = []
    cells = told.get("cells")
    if cells:
        masks = told.get("masks", {})
        lines.append(f"Masked      {sum(masks.values()):,} of {cells:,} counts")
        lines += [f"  {number:>7,}  {why}" for why, number in masks.items()]
    lines += _asked(found)
    for heading, name in (("Left out", "left_out"), ("Changed", "changes")):
        said = told.get(name, [])
        lines += [f"{heading:<11} {one}" for one in said[:MOST_SHOWN]]
        if len(said) > MOST_SHOWN:
            lines.append(f"            and {len(said) - MOST_SHOWN:,} more, in the draft's report")
    return lines


def _asked(found: Waiting) -> list[str]:
    """What an analyst's table asks: only who reads it can tell whether it counts its own days."""
    from warehouse.publish.folder import FOR_APPROVERS
    from warehouse.publish.one_off import DECLARED_FILE, read_declared

    path = found.path / FOR_APPROVERS / DECLARED_FILE
    if not path.is_file():
        return []
    declared = read_declared(path)
    told = (
        "It must count the days of its window and no others: the gate takes its word."
        if declared.day is None
        else f"Each row says its day as {declared.day}, and all are of the window."
    )
    return [f"Query       {' '.join(declared.query.split())}", f"            {told}"]
