"""What an Excel workbook (.xlsx) holds, whether any of it is active, and how much a sheet is."""

from __future__ import annotations

from array import array

from schemas.reading import archive
from schemas.reading.archive import (
    SAVE_VALUES,
    Book,
    Extent,
    local_name,
    refuse_parts,
    too_much,
)
from schemas.reading.guard import LONGEST_VALUE, Unfit

MAX_STRINGS = 10_000_000
"""The most different texts in a workbook."""

MAX_NAME_NUMBER = 16_384
LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"

SAVE_DATES = "Ask the partner to turn the 1904 date system off, or to send comma-separated text."

ACTIVE = ("vbaproject", "macrosheets/", "dialogsheets/", "activex/", "ctrlprops/")
LINKED = ("externallinks/", "connections.xml", "querytables/", "webextensions/")
EMBEDDED = ("embeddings/",)
MAKE_UP = ("xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")


def check_workbook(book: Book, day_numbers: bool) -> dict[str, str]:
    """The workbook's sheets and the part that holds each, once nothing in it is active.

    Args:
        book: The open archive.
        day_numbers: Whether dates are read from day numbers, which count from 1900.
    """
    names = " ".join(book.parts)
    refuse_parts(names, ACTIVE, LINKED, EMBEDDED)
    book.require_small(*MAKE_UP)
    for part in MAKE_UP:
        if part in book.parts:
            book.parse(part, lambda _, __: None)
    for part in book.parts:
        if part == "[content_types].xml":
            book.parse(part, _refuse_macro_types)
        elif part.endswith(".rels"):
            book.parse(part, _refuse_links)
    targets: dict[str, str] = {}
    book.parse("xl/_rels/workbook.xml.rels", lambda _, given: _note_target(targets, given))
    sheets: dict[str, str] = {}

    def note_sheet(name: str, given: dict[str, str]) -> None:
        local = local_name(name)
        if local == "workbookPr" and day_numbers and given.get("date1904") in ("1", "true"):
            raise Unfit("counts its days from 1904", SAVE_DATES)
        if local == "sheet":
            ids = [value for key, value in given.items() if local_name(key) == "id" and ":" in key]
            sheets[given["name"]] = targets[ids[0]] if ids else ""

    book.parse("xl/workbook.xml", note_sheet)
    return {name: part for name, part in sheets.items() if part in book.parts}


def _refuse_macro_types(_: str, given: dict[str, str]) -> None:
    kind = given.get("ContentType", "").lower()
    if "macroenabled" in kind or "vbaproject" in kind or "intlmacrosheet" in kind:
        raise Unfit("holds macros or controls", SAVE_VALUES)


def _refuse_links(_: str, given: dict[str, str]) -> None:
    if given.get("TargetMode", "").lower() == "external":
        raise Unfit("holds links to other files or data sources", SAVE_VALUES)


def _note_target(targets: dict[str, str], given: dict[str, str]) -> None:
    if "Id" in given and given.get("Type", "").endswith("/worksheet"):
        target = given["Target"].lower()
        targets[given["Id"]] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    elif "Id" in given:
        targets[given["Id"]] = ""


def sheet_extent(book: Book, part: str) -> Extent:
    """Count a sheet of a workbook; its strings are counted as often as cells repeat them."""
    lengths = _shared_lengths(book)
    extent = _scan(book, part)
    longest = max(lengths, default=0)
    if longest * extent.cells > archive.MAX_TEXT and not extent.refused:
        _count_repeats(book, part, lengths, extent)
    return extent


def _shared_lengths(book: Book) -> array[int]:
    """How long each of the workbook's shared strings is."""
    lengths = array("L")

    def start(name: str, _: dict[str, str]) -> None:
        if local_name(name) == "si":
            lengths.append(0)
            if len(lengths) > MAX_STRINGS:
                raise too_much()

    def text(run: str) -> None:
        if lengths:
            lengths[-1] += len(run)
            if lengths[-1] > LONGEST_VALUE:
                raise Unfit(f"holds a value of more than {LONGEST_VALUE:,} characters", SAVE_VALUES)

    if "xl/sharedstrings.xml" in book.parts:
        book.parse("xl/sharedstrings.xml", start, text=text)
    return lengths


def _scan(book: Book, part: str) -> Extent:
    extent = Extent()
    numbers: dict[str, int] = {}
    row = column = 0

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal row, column
        local = local_name(name)
        if local == "c":
            row, column = _place(given.get("r"), numbers, row, column)
            if row > extent.rows or column > extent.columns:
                extent.span(row, column)
            extent.count(1)
            if given.get("t") == "e":
                extent.refused = extent.refused or "holds cells in error, such as #REF!"
        elif local == "row":
            row, column = int(given.get("r", row + 1)), 0
        elif local == "f":
            extent.refused = "holds formulas"

    book.parse(part, start)
    return extent


def _place(
    reference: str | None, numbers: dict[str, int], row: int, column: int
) -> tuple[int, int]:
    """The row and column of a cell: as its reference says, else next in its row."""
    if reference is None:
        return max(row, 1), column + 1
    letters = reference.rstrip(DIGITS)
    if letters not in numbers:
        numbers[letters] = _column_number(letters)
    return int(reference[len(letters) :]), numbers[letters]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + LETTERS.index(letter) + 1
        if number > MAX_NAME_NUMBER:
            raise too_much()
    return number


def _count_repeats(book: Book, part: str, lengths: array[int], extent: Extent) -> None:
    """Add up the shared strings that the cells name, each as often as it is named."""
    shared = False
    index: list[str] = []

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal shared
        if local_name(name) == "c":
            shared = given.get("t") == "s"

    def text(run: str) -> None:
        if shared:
            index.append(run)

    def end(name: str) -> None:
        if local_name(name) == "v" and shared:
            at = int("".join(index))
            extent.count(0, lengths[at] if 0 <= at < len(lengths) else 0)
        index.clear()

    book.parse(part, start, text=text, end=end)
