"""Results on standard output: as a table, as CSV, as JSON, and nothing else."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal

import pytest

from flows.cli.output import write_result

COLUMNS = ("name", "people", "on")
ROWS = [("a", 5, date(2026, 6, 30)), ('b, "c"\nd', None, None)]


def written(form: str, rows: list[tuple[object, ...]] = ROWS) -> str:  # type: ignore[assignment]
    out = io.StringIO()
    write_result(COLUMNS, rows, form, out)
    return out.getvalue()


def test_table_aligns_and_cuts_nothing_short() -> None:
    lines = written("table", [("x" * 200, 12345, None), ("y", 7, None)]).splitlines()
    assert "x" * 200 in lines[2]
    assert lines[2].index("12345") + 4 == lines[3].index("7")


def test_csv_quotes_what_must_be_quoted() -> None:
    assert written("csv") == 'name,people,on\na,5,2026-06-30\n"b, ""c"" d",,\n'


def test_json_keeps_kinds() -> None:
    rows = [("a", Decimal("5"), date(2026, 6, 30)), ("b", True, None)]
    assert json.loads(written("json", rows)) == [
        {"name": "a", "people": 5, "on": "2026-06-30"},
        {"name": "b", "people": True, "on": None},
    ]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_no_rows_is_an_answer_too(form: str) -> None:
    assert written(form, [])
