"""Layouts that no packaged mapping knows, each read with a mapping written beside its file.

They are what a force's analyst, a treatment provider and a council officer have on their desks:
trailer lines, `sep=` lines, titles, headers two rows deep, blank columns, totals and day numbers.
"""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import spreadsheets
import yaml

from schemas import extract
from schemas.contract import examine_extract
from schemas.errors import ExtractRejected
from schemas.extract import read_table
from schemas.mapping import load_mapping
from schemas.tables import find_table

TODAY = date(2026, 4, 1)
TESTS = {
    "file": "tests*.csv",
    "columns": {
        "drug_test_ref": "Test",
        "custody_ref": "Ref",
        "test_date": "Day",
        "result": "Result",
    },
}
TESTS_FILE = b"Test,Ref,Day,Result\nT1,A1,2024-01-05,NEG\n"
CUSTODY = {"custody_ref": "Ref", "surname": "Name", "dob": "Born", "arrest_date": "Arrested"}
PEOPLE = [("A1", "Quill", date(1980, 2, 3)), ("A2", "O'Brien", date(1991, 12, 31))]
ARRESTED = date(2024, 1, 5)


def parquet() -> bytes:
    made = io.BytesIO()
    rows = {
        "Ref": [ref for ref, _, _ in PEOPLE],
        "Name": [name for _, name, _ in PEOPLE],
        "Born": [born for _, _, born in PEOPLE],
        "Arrested": pl.Series([ARRESTED] * 2).cast(pl.Datetime("us", "UTC")),
        "PersonId": [101, 102],
    }
    pl.DataFrame(rows).write_parquet(made)
    return made.getvalue()


def lines(form: str, head: str, sep: str, end: str = "\r\n", foot: str = "") -> str:
    rows = [
        sep.join([ref, name, born.strftime(form), ARRESTED.strftime(form)])
        for ref, name, born in PEOPLE
    ]
    return end.join([head, *rows, foot])


def days(day: date) -> int:
    return (day - date(1899, 12, 30)).days


TITLE = ["Custody records, Northshire"]
DEEP = [
    [*TITLE, None, None, None],
    ["Ref", "Person", None, "Detention"],
    [None, "Name", "Born", "From"],
    *([ref, name, born, ARRESTED] for ref, name, born in PEOPLE),
    ["Total", 2, None, None],
]
DAYS = [["Ref", "Name", "Born", "Arrested", None, None, "Remarks"],
        *([ref, name, days(born), days(ARRESTED), "", "", "-"] for ref, name, born in PEOPLE),
        [None] * 7, ["Printed on 1 April", None, None, None, None, None, None]]  # fmt: skip
OTHER = {"Notes": [["Do not edit"]], "Look-ups": [["M", "Male"]]}

LAYOUTS = {
    # name: (file name, content, what the mapping says of it)
    "pipes with a trailer record": (
        "export.dat",
        lines("%Y%m%d", "Ref|Name|Born|Arrested", "|", foot="TRAILER|2\r\n").encode("cp1252"),
        {"encoding": "cp1252", "delimiter": "pipe", "dates": "%Y%m%d", "footer": "TRAILER"},
    ),
    "semicolons after a sep= line": (
        "export.csv",
        ("sep=;\r\n" + lines("%d.%m.%Y", "Ref;Name;Born;Arrested", ";")).encode("cp1252"),
        {"encoding": "cp1252", "header_row": 2, "dates": "%d.%m.%Y"},
    ),
    "tabs in UTF-16 without a mark": (
        "export.txt",
        lines("%d %b %Y", "Ref\tName\tBorn\tArrested", "\t").encode("utf-16-le"),
        {"encoding": "utf-16-le", "dates": "%d %b %Y"},
    ),
    "rows selected": (
        "export.csv",
        lines("%d/%m/%Y", "Ref,Name,Born,Arrested", ",", foot="\r\n2 rows selected.\r\n").encode(),
        {"dates": "%d/%m/%Y", "footer": ["2 rows"]},
    ),
    "American dates and blank names": (
        "export.csv",
        lines("%m/%d/%Y", "Ref,Name,Born,Arrested,,", ",").replace("2024\r", "2024,,\r").encode(),
        {"dates": "%m/%d/%Y"},
    ),
    "a header split by a merged row": (
        "export.csv",
        lines("%d/%m/%y", "Custody,Person,,Detention\r\nRef,Name,Born,From", ",").encode(),
        {"header_rows": 2, "dates": "%d/%m/%y",
         "columns": {"custody_ref": "Custody Ref", "surname": "Person Name",
                     "dob": "Person Born", "arrest_date": "Detention From"}},
    ),
    "a workbook with a title and merged names": (
        "export.xlsx",
        spreadsheets.xlsx({**OTHER, "Custody 24": DEEP}),
        {"sheet": "custody*", "header_row": 2, "header_rows": 2, "footer": "Total",
         "columns": {"custody_ref": "Ref", "surname": "Person Name", "dob": "Person Born",
                     "arrest_date": "Detention From"}},
    ),
    "a workbook of day numbers": (
        "export.xlsx",
        spreadsheets.xlsx({"Sheet1": DAYS}),
        {"dates": "excel", "footer": "Printed on"},
    ),
    "an OpenDocument sheet with totals": (
        "export.ods",
        spreadsheets.ods({**OTHER, "Custody 24": DEEP}),
        {"sheet": "custody*", "header_row": 2, "header_rows": 2, "footer": "TOTAL",
         "columns": {"custody_ref": "Ref", "surname": "Person Name", "dob": "Person Born",
                     "arrest_date": "Detention From"}},
    ),
    "Parquet with a zone": ("export.parquet", parquet(), {"ignore": "PersonId"}),
}  # fmt: skip


