"""`journeys link`: the linkage model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.link_history import link_history_command
from flows.cli.link_report import link_report_command
from flows.cli.review import review_app
from flows.cli.shell import ConfigOption, JsonOption, command, say, write_report

link_app = typer.Typer(
    help="Train the linkage model, judge and review links, and say what a person id became.",
    no_args_is_help=True,
)
link_app.command("history", epilog="Example: journeys link history 0f3a9c27be41d806")(
    command(link_history_command)
)
link_app.command("report", epilog="Example: journeys link report --out linkage.html")(
    command(link_report_command)
)
link_app.add_typer(review_app, name="review")


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
            help="Where to write it; else models/NAME.json beside partnership.yaml. The page to "
            "review it by lies next to it, as .html.",
        ),
    ] = None,
    last: Annotated[
        Path | None,
        typer.Option(
            "--last", metavar="FILE", help="The model to compare it with; else the one in force."
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Train a model on made-up people whose truth is known, and write it for review.

    The page beside it shows every parameter and what has changed since the last model. A run uses
    the model that `model` in partnership.yaml names, else the packaged one.
    """
    import re
    from datetime import UTC, datetime

    from flows.files import check_report_target, make_folder, write_text
    from flows.linking.model_report import model_page
    from flows.linking.train import model_in_force, train_on_synthetic, write_model
    from flows.progress import narrator
    from flows.settings import locate
    from linkage.model import Model, load_model
    from schemas.errors import ConfigError

    if not re.fullmatch(r"\w[\w.-]{0,79}", name, re.ASCII):
        raise ConfigError(
            "A model cannot be called that.",
            "Give --name up to 80 letters, digits, full stops, hyphens and underscores.",
        )
    if not approved_by.strip():
        raise ConfigError("A model needs somebody who approves it.", "Give --approved-by NAME.")
    home = locate(config).parent
    target = out if out is not None else home / "models" / f"{name}.json"
    if out is None and home.is_dir():
        make_folder(target.parent)
    page = target.with_suffix(".html")
    check_report_target(target, "model")
    check_report_target(page, "model page")
    before = load_model(last) if last else model_in_force(config)
    with narrator().telling(1, 1, f"Training on {people:,} made-up people"):
        model = train_on_synthetic(
            people, seed, name=name, approved_by=approved_by, trained=datetime.now(UTC).date()
        )
    write_model(model, target)
    write_text(page, model_page(Model.model_validate(model), before))
    report = {key: model[key] for key in ("name", "trained", "trained_on", "thresholds")}
    write_report({**report, "path": str(target), "page": str(page)}, json_out)
    typer.echo(f"Link from match weight {model['thresholds']['link']:g}.")
    say(f"Review {page} before you name {target} in partnership.yaml.")
