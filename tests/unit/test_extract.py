"""Files that are not what was agreed: each is refused in one sentence that echoes nothing."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import traceback
import zipfile
from pathlib import Path

import polars as pl
import pytest

from schemas.errors import ExtractRejected
from schemas.extract import read_table
from schemas.reading import guard
from schemas.tables import DRUG_TEST, IdentityColumns

CANARY = "Zebediah-Quillfeather"
# As if the table named people, so that a file without rows is refused too.
NAMING = dataclasses.replace(DRUG_TEST, identity=IdentityColumns())
NAMES = "drug_test_ref,custody_ref,test_date,result"
SHARED = frozenset(NAMES.split(","))  # What the table may gain besides is of no concern here.
HEADER = NAMES.encode() + b"\n"
ROW = f"T1,{CANARY},2024-01-05,NEG\n".encode()
GOOD = HEADER + ROW + b"T2,C2,2024-01-06,POS_BOTH\n"


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(f"{CANARY}.csv", content)
    return made.getvalue()


def parquet() -> bytes:
    made = io.BytesIO()
    pl.DataFrame({"custody_ref": [CANARY]}).write_parquet(made)
    return made.getvalue()


BAD = {
    # name: (content, words that the sentence must hold)
    "empty": (b"", "is empty"),
    "blank lines": (b"\n\n\n", "no header"),
    "spaces": (b"   \n", "not separated by commas|no header"),
    "byte-order mark alone": (b"\xef\xbb\xbf", "no header"),
    "header alone": (HEADER, "header and no rows"),
    "header alone, no line end": (NAMES.encode(), "header and no rows"),
    "header and blank lines": (HEADER + b"\n\r\n", "header and no rows"),
    "no header": (ROW * 3, "lacks drug_test_ref"),
    "blank first line": (b"\n" + GOOD, "no header"),
    "title above the header": (f"{CANARY}\n".encode() + GOOD, "not separated by commas"),
    "semicolons": (GOOD.replace(b",", b";"), "not separated by commas"),
    "tabs": (GOOD.replace(b",", b"\t"), "not separated by commas"),
    "bars": (GOOD.replace(b",", b"|"), "not separated by commas"),
    "one column missing": (GOOD.replace(b"result", CANARY.encode()), "lacks result; 1 of"),
    "every column renamed": (GOOD.replace(b"_", b"-").replace(b"result", b"x"), "lacks"),
    "column twice": (
        HEADER.replace(b"\n", b",result\n") + b"T,C,D,R,R\n",
        "1 of its columns twice",
    ),
    "column twice but for case": (
        HEADER.replace(b"\n", b",RESULT \n") + b"T,C,D,R,R\n",
        "1 of its columns twice",
    ),
    "unexpected column twice": (
        HEADER.replace(b"\n", f",{CANARY},{CANARY}\n".encode()) + b"T,C,D,R,1,2\n",
        "1 of its columns twice",
    ),
    "two columns without a name": (HEADER.replace(b"\n", b",,\n") + b"T,C,D,R,1,2\n", "twice"),
    "header's quotation mark left open": (b'"' + GOOD, "no header|lacks|closes"),
    "row too short": (HEADER + ROW + b"T2,C2,2024-01-06\n" + ROW, "from data row 2"),
    "row too long": (HEADER + ROW[:-1] + b",extra\n" + ROW, "from data row 1"),
    "last row too long": (HEADER + ROW + ROW[:-1] + b",extra\n", "from data row 2"),
    "comma in a value": (HEADER + f"T1,{CANARY},Esq,2024-01-05,NEG\n".encode(), "data row 1"),
    "line of blanks in the middle": (HEADER + ROW + b"  \n" + ROW, "from data row 2"),
    "cut in the last row": (GOOD[:-25], "middle of its last row"),
    "cut to a stub": (HEADER + ROW + b"T", "middle of its last row"),
    "cut in a quoted value": (HEADER + f'T1,"{CANARY}'.encode(), "never closes"),
    "cut in a character": (HEADER + ROW + "T2,É".encode()[:-1], "middle of a character"),
    "quotation mark never closed": (HEADER + f'T1,"{CANARY},D,R\n'.encode() + ROW, "never closes"),
    "text after a quoted value": (HEADER + f'"T1"x,{CANARY},D,R\n'.encode(), "quotation marks"),
    "comma between stray quotation marks": (
        HEADER + f'T1,{CANARY}",D",R,X\n'.encode(),
        "quotation marks",
    ),
    "Latin-1": (HEADER + f"T1,{CANARY} René,D,R\n".encode("latin-1"), "not in UTF-8"),
    "Windows-1252": (HEADER + f"T1,{CANARY}’s,D,R\n".encode("cp1252"), "not in UTF-8"),
    "UTF-16 with a mark": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 big-endian with a mark": (b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "null bytes"),
    "UTF-32": (GOOD.decode().encode("utf-32-be"), "null bytes"),
    "surrogates": (HEADER + b"T1,\xed\xa0\x80,D,R\n", "not in UTF-8"),
    "overlong encoding": (HEADER + b"T1,\xc0\xaf,D,R\n", "not in UTF-8"),
    "null byte": (GOOD[:-5] + b"\x00" + GOOD[-5:], "null bytes"),
    "file of nulls": (b"\x00" * 4096, "null bytes"),
    "disk block of nulls at the end": (GOOD + b"\x00" * 512, "null bytes"),
    "workbook": (zipped(GOOD), "spreadsheet or zip"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + GOOD, "old Excel"),
    "gzip": (gzip.compress(GOOD), "compressed"),
    "Parquet": (parquet(), "Parquet"),
    "PDF": (b"%PDF-1.7\n" + GOOD, "PDF"),
    "HTML": (f"<html><body>{CANARY} log in</body></html>".encode(), "HTML"),
    "XML with a mark": (b"\xef\xbb\xbf <?xml version='1.0'?><r/>", "XML"),
    "JSON": (f'[{{"custody_ref": "{CANARY}"}}]'.encode(), "JSON"),
    "carriage returns alone": (GOOD.replace(b"\n", b"\r"), "carriage return"),
    "mixed line ends": (HEADER + ROW + ROW.replace(b"\n", b"\r") + ROW, "carriage return"),
    "end-of-file mark": (GOOD + b"\x1a", "middle of its last row"),
    "random bytes": (bytes(range(128, 256)) * 20, "not in UTF-8"),
    "an error page as text": (f"Error: {CANARY} not found\n".encode(), "not separated by commas"),
    "footer with a count": (GOOD + b"2 rows selected.\n", "middle of its last row"),
}


def refused(path: Path, **options) -> ExtractRejected:
    with pytest.raises(ExtractRejected) as caught:
        read_table(path, NAMING, columns=SHARED, **options)
    return caught.value


def read(path: Path, **options) -> pl.DataFrame:
    return read_table(path, DRUG_TEST, **{"columns": SHARED, **options})


def everything_said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error.__dict__)


def test_there_are_enough_ways_to_be_bad():
    assert len(BAD) >= 50


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_words_that_echo_nothing(kind, tmp_path):
    content, words = BAD[kind]
    path = tmp_path / "drug_test.csv"
    path.write_bytes(content)
    error = refused(path)
    assert any(word in error.problem for word in words.split("|")), error.problem
    assert error.problem.startswith("The police drug_test file ")
    assert error.problem.endswith(".") and error.remedy.endswith(".")
    said = everything_said(error)
    assert CANARY not in said
    assert "Zebediah" not in said
    assert error.__cause__ is None
    assert error.__context__ is None, "a chained error would carry the file's text"


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_the_same_words_however_it_is_cut_up(
    kind, piece, tmp_path, monkeypatch
):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(BAD[kind][0])
    whole = str(refused(path))
    monkeypatch.setattr(guard, "PIECE", piece)
    assert str(refused(path)) == whole


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "is not there" in refused(tmp_path / f"{CANARY}.csv").problem
    assert CANARY not in everything_said(refused(tmp_path / f"{CANARY}.csv"))


def test_a_folder_and_a_pipe_are_refused(tmp_path):
    assert "cannot be opened" in refused(tmp_path).problem
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert "cannot be opened" in refused(tmp_path / "gone").problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    assert "cannot be opened" in refused(path).problem


def test_a_file_above_the_limit_is_refused(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(GOOD)
    assert "larger than" in refused(path, max_bytes=len(GOOD) - 1).problem
    assert read(path, max_bytes=len(GOOD)).height == 2


EXPECTED = {
    "drug_test_ref": ["T1", "T2"],
    "custody_ref": [CANARY, "C2"],
    "test_date": ["2024-01-05", "2024-01-06"],
    "result": ["NEG", "POS_BOTH"],
}


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD[:-1],
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD + b"\n\n",
        GOOD.replace(b"\n", b"\r\n") + b"\r\n\r\n",
        GOOD.replace(NAMES.encode(), NAMES.upper().encode()),
        GOOD.replace(b"result", b'" Result "'),
        GOOD.replace(b"NEG", b'"NEG"'),
    ],
)
@pytest.mark.parametrize("piece", [1, 5, guard.PIECE])
def test_the_ordinary_ways_of_writing_a_file_read_the_same(content, piece, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "PIECE", piece)
    path = tmp_path / "drug_test.csv"
    path.write_bytes(content)
    assert read(path).to_dict(as_series=False) == EXPECTED


def test_values_come_as_strings_and_empty_ones_as_null(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(HEADER + b'007,,NA,"a ""b"", c\nd"\n')
    frame = read(path)
    assert frame.rows() == [("007", None, "NA", 'a "b", c\nd')]
    assert set(frame.dtypes) == {pl.String}


def test_a_value_over_several_lines_counts_as_one_row(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(HEADER + b'T1,"a\n\nb",D,R\nT2,C\n' + ROW)
    assert "data row 2" in refused(path).problem


def test_columns_that_were_not_agreed_come_too_for_the_agreement_to_count(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(GOOD.replace(b"result\n", b"result,Extra\n").replace(b"NEG\n", b"NEG,1\n")
                     .replace(b"BOTH\n", b"BOTH,2\n"))  # fmt: skip
    assert read(path).columns == [*EXPECTED, "extra"]


def test_a_column_that_is_not_shared_need_not_be_there(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(b"drug_test_ref,custody_ref,test_date\nT1,C1,2024-01-05\n")
    shared = {"drug_test_ref", "custody_ref", "test_date"}
    assert read(path, columns=shared).columns == sorted(shared, key=NAMES.split(",").index)
    assert "lacks result" in refused(path).problem


def test_a_table_of_events_may_have_a_header_and_no_rows(tmp_path):
    path = tmp_path / "drug_test.csv"
    path.write_bytes(HEADER)
    assert read(path).shape == (0, 4)
