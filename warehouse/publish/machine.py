"""A publication as one JSON file, for programs."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

import polars as pl

from warehouse.publish.columns import SHORTHAND, Cell, Table, cells, described, shorthand
from warehouse.publish.pack import Pack

FORMAT: Final = 1
NAME: Final = "pack.json"


def pack_json(pack: Pack) -> bytes:
    """Everything that a publication says, as JSON in UTF-8.

    A count, a percentage or another figure is a number. Where shorthand stands in its place it is
    null, and ``shorthand`` in the same row says which, by column.

    Args:
        pack: The publication.
    """
    said = {
        "format": FORMAT,
        "publication": pack.release_id,
        "partnership": pack.partnership,
        "contact": pack.contact,
        "demonstration": pack.demonstration,
        "made_at": pack.made_at.isoformat(),
        "data_as_at": {partner: day.isoformat() for partner, day in pack.as_at.items()},
        "next_due": None if pack.next_due is None else pack.next_due.isoformat(),
        "rounded_to": pack.base,
        "masked_below": pack.threshold,
        "shorthand": shorthand(),
        "notes": list(pack.notes),
        "definitions": [dict(one) for one in pack.definitions],
        "releases": [
            {"release": one.release_id, "digest": one.digest, "certificate": one.certificate}
            for one in pack.releases
        ],
        "tables": {table.name: _table(pack, table) for table in described()},
    }
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def _table(pack: Pack, table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "description": table.says,
        "key": list(table.key),
        "columns": [
            {"name": one.name, "title": one.title, "kind": one.kind, "description": one.says}
            for one in table.columns
        ],
        "rows": rows(pack.tables[table.name], table),
    }


def rows(frame: pl.DataFrame, table: Table) -> list[dict[str, Any]]:
    """The rows of a table, as `pack_json` has them."""
    return [_row(row, table) for row in cells(frame, table)]


def _row(row: list[Cell], table: Table) -> dict[str, Any]:
    named = {column.name: value for column, value in zip(table.columns, row, strict=True)}
    said: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in named.items()
        if value not in SHORTHAND
    }
    instead = {name: value for name, value in named.items() if value in SHORTHAND}
    if instead:
        said |= dict.fromkeys(instead) | {"shorthand": instead}
    return said
