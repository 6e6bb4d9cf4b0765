"""Every table and column of a release, explained, from the comments the release itself carries."""

from __future__ import annotations

import duckdb

HEADING = """# Data dictionary

Every table and column of a release, as its own comments explain them. This page is generated;
the words come from the headers of the files under `warehouse/sql/marts/`. In a release they can be
read with `SELECT table_name, comment FROM duckdb_tables()` and
`SELECT table_name, column_name, comment FROM duckdb_columns()`, and policy numbers and codes in the
tables `policy` and `code`.
"""


def dictionary(con: duckdb.DuckDBPyConnection) -> str:
    """Return the dictionary of a release as Markdown.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
    """
    tables = con.execute(
        "SELECT table_name, comment FROM duckdb_tables() "
        "WHERE database_name = 'release' ORDER BY table_name"
    ).fetchall()
    columns = con.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = 'release' ORDER BY table_name, column_index"
    ).fetchall()
    parts = [HEADING]
    for table, meaning in tables:
        rows = [
            f"| `{column}` | {kind} | {_cell(comment)} |"
            for owner, column, kind, comment in columns
            if owner == table
        ]
        head = ["| Column | Type | Meaning |", "|---|---|---|"]
        parts.append("\n".join([f"## {table}", "", meaning or "", "", *head, *rows, ""]))
    return "\n".join(parts)


def _cell(text: str | None) -> str:
    """Return text that cannot break a Markdown table."""
    return (text or "").replace("|", "\\|").replace("\n", " ")
