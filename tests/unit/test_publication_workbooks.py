"""The workbooks of a publication, read back by another library than those that wrote them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from typing import Any
from xml.etree import ElementTree

import fastexcel
import polars as pl
import pytest
from leak_scan import Needles, scan_bytes
from pack import OUTCOMES, TITLES, pack, tables

from warehouse.publish import ods, workbook
from warehouse.publish.pack import Pack
from warehouse.publish.sheets import Sheet, contents, cover, sheets
from warehouse.publish.words import Titles, unit_name

WRITERS = {"xlsx": workbook.workbook, "ods": ods.ods}
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


@pytest.fixture(scope="module", params=WRITERS)
def written(request: pytest.FixtureRequest) -> bytes:
    return WRITERS[request.param](pack())


def parts(written: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def read(written: bytes, name: str) -> list[tuple[Any, ...]]:
    """All cells of a sheet, row by row."""
    book = fastexcel.read_excel(written)
    frame = book.load_sheet(name, header_row=None, dtypes="string").to_polars()
    return [tuple(row) for row in frame.iter_rows()]


def as_read(cell: Any) -> str:
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def test_each_sheet_holds_its_title_its_lines_and_its_table(written: bytes) -> None:
    for sheet in (*contents(sheets(pack())), *sheets(pack())):
        rows = read(written, sheet.name)
        above = [row[0] for row in rows[: 1 + len(sheet.lines)]]
        assert above == [sheet.title, *sheet.lines]
        header, *body = rows[1 + len(sheet.lines) :]
        assert header == sheet.headings
        expected = [tuple(as_read(cell) for cell in row) for row in sheet.rows]
        assert [tuple(cell.removesuffix(".0") for cell in row) for row in body] == expected


def test_the_cover_comes_first_and_the_contents_second(written: bytes) -> None:
    names = fastexcel.read_excel(written).sheet_names
    assert names == ["Cover", "Contents", *(sheet.name for sheet in sheets(pack()))]
    said = [row[0] for row in read(written, "Cover")]
    told = cover(pack())
    assert said[0] == told.title
    assert {*told.intro, *told.about, *told.contact} <= set(said)
    assert "A demonstration: the people in it are made up." in said


def test_counts_are_numbers_and_shorthand_is_text(written: bytes) -> None:
    book = fastexcel.read_excel(written)
    (sheet,) = (one for one in sheets(pack()) if one.name == "Survival")
    frame = book.load_sheet(sheet.name, header_row=1 + len(sheet.lines)).to_polars()
    assert frame.schema["Days"].is_numeric() and frame.schema["Per cent"] == pl.String
    quality = next(one for one in sheets(pack()) if one.name == "Data quality")
    frame = book.load_sheet(quality.name, header_row=1 + len(quality.lines)).to_polars()
    assert frame["Records"].to_list() == [1200]


def test_no_cell_of_a_table_is_empty_and_none_is_merged(written: bytes) -> None:
    for sheet in sheets(pack()):
        for row in read(written, sheet.name)[1 + len(sheet.lines) :]:
            assert all(row), sheet.name
    text = "".join(parts(written).values())
    assert "<mergeCell" not in text and "spanned" not in text


def test_nothing_in_it_is_calculated_or_fetched(written: bytes) -> None:
    told = parts(written)
    assert not [name for name, text in told.items() if "<f>" in text or "table:formula" in text]
    addresses = {
        a for text in told.values() for a in re.findall(r'(?:Target|xlink:href)="(.*?)"', text)
    }
    assert not [one for one in addresses if "://" in one]


def test_text_that_looks_like_something_else_stays_text() -> None:
    odd = {
        "partnership": "[a link](https://x.example) =1+1 $$note$$ & <b>",
        "contact": "=HYPERLINK(1)",
        "notes": ("{=1+1}", "https://x.example", "12"),
    }
    for write in WRITERS.values():
        made = write(pack(**odd))
        said = [row[0] for row in read(made, "Cover")]
        assert "=HYPERLINK(1)" in said and "{=1+1}" in said and "https://x.example" in said
        assert "a link" in said[0] and "=1+1" in said[0] and "& <b>" in said[0]
        text = parts(made)
        assert not [n for n in text if "<f>" in text[n] or 'Target="https' in text[n]]


def test_the_same_publication_gives_the_same_workbook(written: bytes) -> None:
    assert written in [write(pack()) for write in WRITERS.values()]


def test_what_is_empty_has_no_sheet_and_is_named_on_the_cover() -> None:
    bare: Pack = pack(tables={**tables(), "changes": tables()["changes"].clear()}, definitions=())
    names = [sheet.name for sheet in sheets(bare)]
    assert "Changes" not in names and "Definitions" not in names
    assert any("What changed since the last publication" in line for line in cover(bare).about)
    for write in WRITERS.values():
        assert fastexcel.read_excel(write(bare)).sheet_names == ["Cover", "Contents", *names]


def test_a_reader_is_told_titles_and_no_code() -> None:
    """Codes are for programs: the CSV files keep them, and the definitions say whose they are."""
    codes = {"release_need", "sex", "age_band", "funnel", "entries", "per_cent"}
    codes |= {code for row in OUTCOMES for code in row[:2]}
    for sheet in sheets(pack()):
        named = [one for one in sheet.headings if one.startswith("Short name")]
        said = {cell for row in sheet.rows for cell in row[: len(row) - len(named)]}
        assert not codes & said, sheet.name
        assert bool(named) == (sheet.name == "Definitions")


def test_what_is_split_and_counted_has_the_words_of_the_page() -> None:
    told = {sheet.name: sheet for sheet in sheets(pack())}
    funnel, outcomes, linked = (told[n] for n in ("Funnel", "Outcomes", "Linkage sensitivity"))
    assert {row[funnel.headings.index("Split by")] for row in funnel.rows} == {"All", "Sex", "Age"}
    assert funnel.rows[0][0] == told["Survival"].rows[0][0] == "From prison to staying in treatment"
    assert outcomes.headings[:2] == ("Metric", "Measure")
    assert linked.rows[0][:2] == (TITLES["continuity_of_care"],) * 2
    assert told["Changes"].rows[0][0] == "How far people came on each journey"
    assert unit_name("entries") == "people (once a quarter each)"


def test_figures_of_one_title_are_told_apart_by_their_short_names() -> None:
    twice = [{"metric": name, "title": "Arrests"} for name in ("arrests", "arrests_here")]
    titles = Titles.of(pack(definitions=tuple(twice)))
    assert titles.figure("arrests") == "Arrests (arrests)"
    assert titles.figure("not_defined") == "Not defined"


def test_the_contents_say_of_each_sheet_more_than_its_name() -> None:
    (listed,) = contents(sheets(pack()))
    assert not [name for name, holds in listed.rows if str(name).lower() == str(holds).lower()]


def test_the_search_for_leaks_reads_workbooks() -> None:
    """What a leak test finds nothing in, it must be able to find something in."""
    told = {**tables(), "changes": tables()["changes"].with_columns(what=pl.lit("Zebedee Quill"))}
    for write in WRITERS.values():
        assert scan_bytes(write(pack(tables=told)), Needles(["Zebedee Quill"]))


def test_a_publication_of_nothing_is_a_cover() -> None:
    bare = pack(tables={name: one.clear() for name, one in tables().items()}, definitions=())
    for write in WRITERS.values():
        assert fastexcel.read_excel(write(bare)).sheet_names == ["Cover"]


def test_the_ods_names_its_format_first_and_its_tables() -> None:
    made = ods.ods(pack())
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        content = ElementTree.fromstring(archive.read("content.xml"))
    ranges = {one.get(f"{TABLE}name") for one in content.iter(f"{TABLE}database-range")}
    assert ranges == {"contents", *(sheet.table_name for sheet in sheets(pack()))}
    headers = list(content.iter(f"{TABLE}table-header-rows"))
    assert len(headers) == len(sheets(pack())) + 1


def test_a_row_of_the_ods_is_as_high_as_its_text() -> None:
    long = "A note that takes more than one line of the cover. " * 4
    with zipfile.ZipFile(io.BytesIO(ods.ods(pack(notes=(long.strip(),))))) as archive:
        text = archive.read("content.xml").decode()
    (row,) = re.findall(r"<table:table-row([^>]*)><[^>]*><text:p>A note that", text)
    assert 'table:style-name="r3"' in row
    assert (
        '"r3" style:family="table-row"><style:table-row-properties style:row-height="48pt"' in text
    )


def test_the_excel_tables_are_named() -> None:
    made = parts(workbook.workbook(pack()))
    named = {
        found
        for name, text in made.items()
        if name.startswith("xl/tables/")
        for found in re.findall(r'displayName="(.*?)"', text)
    }
    assert named == {"contents_table", *(sheet.table_name for sheet in sheets(pack()))}


@pytest.mark.parametrize(("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (703, "AAA")])
def test_columns_have_letters(number: int, letters: str) -> None:
    assert ods._letters(number) == letters


def test_columns_are_as_wide_as_what_they_hold_up_to_where_text_wraps() -> None:
    cells = (1200, "x" * 60, "y" * 300)
    sheet = Sheet("S", "T", (), ("Short", "Long", "Note"), ("count", "text", "text"), (cells,))
    assert sheet.widths == (12, 40, 64)


def test_the_cover_explains_shorthand_once() -> None:
    about = cover(pack()).about
    assert [line[:3] for line in about].count("[c]") == 1