def checked(
    folder: Path, name: str, content: bytes, said: dict
) -> tuple[pl.DataFrame, list[tuple[object, ...]]]:
    """The custody records as they are read, and (row, column, rule, outcome) of what is wrong."""
    (folder / name).write_bytes(content)
    (folder / "tests.csv").write_bytes(TESTS_FILE)
    custody = {"file": name, "columns": CUSTODY, **said}
    written = {"partner": "police", "system": "desk", "title": "Ours",
               "tables": {"custody": custody, "drug_test": TESTS}}  # fmt: skip
    (folder / "police-desk.yaml").write_text(yaml.safe_dump(written))
    mapping = load_mapping("police", "desk", folder)
    frames = {}
    for table in (find_table("police", "custody"), find_table("police", "drug_test")):
        path = next(one for one in folder.iterdir() if mapping.is_file_of(table.name, one.name))
        needed = [column for column, spec in table.columns.items() if spec.required]
        frames[table.name] = read_table(path, table, mapping=mapping, columns=needed, as_at=TODAY)
    found = examine_extract("police", frames, as_at=TODAY).findings
    return frames["custody"], found.filter(pl.col("table") == "custody").drop("table").rows()


def refusal(*given: object) -> str:
    with pytest.raises(ExtractRejected) as caught:
        checked(*given)
    return caught.value.problem


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_nobody_foresaw_is_accepted_whole(layout, tmp_path):
    frame, found = checked(tmp_path, *LAYOUTS[layout])
    assert found == []
    assert frame.select("custody_ref", "surname", "dob", "arrest_date").rows() == [
        (ref, name, born.isoformat(), ARRESTED.isoformat()) for ref, name, born in PEOPLE
    ]


def test_a_footer_that_was_not_foretold_is_no_record_and_not_lost(tmp_path):
    name, content, said = LAYOUTS["a workbook with a title and merged names"]
    frame, found = checked(tmp_path, name, content, {**said, "footer": "Sum"})
    assert frame.height == 3
    assert {row for row, _, _, outcome in found if outcome == "quarantine"} == {3}


def test_day_numbers_from_1904_are_refused(tmp_path):
    parts = spreadsheets.xlsx_parts({"Sheet1": DAYS})
    book = str(parts["xl/workbook.xml"])
    parts["xl/workbook.xml"] = book.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    said = {"dates": "excel", "footer": "Printed on"}
    content = spreadsheets.zipped(parts)
    assert "from 1904" in refusal(tmp_path, "export.xlsx", content, said)


@pytest.mark.parametrize("day", ["1980", "60", "0", "3653", "73051", "-5", "1e5"])
def test_a_number_that_is_rather_a_year_is_no_day_number(day, tmp_path):
    content = f"Ref,Name,Born,Arrested\nA1,Quill,{day},45296.25\n".encode()
    frame, found = checked(tmp_path, "export.csv", content, {"dates": "excel"})
    assert (frame["dob"].item(), frame["arrest_date"].item()) == (day, "2024-01-05")
    assert [(column, rule) for _, column, rule, _ in found] == [("dob", "not_a_date")]


@pytest.mark.parametrize("twice", ["Ref", "ref ", "REF"])
def test_a_column_that_is_read_and_there_twice_is_refused(twice, tmp_path):
    content = f"Ref,Name,Born,Arrested,{twice}\nA1,Quill,1980-02-03,2024-01-05,A2\n".encode()
    assert "twice" in refusal(tmp_path, "export.csv", content, {})


def test_a_letter_that_looks_like_another_is_another(tmp_path):
    content = "R\u0435f,Name,Born,Arrested\nA1,Quill,1980-02-03,2024-01-05\n".encode()
    assert "lacks ref" in refusal(tmp_path, "export.csv", content, {})


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    read = extract.read_text

    def read_while_it_grows(path: Path, *rest: object) -> pl.DataFrame:
        frame = read(path, *rest)
        with path.open("ab") as file:
            file.write(b"A9,Late,1980-02-03,2024-01-05\n")
        return frame

    monkeypatch.setattr(extract, "read_text", read_while_it_grows)
    content = b"Ref,Name,Born,Arrested\nA1,Quill,1980-02-03,2024-01-05\n"
    assert "changed while" in refusal(tmp_path, "export.csv", content, {})
