"""`journeys linkage-benchmark`: how well a labelled file is linked, encoded and in clear text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shell import JsonOption, say, write_report


def linkage_benchmark_command(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA.parquet",
            help="Labelled records: source, true_id, and any of first_name, last_name, dob, "
            "dob_raw, sex, postcode.",
            readable=False,
        ),
    ],
    json_out: JsonOption = None,
) -> None:
    """Link a labelled file by encoded fields and by clear text, and judge both by its labels.

    The file is of made-up or public people: it is read in clear, and no configuration or key is
    used. Both sides are trained in this process on the records without their labels. Two sources
    are linked across; one, or three and more, within and across.

    Exit codes: 0 measured, 1 the file cannot be used, 2 wrong use.
    """
    from flows.linking.benchmark import measure
    from flows.linking.labelled import read_labelled

    found = measure(read_labelled(data), say)
    write_report(found, json_out)
    _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{found['records']:,} records, {found['true_pairs']:,} true pairs")
    quality = Table("", "Threshold", "Precision", "Recall", "F1")
    for side, name in (("encoded", "Encoded"), ("clear", "Clear text")):
        for kind in ("pairs", "groups"):
            for at in ("shipped", "best"):
                row = found[side][kind][at]
                quality.add_row(f"{name}, {kind}, {at}", *_figures(row, "threshold"))
        if unguarded := found[side].get("unguarded"):
            quality.add_row(f"{name}, groups, unguarded", *_figures(unguarded, "threshold"))
    console.print(quality)
    if found["encoded"]["sources"]:
        sources = Table("Sources, F1 at the shipped threshold", "True pairs", "Encoded", "Clear")
        for one, row in found["encoded"]["sources"].items():
            other = found["clear"]["sources"][one]
            sources.add_row(
                one,
                f"{row['true_pairs']:,}",
                f"{row['pairs']['f1']:.4f} pairs, {row['groups']['f1']:.4f} groups",
                f"{other['pairs']['f1']:.4f} pairs, {other['groups']['f1']:.4f} groups",
            )
        console.print(sources)
    spent = Table("", "Encoded", "Clear text", "Ratio")
    for step in ("encode", "train", "predict", "cluster", "total"):
        one, other = (found[side]["seconds"].get(step, 0.0) for side in ("encoded", "clear"))
        spent.add_row(
            f"{step}, s", f"{one:.1f}", f"{other:.1f}", f"{one / other:.2f}" if other else "–"
        )
    one, other = (found[side]["peak_mb"] for side in ("encoded", "clear"))
    if one is not None and other is not None:
        ratio = f"{one / other:.2f}" if other else "–"
        spent.add_row("memory, MB", f"{one:,.0f}", f"{other:,.0f}", ratio)
    console.print(spent)


def _figures(row: dict[str, float], first: str) -> list[str]:
    return [f"{row[first]:.1f}", *(f"{row[name]:.4f}" for name in ("precision", "recall", "f1"))]
