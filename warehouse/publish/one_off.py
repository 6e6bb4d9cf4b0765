"""A table of an analyst's own, declared in a file, through the same gate as the pack.

Every category is declared before anything is counted: a category that appeared only because
somebody is in it would tell of them. The gate sets the table beside all that is public of its days.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from governance.disclosure.catalogue import UNITS, Dimension, Population, cross
from governance.disclosure.release import PEOPLE_COLUMN
from governance.disclosure.rules import DisclosureError
from governance.disclosure.tally import PERSON
from governance.disclosure.timeline import Period
from schemas.documents import read_document
from warehouse.analyst import select
from warehouse.publish.making import Made, Public, Terms, beside, data_as_at, for_approvers
from warehouse.publish.pack import COLUMNS, Pack, empty
from warehouse.publish.windows import Window, window_of

if TYPE_CHECKING:
    from governance.disclosure.certify import Certified, Submission

PERSON_ID = "person_id"
DECLARED_FILE = "declared.json"
NAME = r"^[a-z][a-z0-9_]{1,60}$"


class Declared(BaseModel):
    """A table as its file declares it.

    Attributes:
        table: Its name.
        title: What a reader sees.
        unit: What it counts.
        first: The first day of its window, which is one of the partnership's publication windows.
        last: The last day.
        categories: Column of the query → every category that it can have, in order.
        known: The columns that others know of a person anyway, such as an area.
        day: The column of the query that says on which day a unit is counted, if it has one.
        query: One SELECT over a release: a row a unit, with ``person_id`` and those columns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    table: str = Field(pattern=NAME)
    title: str = Field(min_length=1, max_length=200)
    unit: str = "people"
    first: date
    last: date
    categories: dict[str, tuple[str, ...]] = Field(min_length=1, max_length=4)
    known: tuple[str, ...] = ()
    day: str | None = None
    query: str = Field(min_length=1)

    @property
    def window(self) -> Window:
        """Its days."""
        return Window(self.first, self.last)


def read_declared(path: Path) -> Declared:
    """Read the file that declares a table.

    Raises:
        DisclosureError: It does not read as one; the message names the key at fault.
    """
    declared = read_document(path, Declared, DisclosureError)
    if declared.unit not in UNITS or not set(declared.known) <= declared.categories.keys():
        raise DisclosureError(
            "The table's unit is not one that can be declared, or it calls a column known that it "
            "does not have.",
            f"Declare one of {', '.join(UNITS)}, and under `known` columns of `categories`.",
        )
    if declared.day in {PERSON_ID, *declared.categories}:
        raise DisclosureError(
            "The table is counted by the column that says which day a unit is of.",
            "Give the day in a column of its own, which is not published.",
        )
    return declared


def submission(
    con: duckdb.DuckDBPyConnection, declared: Declared, terms: Terms, as_at: date
) -> Submission:
    """Count a declared table. The result holds true counts and goes nowhere but to the gate.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        declared: The table.
        terms: What the partnership says of its publications.
        as_at: The day up to which the data of every partner reach.

    Raises:
        DisclosureError: Its days are not a window of the partnership's, or not over; the query
            does not give the columns that are declared.
        RefusedQuery: The query is not one SELECT that analysts may ask.
    """
    if declared.window != window_of(declared.first, terms.period) or declared.last > as_at:
        raise DisclosureError(
            f"The days of the table are not a whole {terms.period} that the data reach to.",
            "Give `first` and `last` of a publication window that has ended (from 1 April).",
        )
    return counted(con, declared)


def counted_again(con: duckdb.DuckDBPyConnection, public: Public) -> list[Submission]:
    """The tables of analysts that are public, counted again.

    All of them, whatever the days that they declare: nothing else says which days they count.
    """
    return [counted(con, one) for one in public.tables]


def counted(con: duckdb.DuckDBPyConnection, declared: Declared) -> Submission:
    """Count a declared table.

    Raises:
        DisclosureError: The query does not give the columns that are declared, or counts days that
            are not of the window.
        RefusedQuery: It is not one SELECT that analysts may ask.
    """
    from governance.disclosure.certify import Submission  # it brings the solver

    found = select(con, declared.query)
    dated = [] if declared.day is None else [declared.day]
    wanted = {PERSON_ID, *declared.categories, *dated}
    if len(found.columns) != len(wanted) or set(found.columns) != wanted:
        raise DisclosureError(
            "The query does not give person_id and the columns that are declared.",
            f"Select {', '.join(sorted(wanted))} and nothing else.",
        )
    rows = pl.DataFrame(
        [[_text(value) for value in row] for row in found.rows],
        schema=dict.fromkeys(found.columns, pl.String),
        orient="row",
    )
    if declared.day is not None:
        rows = _of_the_window(rows, declared, declared.day)
    return Submission(
        _population(declared),
        Period(declared.first, declared.last),
        rows.rename({PERSON_ID: PERSON}),
        on_its_word=True,
    )


