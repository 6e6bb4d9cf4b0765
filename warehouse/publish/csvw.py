"""The tables of a publication as CSV, with the metadata that CSV on the Web defines.

One file says of every table what its columns mean, of which kind they are and what no two rows
share, so that a program can read and check them (W3C, Metadata Vocabulary for Tabular Data, 2015).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from warehouse.publish.columns import NUMBERS, SHORTHAND, Column, Table, described, shorthand
from warehouse.publish.pack import Pack
from warehouse.publish.words import split_name

METADATA: Final = "csv-metadata.json"
"""The name under which programs look for the metadata of CSV files beside it."""

NAMED_BY: Final = "metric"
"""The column of ``definitions.csv`` with the short names of metrics and cohorts."""

_DATATYPES: Final[dict[str, Any]] = {
    "text": "string",
    "date": "date",
    "truth": "boolean",
    "number": {"base": "nonNegativeInteger"},
    "count": {"base": "nonNegativeInteger"},
    "percent": {"base": "nonNegativeInteger"},
    "figure": "decimal",
}


def csv_files(pack: Pack) -> dict[str, bytes]:
    """A publication's tables as CSV files, the definitions among them, and their metadata.

    Args:
        pack: The publication.

    Returns:
        File name → content, in UTF-8. A count is a number or the shorthand that stands for it.
    """
    files = {f"{name}.csv": frame.write_csv().encode() for name, frame in pack.tables.items()}
    files["definitions.csv"] = definitions(pack).write_csv().encode()
    files["shorthand.csv"] = (
        pl.DataFrame(list(shorthand().items()), schema=["shorthand", "meaning"], orient="row")
        .write_csv()
        .encode()
    )
    files[METADATA] = (json.dumps(metadata(pack), indent=2, ensure_ascii=False) + "\n").encode()
    return files


def definitions(pack: Pack) -> pl.DataFrame:
    """What is published, one row a metric or cohort, with every word that is said of it."""
    names = list(dict.fromkeys(name for one in pack.definitions for name in one))
    rows = [[one.get(name) for name in names] for one in pack.definitions]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def metadata(pack: Pack) -> dict[str, Any]:
    """What is said of the CSV files, as CSV on the Web has it.

    Args:
        pack: The publication.

    Returns:
        A table group, as plain data.
    """
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": f"{pack.partnership}: cohort journeys",
        "dc:identifier": pack.release_id,
        "dc:publisher": pack.partnership,
        "dc:issued": pack.made_at.date().isoformat(),
        "dc:description": " ".join((*_first(pack), *pack.notes)),
        "schema:contactPoint": pack.contact,
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"], "header": True},
        "tables": [
            *(_table(table, pack) for table in described()),
            {
                "url": "definitions.csv",
                "dc:title": "What is published, and how it is defined",
                "tableSchema": {
                    "columns": [_text(name) for name in definitions(pack).columns],
                    **({"primaryKey": [NAMED_BY]} if pack.definitions else {}),
                },
            },
            {
                "url": "shorthand.csv",
                "dc:title": "What stands in place of a number",
                "tableSchema": {
                    "columns": [_text("shorthand"), _text("meaning")],
                    "primaryKey": ["shorthand"],
                },
            },
        ],
    }


def _first(pack: Pack) -> tuple[str, ...]:
    return ("A demonstration: the people in it are made up.",) if pack.demonstration else ()


def _table(table: Table, pack: Pack) -> dict[str, Any]:
    shown = pack.tables[table.name]
    return {
        "url": f"{table.name}.csv",
        "dc:title": table.title,
        "dc:description": table.says,
        "tableSchema": {
            "columns": [
                _column(column, shown, required=column.name in table.key)
                for column in table.columns
            ],
            "primaryKey": list(table.key),
            "foreignKeys": _titled_elsewhere(shown, pack),
        },
    }


def _titled_elsewhere(shown: pl.DataFrame, pack: Pack) -> list[dict[str, Any]]:
    """Where the titles of a table's cohorts and metrics are: in the row of their definition."""
    defined = {one.get(NAMED_BY) for one in pack.definitions}
    return [
        {
            "columnReference": [name],
            "reference": {"resource": "definitions.csv", "columnReference": [NAMED_BY]},
        }
        for name in ("cohort", "metric", "name")
        if name in shown.columns and set(shown[name]) <= defined
    ]


def _column(column: Column, shown: pl.DataFrame, *, required: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": column.name,
        "titles": column.name,
        "dc:title": column.title,
        "dc:description": " ".join((column.says, *_titles(column, shown))),
        "datatype": _DATATYPES[column.kind],
    }
    if column.kind in NUMBERS:
        said["null"] = ["", *SHORTHAND]
    if required:
        said["required"] = True
    return said


def _titles(column: Column, shown: pl.DataFrame) -> Iterator[str]:
    """What the codes of a column are called, as a sentence, where they have titles of their own."""
    if column.name == "split":
        codes = shown["split"].unique(maintain_order=True)
        yield f"Titles: {'; '.join(f'{code}, {split_name(code)}' for code in codes)}."


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "titles": name, "datatype": "string"}
