"""`journeys cohorts`: which cohorts are followed, whether a file of one can be used, its words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from warehouse.cohorts import Cohort

cohorts_app = typer.Typer(
    help="List the cohorts that are followed, check a cohort's file, list the words for one.",
    no_args_is_help=True,
)


@cohorts_app.command("list", epilog="Example: journeys cohorts list --json cohorts.json")
@command
def cohorts_list_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """List every cohort, whose file it is and how long it is followed; then its stages."""
    from flows.settings import load_settings, locate
    from warehouse.cohorts import load_cohorts
    from warehouse.given import load_given

    own = load_given(load_settings(locate(config)).folder).cohorts
    found = [_told(cohort, own) for cohort in load_cohorts(own)]
    write_report(found, json_out)
    for one in found:
        typer.echo(
            f"{one['cohort']:<22} {'own' if one['is_own'] else 'packaged':<9} "
            f"{one['follow_up_days']:>4} days  {one['title']}"
        )
        for stage in one["stages"]:
            number, of = stage["stage_number"], stage["of_number"]
            part = f" (some of {of}.)" if stage["is_part"] else ""
            typer.echo(f"{'':<4}{number:>3}. {stage['title']}{part}")


@cohorts_app.command("check", epilog="Example: journeys cohorts check cohorts/rearrested.yaml")
@command
def cohorts_check_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The file; else every one in cohorts/ beside partnership.yaml.",
            readable=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Check a cohort's file as a run would, and say in words what it means. Nothing is built."""
    from flows.settings import load_settings, locate
    from warehouse.cohorts import load_cohorts, read_cohort
    from warehouse.given import load_given

    if file is not None:
        found = [_told(read_cohort(file), file.parent)]
    else:
        own = load_given(load_settings(locate(config)).folder).cohorts
        told = [_told(cohort, own) for cohort in load_cohorts(own)]
        found = [one for one in told if one["is_own"]]
    write_report(found, json_out)
    for one in found:
        for line in _in_words(one):
            typer.echo(line)
    typer.echo(f"{len(found)} cohort file{'' if len(found) == 1 else 's'} can be used.")


@cohorts_app.command("words", epilog="Example: journeys cohorts words")
@command
def cohorts_words_command(json_out: JsonOption = None) -> None:
    """List every step, spell and named number of days that a cohort's file may use."""
    from warehouse.cohorts.vocabulary import vocabulary

    words = vocabulary()
    kinds: dict[str, dict[str, Any]] = {
        "step": {name: words.labels[name] for name in words.step if name not in words.restricted},
        "spell": {name: words.labels[name] for name in words.spell},
        "days": words.policy,
    }
    write_report(kinds, json_out)
    for kind, named in kinds.items():
        for name, meaning in named.items():
            typer.echo(f"{kind:<6} {name:<32} {meaning}")


def _told(cohort: Cohort, own: Path | None) -> dict[str, Any]:
    """A cohort's definition and stages in words, and whether its file is the partnership's own."""
    from warehouse.cohorts.rows import cohort_row, stage_rows
    from warehouse.cohorts.vocabulary import vocabulary

    words = vocabulary()
    return {
        **cohort_row(cohort, words),
        "is_own": own is not None and (own / f"{cohort.cohort}.yaml").is_file(),
        "stages": stage_rows(cohort, words),
    }


def _in_words(told: dict[str, Any]) -> list[str]:
    """What a cohort's file means, line by line."""
    stages = [
        (
            f"Stage {one['stage_number']}",
            f" (some of stage {one['of_number']})" * one["is_part"],
            one,
        )
        for one in told["stages"][1:]
    ]
    return [
        f"{told['cohort']}: {told['title']}",
        f"  {'Whom':<11} {told['denominator']}",
        *(f"  {name:<11} {one['title']}{part}: {one['meaning']}" for name, part, one in stages),
        f"  {'Lag':<11} {told['lag']}",
    ]
