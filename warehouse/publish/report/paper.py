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
IN_FILES = "Figures by group and definitions are in the files published with this paper."


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
        "notes": list(report.notes),
        "footer": report.footer,
    }


def _section(section: Section, said: str, *, is_inner: bool = False) -> dict[str, Any]:
    """One section; what a page folds away is left to the files, and said to be there.

    So are the definitions of single outcomes, which would be half of the paper.

    Args:
        section: The section.
        said: The sentence that stands first of all, which is not said twice.
        is_inner: Whether it is of a single outcome.
    """
    shown = [part for part in section.parts if not part.is_detail]
    parts = [_part(part, section.title) for part in shown]
    if len(shown) < len(section.parts) or (is_inner and section.facts):
        parts.append(_part(Part(note=IN_FILES), section.title))
    return {
        "title": section.title,
        "lead": "" if section.lead == said else section.lead,
        "question": section.question,
        "parts": parts,
        "caveat": section.caveat,
        "facts": {} if is_inner else dict(section.facts),
        "inner": [_section(one, said, is_inner=True) for one in section.inner],
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
