"""What reading may cost: a bomb of a few kilobytes is refused before it takes any memory.

Each file is read in a process of its own, whose highest use of memory is asked of the system.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import spreadsheets
from spreadsheets import ods_parts, xlsx_parts, zipped

NAMES = ["custody_ref", "forename", "surname", "dob", "arrest_date"]
GRID = [NAMES, ["C1", "Zebediah", "Quill", "1980-02-03", "2024-01-05"]]
HEADER = ",".join(NAMES).encode() + b"\n"
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
MEBI = 1024**2
LONG = "y" * (96 * MEBI)
MOST = 80
"""Mebibytes: how much refusing a file may take beyond what reading small good ones does."""

CHILD = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from schemas.errors import ExtractRejected
from schemas.extract import read_table
from schemas.mapping import own_layout
from schemas.tables import find_table

def highest():
    said = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(said.split()[0]) // 1024

def read(path):
    return read_table(path, find_table("police", "custody"), mapping=own_layout("police"),
                      columns={names!r})

for good in sorted(Path({folder!r}).glob("good.*")):
    read(good)
for path in {given!r}:
    before = highest()
    try:
        said = f"read {{read(Path(path)).height}}"
    except ExtractRejected as refused:
        said = f"refused: {{refused.problem}}"
    print(highest() - before, said, sep="\\t")
"""


def with_part(name: str, before: str, added: str) -> bytes:
    parts = xlsx_parts({"custody": GRID})
    parts[name] = str(parts[name]).replace(before, added + before)
    return zipped(parts)


def ods_beside(rows: str) -> bytes:
    parts = ods_parts({"custody": GRID})
    beside = f'<table:table table:name="beside">{rows}</table:table></office:spreadsheet>'
    parts["content.xml"] = str(parts["content.xml"]).replace("</office:spreadsheet>", beside)
    return zipped(parts)


def long_list(entries: int) -> bytes:
    """An archive whose list of parts is all there is in it."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHH", 7, 0, 0) + bytes(12)
    listed = b"".join(entry + b"%07d" % at for at in range(entries))
    head = b"PK\x03\x04" + bytes(26)
    whole = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, entries, entries, len(listed), len(head))
    place = struct.pack("<IQI", 0, len(head) + len(listed), 1)
    end = struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    ends = b"PK\x06\x06" + whole + b"PK\x06\x07" + place + b"PK\x05\x06" + end
    return head + listed + ends


def overlapping() -> bytes:
    """An archive whose list names one packed part two hundred times over."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/a.xml", bytes(16 * MEBI))
        first = archive.filelist[0]
        for at in range(200):
            again = zipfile.ZipInfo(f"xl/{at:03d}")
            for kept in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(again, kept, getattr(first, kept))
            archive.filelist.append(again)
    return made.getvalue()


def commented() -> bytes:
    made = io.BytesIO(spreadsheets.xlsx({"custody": GRID}))
    with zipfile.ZipFile(made, "a") as archive:
        archive.comment = b"another list"
    return made.getvalue()


REPEATED = (
    '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
    'table:number-columns-repeated="40" office:value-type="string"><text:p>x</text:p>'
    "</table:table-cell></table:table-row>"
)
STYLE = '<numFmt numFmtId="170" formatCode="d"/>'
ITEM = "<si><t>x</t></si>"

BOMBS = {
    # name: (what makes it, words of the sentence)
    "attribute": (lambda: with_part(SHEET, "<sheetData>", f'<x a="{LONG}"/>'), "more than is read"),
    "name": (lambda: with_part(SHEET, "<sheetData>", f"<{LONG}/>"), "more than is read"),
    "comment": (lambda: with_part(SHEET, "<sheetData>", f"<!--{LONG}-->"), "more than is read"),
    "styles": (lambda: with_part(STYLES, "<cellXfs", f'<x a="{LONG}"/>'), "more than is read"),
    "many styles": (lambda: with_part(STYLES, "<cellXfs", STYLE * 900_000), "more than is read"),
    "list of parts": (lambda: long_list(400_000), "more than is read"),
    "parts over one another": (overlapping, "more than is read"),
    "comment of the archive": (commented, "a comment"),
    "sheet beside": (lambda: ods_beside(REPEATED), "more than is read"),
    "row without an end": (lambda: LONG.encode(), "first row of more than"),
    "columns": (lambda: b",".join(b"c%d" % n for n in range(9_000)) + b"\n", "1,000 columns"),
    "more columns": (lambda: b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "first row of"),
    "UTF-32": (lambda: HEADER.decode().encode("utf-32"), "UTF-32"),
}


def read_apart(given: list[Path], folder: Path) -> list[tuple[int, str]]:
    """How many mebibytes each file took, and the verdict on it."""
    here = Path(__file__)
    (folder / "good.csv").write_text("\n".join(map(",".join, GRID)) + "\n")
    (folder / "good.xlsx").write_bytes(spreadsheets.xlsx({"custody": GRID}))
    (folder / "good.ods").write_bytes(spreadsheets.ods({"custody": GRID}))
    code = CHILD.format(
        paths=[str(here.parents[2]), *filter(None, sys.path)],
        folder=str(folder), given=[str(path) for path in given], names=set(NAMES),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Zebediah" not in done.stdout + done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return [(int(taken), said) for taken, said in lines]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory used")
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path):
    paths = []
    for name, (make, _) in BOMBS.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make())
    found = read_apart(paths, tmp_path)
    for (name, (_, words)), (taken, said) in zip(BOMBS.items(), found, strict=True):
        assert said.startswith("refused") and words in said, (name, said)
        assert taken < MOST, (name, "mebibytes")


def test_a_pipe_a_device_and_a_folder_are_never_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for _, said in read_apart([pipe, Path("/dev/zero"), tmp_path], tmp_path):
        assert "is not there or cannot be opened" in said
