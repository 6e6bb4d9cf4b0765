"""`journeys metrics`: which metrics are counted, whether a file of one can be used, its words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

metrics_app = typer.Typer(
    help="List the metrics that are counted, check a metric's file, list the words for one.",
    no_args_is_help=True,
)


@metrics_app.command("list", epilog="Example: journeys metrics list --json metrics.json")
@command
def metrics_list_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """List every metric with its measures, and whether it is withheld unless asked for.

    Those of the folder metrics/ beside partnership.yaml are marked as own.
    """
    from warehouse.metrics import load_metrics

    own = _own_folder(config)
    packaged = {one.metric for one in load_metrics()}
    found = [
        {
            "metric": one.metric,
            "title": one.title,
            "status": one.status,
            "frame": one.frame,
            "is_own": one.metric not in packaged,
            "measures": [{"measure": part.measure, "title": part.title} for part in one.measures],
        }
        for one in load_metrics(own=own)
    ]
    write_report(found, json_out)
    for told in found:
        status = f"own, {told['status']}" if told["is_own"] else told["status"]
        typer.echo(f"{told['metric']:<32} {status:<34} {told['title']}")


@metrics_app.command("check", epilog="Example: journeys metrics check prompt_start.yaml")
@command
def metrics_check_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The file; else every metric, with those of metrics/ beside partnership.yaml.",
            readable=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Check a metric's file as a run would, down to the columns it names. Nothing is built."""
    from warehouse.frames import check_metrics
    from warehouse.metrics import load_metrics, read_metric

    found = load_metrics(own=_own_folder(config)) if file is None else (read_metric(file),)
    check_metrics(found)
    write_report([{"metric": one.metric, "measures": len(one.measures)} for one in found], json_out)
    if file is not None:
        for place, rule in found[0].rules:
            typer.echo(f"{place[0].upper()}{place[1:]}: {rule.says}")
    typer.echo(f"{len(found)} metric file{'' if len(found) == 1 else 's'} can be used.")


def _own_folder(config: Path | None) -> Path | None:
    """The folder of the partnership's own metrics, where there is a partnership with one."""
    from flows.settings import load_settings, locate
    from warehouse.given import load_given

    if config is None and not locate(None).is_file():
        return None
    return load_given(load_settings(locate(config)).folder).metrics


@metrics_app.command("words", epilog="Example: journeys metrics words int_positive_test")
@command
def metrics_words_command(
    frame: Annotated[
        str | None,
        typer.Argument(metavar="[FRAME]", help="Only the columns of this frame."),
    ] = None,
    json_out: JsonOption = None,
) -> None:
    """List the frames a metric may count with their columns, and every named number of days."""
    from schemas.errors import ConfigError
    from warehouse.frames import ADDED, frames
    from warehouse.metrics.read import policy_days

    known = frames()
    if frame is not None and frame not in known:
        raise ConfigError("There is no such frame.", f"The frames are {', '.join(known)}.")
    columns = {name: types for name, types in known.items() if frame in (None, name)}
    words: dict[str, Any] = {"frames": columns, "every frame": ADDED, "days": policy_days()}
    write_report(words, json_out)
    for name, types in {**columns, "every frame": ADDED}.items():
        for column, kind in types.items():
            typer.echo(f"{name:<28} {column:<32} {kind}")
    for name, days in policy_days().items():
        typer.echo(f"{'days':<28} {name:<32} {days}")
