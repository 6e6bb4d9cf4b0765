"""`journeys lineage`: where a figure comes from, back to the extracts and the agreements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report

if TYPE_CHECKING:
    from flows.releases.lineage import Ancestry, Origin


def lineage_command(
    figure: Annotated[
        str,
        typer.Argument(metavar="FIGURE", help="METRIC, METRIC/MEASURE, a cohort, or transitions."),
    ],
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say where a figure comes from, back to the extracts' columns and what is agreed of them."""
    from flows.releases.lineage import ancestry, find_figure, terms_of
    from flows.settings import load_settings, locate
    from warehouse.given import load_given
    from warehouse.reference.described import describe

    settings = load_settings(locate(config))
    given = load_given(settings.folder)
    found = find_figure(figure, given.cohorts, given.metrics)
    agreements, mappings = terms_of(settings)
    traced = ancestry(describe(given.cohorts, given.metrics), found, agreements, mappings)
    write_report(traced.as_json(), json_out)
    for line in _lines(traced):
        typer.echo(line)


def _lines(traced: Ancestry) -> list[str]:
    measures = f" ({', '.join(traced.measures)})" if traced.measures else ""
    lines = [
        f"{traced.name}{measures}",
        f"published  {traced.file or 'in no file of a publication yet'}",
        f"marts      {', made from '.join(traced.marts)}",
        f"counts     the rows of {traced.frame}",
    ]
    for table, columns in traced.counted_by.items():
        lines.append(f"           by {table}: {', '.join(columns)}")
    lines.append(f"models     {', '.join(traced.models)}")
    lines += ["", "hangs on these columns of the extracts:"]
    lines += _origin_lines(traced.named)
    if traced.on_the_way:
        lines += ["", "and, by models that bring all partners' rows together, on these:"]
        lines += _origin_lines(traced.on_the_way)
    if traced.splits:
        lines += ["", "age band, sex, ethnicity group and area hang on these as well:"]
        lines += _origin_lines(traced.splits)
    lines += ["", "records are brought together as one person's by:"]
    lines += [f"  {table:<28} {', '.join(columns)}" for table, columns in traced.linked_by.items()]
    return lines


def _origin_lines(origins: tuple[Origin, ...]) -> list[str]:
    lines = []
    for one in origins:
        agreed = ", ".join(one.agreement) or "not in the agreement: not taken in"
        sent = f"  sent as {' + '.join(one.sent_as)}" if one.sent_as else ""
        where = f"{one.whole_table}.{one.column}"
        lines.append(f"  {where:<48} {agreed:<20} held as {', '.join(one.held_as)}{sent}")
    return lines
