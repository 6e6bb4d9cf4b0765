"""Text in any common encoding, as UTF-8: known to be text, and known to be in that encoding.

A file is looked at whole and in pieces of fixed size, because polars would read past what is wrong
with it. A file that is UTF-8 already is left where it is; any other is made into bytes.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import ExtractRejected
from schemas.reading import guard
from schemas.reading.header import normal_name

ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
OTHER_KINDS = (
    (ZIP, "a spreadsheet or zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password"),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"(\xb5/\xfd", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (PARQUET, "a Parquet file"),
    (b"%PDF", "a PDF"),
)
"""How files of other kinds begin."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF_16_NAMES = ("utf-16", "utf-16-le", "utf-16-be")
# Encodings in which the bytes 80 to 9F are control characters, which nobody types.
WITHOUT_PRINT_BELOW_A0 = ("latin-1", "iso-8859-15")
LONGEST_HEADER = 65_536
LONGEST_TITLES = 1024**2
SNIFFED = 512


@dataclass(frozen=True)
class Form:
    """How a text file is written.

    Args:
        encoding: Its encoding; None if its byte-order mark, else UTF-8, decides.
        delimiter: The name of what parts its fields; None if its header decides.
        quotes: Whether quotation marks enclose values.
        header_row: The line that names the columns, counted from 1; the first of them, if several.
        header_rows: How many lines name them.
        footer: With what the lines begin that stand below the rows and are none.
    """

    encoding: str | None
    delimiter: str | None
    quotes: bool
    header_row: int = 1
    header_rows: int = 1
    footer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A text file as UTF-8: the file itself, or its bytes where they had to be made.

    Args:
        content: The one or the other.
        start: How it begins, enough to hold any header.
    """

    content: Path | bytes = field(repr=False)
    start: bytes = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Its bytes in pieces of fixed size."""
        if isinstance(self.content, Path):
            yield from pieces_of(self.content)
            return
        for at in range(0, len(self.content), guard.PIECE):
            yield self.content[at : at + guard.PIECE]


def as_utf_8(path: Path, what: str, form: Form) -> Text:
    """The file, known to be text in the encoding that it should be in."""
    with path.open("rb") as file:
        start = file.read(SNIFFED)
    _require_no_other_kind(start, what, form)
    encoding = form.encoding or ("utf-16" if start.startswith(UTF_16) else "utf-8")
    _require_mark(start, encoding, what, form)
    if encoding == "utf-8":
        _require_text(path, what, form)
        with path.open("rb") as file:
            return Text(path, file.read(LONGEST_HEADER))
    made = _transcoded(path, what, encoding, form)
    _require_no_markup(made[:SNIFFED], what, form)
    return Text(made, made[:LONGEST_HEADER])


def _require_no_other_kind(start: bytes, what: str, form: Form) -> None:
    for magic, kind in OTHER_KINDS:
        if start.startswith(magic):
            raise ExtractRejected(f"{what} is {kind}, not {_text_of(form)}.", send_remedy(form))
    if start.startswith(UTF_32):
        raise ExtractRejected(f"{what} is in UTF-32, which is not read.", guard.SEND_CSV)
    if start.startswith(UTF_16) and form == AS_AGREED:
        raise ExtractRejected(f"{what} is in UTF-16, not UTF-8.", guard.SEND_CSV)
    _require_no_markup(start, what, form)


def _require_no_markup(start: bytes, what: str, form: Form) -> None:
    if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"<", b"{", b"["):
        raise ExtractRejected(
            f"{what} is HTML, XML or JSON, not {_text_of(form)}.", send_remedy(form)
        )


def _require_mark(start: bytes, encoding: str, what: str, form: Form) -> None:
    """Refuse a byte-order mark that contradicts the encoding the mapping gives."""
    marked = start.startswith(UTF_16) or start.startswith(codecs.BOM_UTF8)
    wide = start.startswith(UTF_16)
    if marked and wide != (encoding in UTF_16_NAMES):
        found = "UTF-16" if wide else "UTF-8"
        raise ExtractRejected(
            f"{what} is in {found}, not in {encoding} as its mapping says.",
            "Correct `encoding` in the mapping, or leave it out.",
        )
    if encoding == "utf-16" and not wide:
        raise ExtractRejected(
            f"{what} has no byte-order mark, so its UTF-16 cannot be read.",
            "Give `encoding` as utf-16-le or utf-16-be in the mapping.",
        )


