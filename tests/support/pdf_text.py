"""What a PDF says: its streams laid open, and the words that its glyphs stand for.

Enough for the papers that Typst sets: every stream is decoded by every font's table of glyphs,
because which font a stream uses is told elsewhere. So among the texts is the one that is read, and
others that are nonsense.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
MAPPED = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>")
SHOWN = re.compile(rb"Tm\s*\[?\((.*?)\)\]?\s*T[Jj]\s", re.S)
KERNED = re.compile(rb"\)-?[0-9.]+\(")
ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.S)
PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def streams(pdf: bytes) -> list[bytes]:
    """Every stream of a PDF that can be laid open."""
    opened = []
    for packed in STREAM.findall(pdf):
        try:
            opened.append(zlib.decompress(packed))
        except zlib.error:
            opened.append(packed)
    return opened


def texts(pdf: bytes) -> Iterator[str]:
    """The text of a PDF by each font's glyphs, lines parted by a space."""
    opened = streams(pdf)
    fonts = [
        {bytes.fromhex(glyph.decode()): bytes.fromhex(to.decode()).decode("utf-16-be", "replace")
         for glyph, to in MAPPED.findall(one)}
        for one in opened
        if b"beginbfchar" in one
    ]  # fmt: skip
    lines = [KERNED.sub(b"", shown) for one in opened for shown in SHOWN.findall(one)]
    glyphs = [ESCAPED.sub(lambda found: _byte(found[1]), line) for line in lines]
    for font in fonts:
        yield " ".join(
            "".join(font.get(line[at : at + 2], "") for at in range(0, len(line), 2))
            for line in glyphs
        )


def _byte(escaped: bytes) -> bytes:
    """What an escaped character stands for."""
    return bytes([int(escaped, 8) & 255]) if escaped.isdigit() else PLAIN.get(escaped, escaped)
