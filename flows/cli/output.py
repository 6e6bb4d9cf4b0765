"""Writing rows to standard output as an aligned table, CSV or JSON."""

from __future__ import annotations

import json
import math
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TextIO

from schemas.errors import JourneysError

Rows = Sequence[Sequence[Any]]

# What a terminal might obey: control codes, direction marks, and what breaks a line.
_OBEYED = ("Cc", "Cf", "Zl", "Zp")
_SPACES = frozenset("\r\n\t\v\f\x85\u2028\u2029")


class OutputLost(JourneysError):
    """Standard output takes no more."""

    def __init__(self) -> None:
        super().__init__(
            "Standard output is closed or full, so the results are not all there.",
            "Check where it is sent and the space left there.",
        )

    def __reduce__(self) -> tuple[type[OutputLost], tuple[()]]:
        """Rebuild, where a process hands the error to another."""
        return type(self), ()


def write_result(
    columns: Sequence[str], rows: Rows, form: str, stream: TextIO | None = None
) -> None:
    """Write rows in a form: `table`, `csv` or `json`.

    Raises:
        OutputLost: If the output is closed or full.
    """
    out = stream or check_open()
    writers = {"table": _write_table, "csv": _write_csv, "json": _write_json}
    with writing():
        writers[form](_told_apart(columns), rows, out)


def check_open() -> TextIO:
    """Standard output.

    Raises:
        OutputLost: If it was closed from the first.
    """
    # Python has none where it was started without.
    given: TextIO | None = sys.stdout
    if given is None:
        raise OutputLost
    return given


@contextmanager
def writing() -> Iterator[None]:
    """Tell that the output is lost, save where its reader stopped early, such as `head`.

    Raises:
        OutputLost: If writing failed.
    """
    failed = False
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError:
        failed = True
    if failed:
        raise OutputLost


def _told_apart(columns: Sequence[str]) -> list[str]:
    """Column names with a number after one that was there before: a, a_2."""
    taken, named = set(columns), list[str]()
    for name in columns:
        number, own = 1, name
        while own in named or (number > 1 and own in taken):
            number += 1
            own = f"{name}_{number}"
        named.append(own)
    return named


def _write_table(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    """Columns as wide as their widest cell, numbers to the right; nothing is cut short.

    On a terminal that is narrower than that, each row as a record of its own.
    """
    names = [_harmless(name) for name in columns]
    cells = [[_harmless(_plain(value) or "") for value in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in cells)]) for at, name in enumerate(names)]
    if cells and out.isatty() and sum(widths) + 2 * len(widths) - 2 > _screen():
        _write_records(names, cells, out)
        return
    numeric = [
        bool(rows) and all(_is_number(row[at]) or row[at] is None for row in rows)
        for at in range(len(names))
    ]
    out.write(_line(names, widths, numeric))
    out.write("  ".join("─" * width for width in widths) + "\n")
    for row in cells:
        out.write(_line(row, widths, numeric))


def _write_records(names: Sequence[str], cells: Sequence[Sequence[str]], out: TextIO) -> None:
    records = (
        "".join(f"{name}: {cell}".rstrip() + "\n" for name, cell in zip(names, row, strict=True))
        for row in cells
    )
    out.write("\n".join(records))


def _screen() -> int:
    return shutil.get_terminal_size().columns


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(aligned).rstrip() + "\n"


def _write_csv(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    """Nothing is an empty field, an empty text is quoted, and a line break stays one."""
    for row in (columns, *rows):
        out.write(",".join(_field(_plain(value)) for value in row) + "\n")


def _field(text: str | None) -> str:
    if text is None:
        return ""
    if text == "" or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_json(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    records = [
        {name: _as_json(value) for name, value in zip(columns, row, strict=True)} for row in rows
    ]
    json.dump(records, out, indent=2, allow_nan=False)
    out.write("\n")


def _plain(value: Any) -> str | None:
    """A value as text; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        return str(value)
    made = _as_json(value)
    return made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)


def _harmless(text: str) -> str:
    """Text on one line that a terminal shows and does not obey."""
    if text.isascii() and text.isprintable():
        return text
    spaced = text.replace("\r\n", " ")
    return "".join(
        " " if character in _SPACES else character
        for character in spaced
        if character in _SPACES or unicodedata.category(character) not in _OBEYED
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _as_json(value: Any) -> Any:
    """A value as JSON has it; JSON has no NaN and no infinity."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): _as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    return str(value)
