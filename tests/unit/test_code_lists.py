"""Code lists as people edit them: blanks are forgiven, and what cannot be used is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.codes import check_lists, code_frame, load_codes
from schemas.errors import ConfigError

HEADER = "code,label,valid_from,valid_to,status,source\n"
ROW = "M,Male,,,confirmed,x\n"
CANARY = "Zebediah"


def listed(folder: Path, content: str | bytes) -> Path:
    made = content.encode() if isinstance(content, str) else content
    (folder / "sex.csv").write_bytes(made)
    return folder


FORGIVEN = {
    "as it is": HEADER + ROW,
    "byte-order mark": b"\xef\xbb\xbf" + (HEADER + ROW).encode(),
    "carriage returns": (HEADER + ROW).replace("\n", "\r\n"),
    "blanks around a code": HEADER + " M ,Male,,, confirmed ,x\n",
    "names in capitals": HEADER.upper() + ROW,
    "blanks around a name": HEADER.replace("code", " Code ") + ROW,
    "rows of nothing at the end": HEADER + ROW + ",,,,,\n , ,,,,\n",
}


@pytest.mark.parametrize("kind", FORGIVEN)
def test_what_a_spreadsheet_leaves_behind_is_forgiven(kind, tmp_path):
    assert load_codes("sex", listed(tmp_path, FORGIVEN[kind])) == {"M"}


UNUSABLE = {
    "empty": ("", "cannot be read"),
    "semicolons": ((HEADER + ROW).replace(",", ";"), "lacks code, label"),
    "Windows letters": ((HEADER + "M,Malé,,,confirmed,x\n").encode("cp1252"), "cannot be read"),
    "a column twice": (HEADER.replace("label", "CODE") + ROW, "cannot be read"),
    "a date of the field": (HEADER + "M,Male,01/02/2024,,confirmed,x\n", "is not a date"),
    "a day that never was": (HEADER + "M,Male,2023-02-29,,confirmed,x\n", "is not a date"),
    "a status that is none": (HEADER + f"M,Male,,,{CANARY},x\n", "usable status"),
    "no status": (HEADER + "M,Male,,,,x\n", "usable status"),
    "no code": (HEADER, "has no code"),
    "a code twice": (HEADER + ROW + ROW, "gives a code twice"),
    "a code twice at once": (
        HEADER + "M,Male,,2024-06-30,confirmed,x\nM,Male,2024-06-30,,confirmed,x\n",
        "gives a code twice",
    ),
    "an end before its beginning": (
        HEADER + "M,Male,2024-06-30,2024-06-29,confirmed,x\n",
        "ends before it begins",
    ),
    "a workbook": (b"PK\x03\x04" + b"\0" * 99, "cannot be read|lacks"),
    "nulls": (b"\0" * 4096, "cannot be read|lacks"),
    "open quotation mark": (HEADER + f'"M,{CANARY}\n', "cannot be read|usable status|lacks"),
    "too large": (HEADER + ROW + "#" * (16 * 1024**2), "cannot be read"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_list_that_cannot_be_used_is_told_in_a_sentence(kind, tmp_path):
    content, words = UNUSABLE[kind]
    with pytest.raises(ConfigError) as caught:
        load_codes("sex", listed(tmp_path, content))
    assert any(word in caught.value.problem for word in words.split("|")), caught.value.problem
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_formula_in_a_list_is_text(tmp_path):
    frame = code_frame("sex", listed(tmp_path, HEADER + "M,=1+1,,,confirmed,@x\n"))
    assert frame.row(0)[:2] == ("M", "=1+1")


def test_a_code_may_be_listed_for_times_that_follow_one_another(tmp_path):
    rows = "M,Male,,2024-06-30,confirmed,x\nM,Male,2024-07-01,2024-07-01,confirmed,x\n"
    assert load_codes("sex", listed(tmp_path, HEADER + rows)) == {"M"}


CATALOGUE = "list,title,unknown\n"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (CANARY, HEADER + ROW, "names 1 that no contract uses"),
        ("requirement_descriptions", HEADER + ROW, "names 1 that no contract uses"),
        ("lists", CATALOGUE + f"{CANARY},,pass\n", "names 1 that no contract uses"),
        ("lists", CATALOGUE + "sex,,pass\nsex,,quarantine\n", "names a list twice"),
    ],
)
def test_a_list_that_nothing_would_read_is_told(file, content, said, tmp_path):
    (tmp_path / f"{file}.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_lists(tmp_path)
    assert said in caught.value.problem and CANARY not in str(caught.value)


def test_lists_that_there_are_are_no_matter(tmp_path):
    listed(tmp_path, HEADER + ROW)
    (tmp_path / "lists.csv").write_text(CATALOGUE + "sex,,pass\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    check_lists(tmp_path)
