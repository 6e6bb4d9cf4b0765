"""`journeys link report`: how good the links are, for whom, and what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report

if TYPE_CHECKING:
    from collections.abc import Iterator


def link_report_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.html", help="Also write a page to read.", readable=False
        ),
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(
            "--labelled",
            metavar="FILE.csv",
            help="Pairs that people have judged: record_id_l, record_id_r, same (yes or no).",
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say how good the links of the current run are: precision and recall, estimated by strong ids.

    The page has them by sex, age band, ethnic group, completeness and pair of partners, with the
    sensitivity range, checks of groups and the model's weights. It is internal: counts below the
    publication threshold are masked, and it is not for publication.
    """
    from flows.files import check_report_target, refuse_overwriting, write_text
    from flows.linking.report import link_report, page
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    if out is not None:
        check_report_target(out, "page")
    refuse_overwriting({"page": out, "--json report": json_out}, [labelled] if labelled else [])
    report = link_report(settings, labelled)
    write_report(report, json_out)
    if out is not None:
        write_text(out, page(report, settings))
    for line in _lines(report):
        typer.echo(line)
    if out is not None:
        say(f"The page is {out}. It is internal to the partnership.")


def _lines(report: dict[str, Any]) -> Iterator[str]:
    """Each pair of partners' precision and recall, then what waits for review."""
    yield f"Run {report['run_id']}, model {report['model']['name']}"
    if report["left_out"]:
        yield f"Without {', '.join(report['left_out'])}: no agreement was in force"
    for row in report["quality"]:
        if row["split"] in ("all", "partners"):
            said = ", ".join(_told(row[name], name) for name in ("precision", "recall"))
            yield f"{row['name']:<22} {said}"
    for asked, count in report["review"]["waiting"].items():
        yield f"Waiting for {asked}: {count:,} pair{'' if count == 1 else 's'}"


def _told(measure: dict[str, Any], name: str) -> str:
    if measure["value"] is None:
        return f"{name} not estimable"
    return f"{name} {measure['value']:.1%} ({measure['low']:.1%} to {measure['high']:.1%})"
