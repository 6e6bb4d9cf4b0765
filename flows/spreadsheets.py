"""CSV that people open with a spreadsheet: no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula has a quote before it."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return written.getvalue()


def _plain(cell: object) -> object:
    """A cell as text: a name, a title or a header of a partner's may begin as a formula does."""
    from warehouse.publish.columns import is_formula

    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", " ")  # which a reader would take for the end of a row
    return f"'{text}" if is_formula(cell) else text