def one_off(
    con: duckdb.DuckDBPyConnection,
    draft_id: str,
    declared: Declared,
    terms: Terms,
    public: Public,
    made_at: datetime,
) -> Made:
    """Put a declared table through the gate.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        draft_id: The draft's id, which the publication will have too.
        declared: The table.
        terms: What the partnership says of its publications.
        public: What readers have.
        made_at: When (UTC).

    Raises:
        DisclosureError: It cannot be published, or not be proved safe.
        RefusedQuery: The query is not one SELECT that analysts may ask.
        StoreError: The release cannot be read.
    """
    from warehouse.publish.certified import certify_table

    as_at = data_as_at(con)
    given = submission(con, declared, terms, min(as_at.values()))
    made, reasons = certify_table(con, draft_id, given, beside(con, terms, public))
    pack = Pack(
        release_id=made.release.release_id,
        partnership=terms.partnership,
        contact=terms.contact,
        demonstration=terms.demonstration,
        made_at=made_at,
        as_at=as_at,
        tables={name: empty(name) for name in COLUMNS},
        notes=(),
        definitions=(),
        releases=(made.release,),
        base=terms.rule.base,
        threshold=terms.rule.threshold,
    )
    return Made(
        title=f"{declared.title}, {declared.window.label}",
        pack=pack,
        certified=(made,),
        files=_files(declared, terms, made, made_at),
        for_approvers=for_approvers(made, reasons)
        | {DECLARED_FILE: declared.model_dump_json(indent=2).encode()},
    )


def _text(value: object) -> str | None:
    """A value of a query as the text that categories are declared by."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _of_the_window(rows: pl.DataFrame, declared: Declared, day: str) -> pl.DataFrame:
    """Rows without their days, once all of these are in the window.

    Raises:
        DisclosureError: A day is missing, is none, or is of another window.
    """
    days = rows.get_column(day).str.to_date("%Y-%m-%d", strict=False)
    outside = ~days.is_between(declared.first, declared.last).fill_null(value=False)
    if outside.any():
        raise DisclosureError(
            f"{int(outside.sum())} rows of the table have no day in its window.",
            "Let the query count the days from `first` to `last`, and give each as a date.",
        )
    return rows.drop(day)


def _population(declared: Declared) -> Population:
    dimensions = [
        Dimension(name, categories, name in declared.known)
        for name, categories in declared.categories.items()
    ]
    name = f"table {declared.table} {declared.first}"
    return Population(
        name, declared.unit, "apart", tuple(dimensions), (cross(declared.table, *dimensions),)
    )


def _files(
    declared: Declared, terms: Terms, made: Certified, made_at: datetime
) -> dict[str, bytes]:
    """The table as CSV, and what its columns mean as CSV on the Web."""
    (frame,) = made.tables().values()
    columns: list[dict[str, Any]] = [
        {"name": name, "titles": name, "datatype": "string"} for name in declared.categories
    ]
    columns.append(
        {
            "name": PEOPLE_COLUMN,
            "titles": PEOPLE_COLUMN,
            "datatype": "string",
            "dc:description": f"{declared.unit}, rounded to the nearest {terms.rule.base}; [c] "
            "confidential; 0 where nobody could be counted.",
        }
    )
    about = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": f"{declared.table}.csv",
        "dc:title": f"{declared.title}, {declared.window.label}",
        "dc:publisher": terms.partnership,
        "dc:issued": made_at.date().isoformat(),
        "dc:description": "Made-up people: a demonstration." if terms.demonstration else "",
        "tableSchema": {"columns": columns, "primaryKey": list(declared.categories)},
    }
    return {
        f"{declared.table}.csv": frame.write_csv().encode(),
        f"{declared.table}.csv-metadata.json": (json.dumps(about, indent=2) + "\n").encode(),
    }
