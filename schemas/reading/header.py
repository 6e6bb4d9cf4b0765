"""The names of a file's columns, and whether those that are needed are there.

A header may be more than one row deep, as where `Tenancy` stands over `From` and `To`. A name from
a file is never in a message: there might be no header, and then it is a record.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from schemas.errors import ExtractRejected
from schemas.reading.guard import MAX_COLUMNS, SEND_AGREED, SEND_CSV, Wanted

NO_NAMES = (
    "Give the row that names the columns as `header_row` in the mapping, or ask the partner for "
    "the layout that it says."
)
RENAME = "Ask the partner to name its columns as the agreed layout does, in the first row."


def normal_name(name: str) -> str:
    """A column's name or a value as it is compared: one space between words, small letters."""
    return " ".join(unicodedata.normalize("NFC", name).split()).lower()


def joined_names(rows: Sequence[Sequence[str | None]]) -> list[str]:
    """The names that header rows give, top to bottom, as normalised names.

    A name in an upper row holds for the columns to its right until the next one begins, as a
    merged cell is read.

    Args:
        rows: The header's rows, as wide as one another.
    """
    *upper, last = rows
    parts = [_spread(row) for row in upper]
    columns = zip(*parts, last, strict=True)
    return [normal_name(" ".join(part or "" for part in column)) for column in columns]


def require_columns(names: Sequence[str], what: str, wanted: Wanted, parted: str) -> list[str]:
    """Check that every needed column is there, and none that is expected twice.

    Args:
        names: The file's columns, normalised.
        what: What messages call the file.
        wanted: The columns it is to have.
        parted: How columns should be told apart, for a file that seems to have one only.

    Returns:
        The columns, each under a name of its own: of a supplier's columns that nobody asked for,
        several may have one name or none.

    Raises:
        ExtractRejected: One is lacking or there twice, or there are too many.
    """
    if len(names) > MAX_COLUMNS:
        raise ExtractRejected(
            f"{what} has more than {MAX_COLUMNS:,} columns.",
            "Ask the partner to send the agreed columns alone.",
        )
    own = wanted.system == "layout"
    missing = [name for name in wanted.needed if name not in names]
    is_header = own or any(name in wanted.known for name in names)
    if missing and len(missing) == len(wanted.needed) and len(names) == 1:
        raise ExtractRejected(
            f"{what} is not {parted}.", SEND_CSV if own else SEND_AGREED if is_header else NO_NAMES
        )
    if missing:
        unknown = sum(name not in wanted.known for name in names)
        raise ExtractRejected(
            f"{what} lacks {', '.join(missing)}; {unknown} of its columns are not in the "
            f"{wanted.system}.",
            RENAME if is_header else NO_NAMES,
        )
    twice = sum(count - 1 for name, count in Counter(names).items() if own or name in wanted.known)
    if twice:
        raise ExtractRejected(
            f"{what} names {twice} of its columns twice.",
            "Ask the partner to give every column a name of its own.",
        )
    return [f"{name}\n{at}" if name in names[:at] else name for at, name in enumerate(names)]


def _spread(row: Sequence[str | None]) -> list[str]:
    """A row with each name carried over the blank cells at its right."""
    spread, name = [], ""
    for cell in row:
        name = (cell or "").strip() or name
        spread.append(name)
    return spread
