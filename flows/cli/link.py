"""`journeys link`: the linkage model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, say, write_report

link_app = typer.Typer(help="Train the linkage model.", no_args_is_help=True)


@link_app.command(
    "train",
    epilog='Example: journeys link train --name full_view_2026_12 --approved-by "A. Name"',
)
@command
def link_train_command(
    name: Annotated[str, typer.Option("--name", help="What the model is called.")],
    approved_by: Annotated[
        str, typer.Option("--approved-by", help="Who has reviewed the parameters.")
    ],
    people: Annotated[int, typer.Option("--people", min=500, help="How many to invent.")] = 20_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another than any the model is judged on.")
    ] = 1001,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it; else models/NAME.json beside partnership.yaml.",
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Train a model on made-up people whose truth is known, and write it for review.

    A run uses the model that `model` in partnership.yaml names, else the packaged one.
    """
    from datetime import UTC, datetime

    from flows.files import check_report_target, make_folder
    from flows.progress import narrator
    from flows.settings import locate
    from flows.train import train_on_synthetic, write_model

    target = out if out is not None else locate(config).parent / "models" / f"{name}.json"
    make_folder(target.parent)
    check_report_target(target, "model")
    with narrator().telling(1, 1, f"Training on {people:,} made-up people"):
        model = train_on_synthetic(
            people, seed, name=name, approved_by=approved_by, trained=datetime.now(UTC).date()
        )
    write_model(model, target)
    report = {key: model[key] for key in ("name", "trained", "trained_on", "thresholds")}
    write_report({**report, "path": str(target)}, json_out)
    typer.echo(f"Link from match weight {model['thresholds']['link']:g}.")
    say(f"Read the parameters in {target} before you name it in partnership.yaml.")
