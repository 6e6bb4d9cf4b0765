"""Reading a rights request: the identifiers that a partner's officer gives become marks at once.

At the hub `read_request` is called in a child process (`flows.intake.apart`), at the source by
`journeys rights seal`. What it gives back holds no identifier, and the file is copied nowhere. A
line is of one person; a message names lines, columns and rules, never what stands in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ExtractRejected
from schemas.tables import TABLES, Table

if TYPE_CHECKING:
    import polars as pl

    from governance.agreements import Agreement
    from governance.keys.root import PurposeKey

WHAT = "The request file"
LARGEST = 1 << 24
MOST_PEOPLE = 10_000
"""More than any one request is of; policy of 2026-11-22."""
MOST_LISTED = 1_000_000
"""More than any partner's list of opt-outs has; policy of 2026-11-22."""

DESCRIPTION = ("forename", "surname", "dob", "sex")
STRONG = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number")

CORRECT = "Correct these lines of the request and give it again."


@dataclass(frozen=True)
class Asked:
    """Who a request is of.

    Args:
        people: How many lines it has.
        marks: Key epoch → ``line`` and the marks of what each line gives, in one order in all.
    """

    people: int
    marks: Mapping[int, pl.DataFrame] = field(repr=False)


def read_request(
    path: Path, agreement: Agreement, keys: Mapping[int, PurposeKey], today: date
) -> Asked:
    """Read the identifiers in a request and mark them in every key epoch.

    Args:
        path: Comma-separated UTF-8; a header with columns of the partner's contract, and a line
            for each person: the key of a record, strong ids, or forename, surname, date of birth
            and sex together.
        agreement: The partner's agreement; what it does not let us encode gives no mark.
        keys: The key of each epoch.
        today: The day, which two-digit years are read against.

    Raises:
        ExtractRejected: The file cannot be read, has columns that no request has, or a line gives
            something that cannot be used or nothing that a person is known by.
    """
    import polars as pl

    from schemas.marks import GROUNDS

    partner = agreement.partner
    raw = _raw(path, partner, columns_of(partner), MOST_PEOPLE)
    _refuse_parts(raw)
    marks = _marked(raw, agreement, keys, today)
    known = next(iter(marks.values())).filter(~pl.all_horizontal(pl.col(GROUNDS).is_null()))
    unknown = sorted(set(range(1, raw.height + 1)) - set(known["line"]))
    if unknown:
        raise ExtractRejected(
            f"{WHAT} gives nothing that a person is known by in {line_words(unknown)}.",
            f"Give the key of a record ({_or(_keys(partner))}), a strong id, or forename, surname, "
            "date of birth (other than 1 January) and sex together.",
        )
    _refuse_incomparable(raw, next(iter(marks.values())))
    return Asked(raw.height, marks)


def read_list(
    path: Path,
    agreement: Agreement,
    keys: Mapping[int, PurposeKey],
    today: date,
    may_be_empty: bool = False,
) -> Asked:
    """Read a list of NHS numbers and mark them in every key epoch.

    Args:
        path: Comma-separated UTF-8: the partner's column of NHS numbers under its name, no other.
        agreement: The partner's agreement; it must let NHS numbers be encoded.
        keys: The key of each epoch.
        today: The day.
        may_be_empty: Whether it may have no line.

    Raises:
        ExtractRejected: The list cannot be read, has other columns or numbers that are none, or the
            partner's numbers may not be encoded, so that nobody is known by them.
    """
    import polars as pl

    columns = {vars(table.identity)["nhs_number"] for table in _tables(agreement.partner)} - {None}
    if not columns:
        raise ExtractRejected(
            f"{agreement.partner} sends no NHS numbers, by which a list could be met.",
            "Give a list for a partner that does.",
        )
    fewest = 0 if may_be_empty else 1
    raw = _raw(path, agreement.partner, sorted(columns), MOST_LISTED, fewest)
    marks = {
        epoch: frame.filter(pl.col("nhs_number").is_not_null()).unique("line", keep="first")
        for epoch, frame in _marked(raw, agreement, keys, today).items()
    }
    if any(frame.height < raw.height for frame in marks.values()):
        raise ExtractRejected(
            f"{WHAT} has empty lines, or the agreement does not let NHS numbers be encoded.",
            f"Give one number a line. {CORRECT}",
        )
    return Asked(raw.height, {epoch: frame.sort("line") for epoch, frame in marks.items()})


def _marked(
    raw: pl.DataFrame, agreement: Agreement, keys: Mapping[int, PurposeKey], today: date
) -> dict[int, pl.DataFrame]:
    """The marks of what each line gives as a row of each of the partner's tables, by epoch."""
    import polars as pl

    from governance.rights.marks import marks_of
    from schemas.marks import GROUNDS

    tables = _tables(agreement.partner)
    frames = {table.name: _standardised(raw, table, today) for table in tables}
    lines = pl.concat([pl.int_range(1, raw.height + 1, dtype=pl.Int32, eager=True)] * len(frames))
    return {
        epoch: marks_of(frames, agreement, key).select(lines.alias("line"), *GROUNDS)
        for epoch, key in keys.items()
    }


