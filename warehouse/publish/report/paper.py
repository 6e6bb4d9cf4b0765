"""The board paper: an A4 PDF for committee papers, tagged so that screen readers can read it.

Typst sets it and refuses whatever would break PDF/UA-1, such as an image without a description.
It uses no font of the computer's own, so the same pack makes the same bytes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from schemas.errors import StoreError
from warehouse.publish.pack import Pack
from warehouse.publish.report.compose import compose
from warehouse.publish.report.content import Part, Report, Section

TEMPLATE = Path(__file__).parent / "templates" / "paper.typ"
STANDARD: Final = "ua-1"
WORDY: Final = 60  # letters of an average cell from which a column is of sentences
LEFT_OUT = "Not shown by"  # notes of what has no groups are long, and paper has no groups
ANNEX = (
    ("Every measure with its trend, its definition and who answers for it", "index.html"),
    ("Funnels by group and by day", "funnel.csv, survival.csv"),
    ("Every step and what came next", "transitions.csv"),
    ("Outcomes by group, and in earlier windows", "outcomes.csv"),
    ("Every row of the lists of indicators, and why some have no figure", "framework.csv"),
    (
        "How good the records are, and what hangs on linkage",
        "data_quality.csv, linkage_sensitivity.csv",
    ),
    ("All of these as sheets of one workbook", "tables.xlsx, tables.ods"),
)


def render_paper(pack: Pack) -> bytes:
    """Return the paper of a pack as PDF, the same for the same pack.

    Args:
        pack: The publication; every number in the paper is from it.

    Raises:
        StoreError: If it could not be set as an accessible PDF.
    """
    import typst

    report = json.dumps(_told(pack, compose(pack)), ensure_ascii=False)
    try:
        return typst.compile(
            TEMPLATE,
            sys_inputs={"report": report},
            ignore_system_fonts=True,
            pdf_standards=[STANDARD],
        )
    except typst.TypstError:
        # What it says may hold words of the paper.
        raise StoreError(
            "The board paper could not be set as an accessible PDF.",
            "Look at the page instead, and report this with the version of the software.",
        ) from None


def _told(pack: Pack, report: Report) -> dict[str, Any]:
    """The report as the template reads it."""
    return {
        "title": report.title,
        "subtitle": report.subtitle,
        "author": pack.partnership,
        "made_at": [pack.made_at.year, pack.made_at.month, pack.made_at.day],
        "demonstration": report.demonstration,
        "headlines": [headline.sentence for headline in report.headlines],
        "as_at": report.as_at,
        "sections": [
            _section(section, report.headlines[0].sentence) for section in report.sections
        ],
        "words": dict(report.words),
        "shorthand": dict(report.shorthand),
        "notes": [note for note in report.notes if not note.startswith(LEFT_OUT)],
        "annex": [list(row) for row in ANNEX],
        "footer": report.footer,
    }


def _section(section: Section, said: str) -> dict[str, Any]:
    """One section, short enough for a committee: single outcomes, trends, groups and definitions
    are left to the page and the files, which the annex names.

    Args:
        section: The section.
        said: The sentence that stands first of all, which is not said twice.
    """
    parts = [_part(part, section.title) for part in section.parts if part.is_set]
    return {
        "title": section.title,
        "lead": "" if section.lead == said else section.lead,
        "question": section.question,
        "parts": parts,
        "caveat": section.caveat,
        "owner": section.facts.get("Owner", ""),
    }


def _wordy(rows: Sequence[Sequence[str]]) -> list[int]:
    """The columns of whole sentences, which need room."""
    return [
        place
        for place, cells in enumerate(zip(*rows, strict=True))
        if sum(map(len, cells)) > WORDY * len(cells)
    ]


def _part(part: Part, section_title: str) -> dict[str, Any]:
    """One part."""
    return {
        "title": "" if part.title == section_title else part.title,
        "sentences": list(part.sentences),
        "chart": part.chart and {"svg": part.chart.wide, "says": part.chart.says},
        "grid": part.grid
        and {
            "caption": part.grid.caption,
            "columns": list(part.grid.columns),
            "rows": [list(row) for row in part.grid.rows],
            "figures": sorted(part.grid.figures),
            "wordy": _wordy(part.grid.rows),
        },
        "note": part.note,
    }
