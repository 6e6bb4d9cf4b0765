"""What an OpenDocument spreadsheet (.ods) holds, whether any is active, and how much a sheet is."""

from __future__ import annotations

from schemas.reading.archive import SAVE_VALUES, Book, Extent, given_as, local_name, refuse_parts
from schemas.reading.guard import LONGEST_VALUE, Unfit

ACTIVE = ("basic/", "scripts/", "dialogs/")
LINKED_ELEMENTS = (
    "table-source",
    "cell-range-source",
    "dde-source",
    "dde-link",
    "dde-connection-decl",
    "database-source-sql",
    "database-source-table",
    "database-source-query",
    "event-listener",
    "script",
)


def check_spreadsheet(book: Book) -> dict[str, str]:
    """The spreadsheet's sheets, once nothing in it is active."""
    refuse_parts(" ".join(book.parts), ACTIVE, (), ())
    if "meta-inf/manifest.xml" in book.parts:
        book.parse("meta-inf/manifest.xml", _refuse_encryption)
    sheets: dict[str, str] = {}

    def start(name: str, given: dict[str, str]) -> None:
        local = local_name(name)
        if local == "table":
            sheets.setdefault(given_as(given, "name"), "")
        links = (value for key, value in given.items() if local_name(key) == "href")
        if local in LINKED_ELEMENTS or any(not link.startswith("#") for link in links):
            raise Unfit("holds links to other files or data sources", SAVE_VALUES)

    book.parse("content.xml", start)
    return sheets


def _refuse_encryption(name: str, _: dict[str, str]) -> None:
    if local_name(name) == "encryption-data":
        raise Unfit("is protected by a password", SAVE_VALUES)


class _Scan:
    """Counts the sheets of content.xml, with rows and cells as often as they are repeated.

    Calamine unrolls every sheet, so all of them together have to fit; formulas are of concern in
    the one that is read.
    """

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.extent = Extent()
        self.found = Extent()
        self.every = Extent()
        self.inside = False
        self.rows_before = 0
        self.row_repeats = 1
        self.cells_before = 0
        self.width = 0
        self.row_text = 0
        self.cell_repeats = 1
        self.cell_text = 0
        self.filled = False

    def start(self, name: str, given: dict[str, str]) -> None:
        """An opening tag."""
        local = local_name(name)
        if local == "table":
            if self.inside:
                raise Unfit("holds a table inside a table", SAVE_VALUES)
            self.inside, self.rows_before, self.extent = True, 0, Extent()
            if given_as(given, "name") == self.sheet:
                self.found = self.extent
        elif not self.inside:
            return
        elif local == "table-row":
            self.row_repeats = int(given_as(given, "number-rows-repeated", "1"))
            self.cells_before = self.width = self.row_text = 0
        elif local in ("table-cell", "covered-table-cell"):
            self._start_cell(given)
        elif local == "s":
            self.text("", int(given_as(given, "c", "1")))

    def _start_cell(self, given: dict[str, str]) -> None:
        self.cell_repeats = int(given_as(given, "number-columns-repeated", "1"))
        self.cell_text = 0
        self.filled = any(local_name(key) == "value-type" for key in given)
        if self.cell_repeats < 1 or self.row_repeats < 1:
            raise ValueError
        if any(local_name(key) == "formula" for key in given):
            self.extent.refused = "holds formulas"

    def text(self, run: str, spaces: int = 0) -> None:
        """Text inside a cell, or as many spaces as a tag stands for."""
        if not self.inside:
            return
        self.filled = True
        self.cell_text += len(run) + spaces
        if self.cell_text > LONGEST_VALUE:
            raise Unfit(f"holds a value of more than {LONGEST_VALUE:,} characters", SAVE_VALUES)

    def end(self, name: str) -> None:
        """A closing tag."""
        local = local_name(name)
        if local == "table":
            self.inside = False
            self.every.count(self.extent.rows * self.extent.columns, self.extent.text)
        elif not self.inside:
            return
        elif local in ("table-cell", "covered-table-cell"):
            self.cells_before += self.cell_repeats
            if self.filled:
                self.width = self.cells_before
                self.row_text += self.cell_text * self.cell_repeats
            self.filled = False
        elif local == "table-row":
            self.rows_before += self.row_repeats
            if self.width:
                self.extent.span(self.rows_before, self.width)
                self.extent.count(self.width * self.row_repeats, self.row_text * self.row_repeats)


def sheet_extent(book: Book, sheet: str) -> Extent:
    """Count a sheet of a spreadsheet that is known to hold nothing active."""
    scan = _Scan(sheet)
    book.parse("content.xml", scan.start, text=scan.text, end=scan.end)
    return scan.found
