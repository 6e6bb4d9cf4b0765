"""How sure the figures are: the records, the links, and what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import links_sentence
from warehouse.publish.report.numbers import plain
from warehouse.publish.report.reading import Reader

FEW_ROWS = 25  # of a table that is not folded away


def quality_section(reader: Reader) -> Section | None:
    """Return how good the records are, how well they are linked, and what hangs on it."""
    tables: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "data_quality",
            "Records",
            "Quality of the records",
            {"source": "Records", "field": "Field", "measure": "What", "records": "Number"},
        ),
        (
            "linkage_quality",
            "Links",
            "How records are linked, judged by numbers that partners share",
            {"partners": "Partners", "measure": "What", "records": "Pairs judged"},
        ),
        (
            "linkage_sensitivity",
            "What hangs on linkage",
            "Figures as they would be, had records been linked more or less readily",
            {
                "name": "Figure",
                "measure": "Measure",
                "period": "Window",
                "value": "Published",
                "unit": "Unit",
                "low": "Lowest",
                "high": "Highest",
            },
        ),
    )
    parts = tuple(
        Part(
            title=title,
            grid=_plain_grid(reader, name, caption, columns),
            is_detail=len(reader.rows(name)) > FEW_ROWS,
            on_paper=name == "linkage_quality",
        )
        for name, title, caption, columns in tables
        if reader.rows(name)
    )
    if not parts:
        return None
    return Section(
        key="quality",
        title="How sure we are",
        lead=links_sentence(reader.rows("linkage_quality")),
        question="Records were linked between services without names. Some people’s records could "
        "not be brought together, so services may know more people than these figures show.",
        parts=parts,
    )


def _plain_grid(reader: Reader, name: str, caption: str, columns: Mapping[str, str]) -> Grid:
    """A table of the pack as it is."""
    rows = reader.rows(name)
    headings = dict(columns) | ({"percent": "%"} if "percent" in rows[0] else {})
    return Grid(
        caption,
        tuple(headings.values()),
        tuple(
            tuple(plain(said[column]) for column in headings)
            for said in (reader.titles.row(name, row) for row in rows)
        ),
    )
