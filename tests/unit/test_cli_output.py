"""Results on standard output: as a table, as CSV, as JSON, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import date, timedelta
from decimal import Decimal

import pytest

from flows.cli.output import OutputLost, write_result

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
    assert written("csv") == 'name,people,on\na,5,2026-06-30\n"b, ""c""\nd",,\n'


def test_json_keeps_kinds() -> None:
    rows = [("a", Decimal("5"), date(2026, 6, 30)), ("b", True, None)]
    assert json.loads(written("json", rows)) == [
        {"name": "a", "people": 5, "on": "2026-06-30"},
        {"name": "b", "people": True, "on": None},
    ]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_no_rows_is_an_answer_too(form: str) -> None:
    assert written(form, [])


def test_csv_tells_nothing_from_an_empty_text() -> None:
    assert written("csv", [("", None, "x"), ("a\rb", 1.5, True)]) == (
        'name,people,on\n"",,x\n"a\rb",1.5,true\n'
    )


NESTED = {"b": [date(2026, 6, 30), None, math.nan], "c": 'é "'}


def test_lists_and_structs_are_json_in_every_form() -> None:
    inside = {"b": ["2026-06-30", None, None], "c": 'é "'}
    (row,) = csv.DictReader(io.StringIO(written("csv", [(NESTED, [1, Decimal("2.5")], None)])))
    assert json.loads(row["name"]) == inside and json.loads(row["people"]) == [1, 2.5]
    (record,) = json.loads(written("json", [(NESTED, [1], timedelta(days=1))]))
    assert record["name"] == inside and record["people"] == [1]
    assert json.dumps(inside, ensure_ascii=False) in written("table", [(NESTED, None, None)])


def test_json_holds_no_number_that_json_has_not() -> None:
    text = written("json", [(math.nan, math.inf, {"x": -math.inf, 1: b"\xff"})])
    (row,) = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert row == {"name": None, "people": None, "on": {"x": None, "1": "ff"}}


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_column_name_given_twice_hides_no_column(form: str) -> None:
    out = io.StringIO()
    write_result(("a", "a", "a_2", "a"), [(1, 2, 3, 4)], form, out)
    text = out.getvalue()
    for name in ("a", "a_2", "a_3", "a_4"):
        assert name in text
    if form == "json":
        assert json.loads(text) == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_screen(rows: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "40")
    out = Screen()
    write_result(COLUMNS, rows, "table", out)
    return out.getvalue()


def test_a_table_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[object, ...]] = [("\x1b[2Ja\x07\x9b1m", "b\tc\r\nd", "\u2028e\u202ef")]
    out = io.StringIO()
    write_result(("\x1b]0;n\x07", "p", "o"), rows, "table", out)
    wide = on_a_screen([(*rows[0][:2], "\x1b" + "x" * 60)], monkeypatch)
    for text in (out.getvalue(), wide):
        assert not set(text) & set("\x1b\x07\x9b\t\r\u2028\u202e")
    assert "[2Ja1m" in out.getvalue() and "b c d" in out.getvalue()


def test_a_table_wider_than_the_screen_is_told_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[object, ...]] = [("x" * 50, 1, None), ("y", 2, None)]
    assert on_a_screen(rows, monkeypatch) == (
        f"name: {'x' * 50}\npeople: 1\non:\n\nname: y\npeople: 2\non:\n"
    )
    assert on_a_screen(rows[1:], monkeypatch).startswith("name  people  on\n")
    assert written("table", rows).startswith("name ")


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_full_output_is_told(form: str) -> None:
    with pytest.raises(OutputLost, match="Standard output"):
        write_result(COLUMNS, ROWS, form, Full())


def test_a_closed_output_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OutputLost, match="Standard output"):
        write_result(COLUMNS, ROWS, "csv")
