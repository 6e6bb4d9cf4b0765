"""`journeys link`: the linkage model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import command, say

link_app = typer.Typer(help="Train the linkage model.", no_args_is_help=True)


@link_app.command(
    "train",
    epilog="Example: journeys link train --people 20000 --seed 1001 --name full_view_2026_11 "
    '--approved-by "A. Name" --out model.json',
)
@command
def link_train_command(
    name: Annotated[str, typer.Option("--name", help="What the model is called.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    approved_by: Annotated[
        str, typer.Option("--approved-by", help="Who has reviewed the parameters.")
    ],
    people: Annotated[int, typer.Option("--people", min=500, help="How many to invent.")] = 20_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another than any the model is judged on.")
    ] = 1001,
) -> None:
    """Train a model on made-up people whose truth is known, and write it for review."""
    from datetime import UTC, datetime

    from flows.progress import narrator
    from flows.train import train_on_synthetic, write_model

    with narrator().telling(1, 1, f"Training on {people:,} made-up people"):
        model = train_on_synthetic(
            people, seed, name=name, approved_by=approved_by, trained=datetime.now(UTC).date()
        )
    write_model(model, out)
    say(f"Link from match weight {model['thresholds']['link']:g}. Read the parameters in {out}.")