def _require_text(path: Path, what: str, form: Form) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces_of(path):
        if b"\x00" in piece:
            raise ExtractRejected(
                f"{what} holds null bytes, so it is not text in UTF-8.", _not_utf_8_but_null(form)
            )
        if _decoded(decoder, piece) is None:
            raise ExtractRejected(f"{what} is not in UTF-8.", _not_utf_8(form))
    if _decoded(decoder, b"", final=True) is None:
        raise ExtractRejected(f"{what} ends in the middle of a character.", guard.SEND_AGAIN)


def _text_of(form: Form) -> str:
    return "comma-separated text" if form == AS_AGREED else "text as its mapping says"


def _not_utf_8_but_null(form: Form) -> str:
    if form == AS_AGREED:
        return guard.SEND_CSV
    return "Ask the partner for UTF-8, or try `encoding: utf-16-le` in the mapping."


def _not_utf_8(form: Form) -> str:
    if form == AS_AGREED:
        return guard.SEND_CSV
    return "Ask the partner for UTF-8, or give `encoding` in the mapping, often cp1252."


def _transcoded(path: Path, what: str, encoding: str, form: Form) -> bytes:
    """A file in another encoding, as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    made = bytearray()
    for piece in pieces_of(path):
        text = _decoded(decoder, piece)
        if text is None:
            raise ExtractRejected(
                f"{what} is not in {encoding}.", "Correct `encoding` in the mapping."
            )
        made += text.encode("utf-8")
    if _decoded(decoder, b"", final=True) is None:
        raise ExtractRejected(f"{what} ends in the middle of a character.", guard.SEND_AGAIN)
    if b"\x00" in made:
        raise ExtractRejected(f"{what} holds null bytes, so it is not text.", send_remedy(form))
    _require_plausible(path, what, encoding, made)
    return bytes(made.removeprefix(codecs.BOM_UTF8))


def _require_plausible(path: Path, what: str, encoding: str, made: bytearray) -> None:
    """Refuse what only an encoding of one byte a character would pass: UTF-8, or control codes."""
    correct = "Correct `encoding` in the mapping, or leave it out if the file is in UTF-8."
    if encoding in UTF_16_NAMES:
        return
    if len(made) > path.stat().st_size and _is_utf_8(path):
        raise ExtractRejected(
            f"{what} is in UTF-8, not in {encoding} as its mapping says.", correct
        )
    controls = encoding in WITHOUT_PRINT_BELOW_A0 and any(
        bytes((0xC2, low)) in made for low in range(0x80, 0xA0)
    )
    if controls:
        raise ExtractRejected(
            f"{what} holds control characters, so it is in cp1252 rather than {encoding}.", correct
        )


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole = all(_decoded(decoder, piece) is not None for piece in pieces_of(path))
    return whole and _decoded(decoder, b"", final=True) is not None


def _decoded(
    decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False
) -> str | None:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError:
        return None


def without_titles(text: Text, what: str, lines: int) -> Text:
    """A file without its first lines.

    Raises:
        ExtractRejected: It has no more lines than that.
    """
    if not lines:
        return text
    whole = _whole(text)
    at = 0
    for _ in range(lines):
        at = whole.find(b"\n", at, LONGEST_TITLES) + 1
        if not at:
            raise ExtractRejected(f"{what} has no header row.", guard.SEND_AGREED)
    return Text(whole[at:], whole[at : at + LONGEST_HEADER])


def without_footer(text: Text, footer: tuple[str, ...]) -> Text:
    """A file without the lines at its end that begin as a footer does, and blank ones there."""
    if not footer:
        return text
    whole = _whole(text)
    end = len(whole)
    while end:
        start = whole.rfind(b"\n", 0, end - 1) + 1
        if end - start > LONGEST_HEADER or not _is_footer(whole[start:end], footer):
            break
        end = start
    return Text(whole[:end], text.start)


def _is_footer(line: bytes, footer: tuple[str, ...]) -> bool:
    said = normal_name(line.decode("utf-8", errors="ignore").strip().lstrip('"'))
    return not said or said.startswith(tuple(map(normal_name, footer)))


def _whole(text: Text) -> bytes:
    return text.content.read_bytes() if isinstance(text.content, Path) else text.content


def send_remedy(form: Form) -> str:
    """What is asked of the partner: the agreed form, or plain CSV where that is agreed."""
    return guard.SEND_CSV if form == AS_AGREED else guard.SEND_AGREED


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a piece at a time, so that none is held whole."""
    with path.open("rb") as file:
        while piece := file.read(guard.PIECE):
            yield piece


AS_AGREED = Form("utf-8", "comma", quotes=True)
"""Comma-separated UTF-8 under one header row: a file for which there is no mapping."""
