"""The forms that a notice is written in: Markdown, a page, or CSV."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from flows.spreadsheets import csv_text

if TYPE_CHECKING:
    from flows.agreements.notices import Notice, Row

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto;
  max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #8a8a8a; padding: .4rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: break-word; }
tbody th { width: 13rem; }
th { font-weight: 600; white-space: nowrap; }
tbody th { white-space: normal; }
thead th { background: #eef1f4; }
svg { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } }
"""


def as_markdown(notice: Notice) -> str:
    """A notice as Markdown; a figure is not in it."""
    lines = [f"# {_cell(notice.title)}", "", *(f"{one}\n" for one in map(_cell, notice.said))]
    if notice.by is None and notice.rows:
        cells = [list(row.values()) for row in notice.rows]
        lines += _markdown_table([list(notice.rows[0]), *cells])
    for name, rest in _sections(notice):
        lines += [f"## {_cell(name)}", ""]
        lines += [*_markdown_table([["", ""], *(list(pair) for pair in rest.items())]), ""]
    return "\n".join(lines).rstrip() + "\n"


def as_page(notice: Notice) -> str:
    """A notice as a page that needs nothing from elsewhere."""
    told = html.escape
    parts = [f"<h1>{told(notice.title)}</h1>", *(f"<p>{told(one)}</p>" for one in notice.said)]
    if notice.figure is not None:
        parts.append(notice.figure)
    if notice.by is None and notice.rows:
        heads = "".join(f'<th scope="col">{told(name)}</th>' for name in notice.rows[0])
        body = "\n".join(
            "<tr>" + "".join(f"<td>{told(cell)}</td>" for cell in row.values()) + "</tr>"
            for row in notice.rows
        )
        parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table>")
    for name, rest in _sections(notice):
        body = "\n".join(
            f'<tr><th scope="row">{told(key)}</th><td>{told(cell)}</td></tr>'
            for key, cell in rest.items()
        )
        parts += [f"<h2>{told(name)}</h2>", f"<table><tbody>\n{body}\n</tbody></table>"]
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{told(notice.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def as_csv(notice: Notice) -> str:
    """The table of a notice as CSV."""
    return csv_text([*notice.rows[:1], *(row.values() for row in notice.rows)])


FORMS: Final[Mapping[str, Callable[[Notice], str]]] = {
    ".md": as_markdown,
    ".html": as_page,
    ".csv": as_csv,
}
"""What the end of a file's name says of its form."""


def _sections(notice: Notice) -> Iterator[tuple[str, Row]]:
    if notice.by is None:
        return
    for row in notice.rows:
        yield row[notice.by], {key: said for key, said in row.items() if key != notice.by}


def _markdown_table(rows: list[list[str]]) -> Iterator[str]:
    for at, row in enumerate(rows):
        yield f"| {' | '.join(map(_cell, row))} |"
        if at == 0:
            yield "|" + "---|" * len(row)


def _cell(text: str) -> str:
    """Text that is one cell and nothing but text in Markdown."""
    plain = " ".join(text.split())
    for character in "\\|<>*`[]":
        plain = plain.replace(character, f"\\{character}")
    return plain