def columns_of(partner: str) -> tuple[str, ...]:
    """The columns that a request of a partner may have."""
    found = [
        column
        for table in _tables(partner)
        for column in (*table.key, *_strong(table), *DESCRIPTION)
    ]
    return tuple(dict.fromkeys(found))


def _tables(partner: str) -> list[Table]:
    return [table for table in TABLES[partner] if table.identity is not None]


def _strong(table: Table) -> list[str]:
    named = vars(table.identity)
    return [*(named[one] for one in STRONG if named[one]), *named["local_id"]]


def _keys(partner: str) -> list[str]:
    return [" with ".join(table.key) for table in _tables(partner)]


def _raw(
    path: Path, partner: str, columns: Sequence[str], most: int, fewest: int = 1
) -> pl.DataFrame:
    from schemas.reading.delimited import read_text
    from schemas.reading.encodings import AS_AGREED
    from schemas.reading.guard import Wanted, is_untouched, require_file, require_short
    from schemas.reading.rows import FILE_ROW

    before = require_file(path, WHAT, LARGEST)
    raw = read_text(path, WHAT, AS_AGREED, Wanted([], columns, "layout"))
    require_short(raw, WHAT, columns)
    strange = [name for name in raw.columns if name not in columns and name != FILE_ROW]
    if strange:
        raise ExtractRejected(
            f"{WHAT} has {len(strange)} column(s) that no request of {partner} has.",
            f"Give none but {', '.join(columns)}, named in the first line.",
        )
    if not is_untouched(path, before) or not fewest <= raw.height <= most:
        raise ExtractRejected(
            f"{WHAT} has no line, more than {most:,}, or changed while it was read.",
            "Give one line for each person.",
        )
    return raw.drop(FILE_ROW, strict=False)


def _refuse_parts(raw: pl.DataFrame) -> None:
    """Refuse a description that is not whole: it would be passed over without a word."""
    import polars as pl

    given = _described(raw)
    partly = pl.any_horizontal(given) & ~pl.all_horizontal(given)
    lines = raw.select(pl.arg_where(partly) + 1).to_series().to_list()
    if lines:
        raise ExtractRejected(
            f"{WHAT} gives a part of {', '.join(DESCRIPTION)} in {line_words(lines)}.",
            "Give all four or none of them.",
        )


def _refuse_incomparable(raw: pl.DataFrame, marks: pl.DataFrame) -> None:
    """Refuse a description without a mark: it seems to bear out an identifier, and cannot."""
    import polars as pl

    whole = set(raw.select(pl.arg_where(pl.all_horizontal(_described(raw))) + 1).to_series())
    lines = whole - set(marks.filter(pl.col("description").is_not_null())["line"])
    if lines:
        raise ExtractRejected(
            f"{WHAT} gives {', '.join(DESCRIPTION)} by which nobody is known in "
            f"{line_words(lines)}.",
            "Leave them out where the date of birth is 1 January or the sex is not known, and "
            "make sure of the key or strong id, since nothing bears it out.",
        )


def _described(raw: pl.DataFrame) -> list[pl.Expr]:
    """Whether each line gives each part of a description."""
    import polars as pl

    return [
        (pl.col(name).str.strip_chars() != "").fill_null(False)
        if name in raw.columns
        else pl.lit(False)
        for name in DESCRIPTION
    ]


def _standardised(raw: pl.DataFrame, table: Table, today: date) -> pl.DataFrame:
    """The lines as rows of a table.

    Raises:
        ExtractRejected: A value has no form that could be compared.
    """
    import polars as pl

    from schemas.findings import ROW
    from schemas.normal import standardised, tidied, typed

    read, undated = typed(tidied(raw, table.columns), table.columns)
    made, lost = standardised(table, read, None, today.year)
    wrong = pl.concat([undated, lost])
    wrong = wrong.filter(pl.col("column").is_in(raw.columns))
    if wrong.height:
        columns = sorted(set(wrong["column"]))
        raise ExtractRejected(
            f"{WHAT} has values of {', '.join(columns)} that cannot be used in "
            f"{line_words(sorted(set(wrong[ROW])))}.",
            f"Write dates as YYYY-MM-DD and identifiers whole. {CORRECT}",
        )
    return made


def line_words(lines: Collection[int]) -> str:
    """Which lines of a request, counted below its header; the first of many."""
    first = [str(line) for line in sorted(lines)][:10]
    more = " and others" if len(lines) > len(first) else ""
    return f"line {', '.join(first)}{more} below the header"


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)
