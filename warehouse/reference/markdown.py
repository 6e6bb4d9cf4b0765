"""Markdown in pieces: cells, tables, lists of names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(text: str | None) -> str:
    """Return text that cannot break a table."""
    return (text or "").replace("|", "\\|").replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return a table of some rows under a head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines)


def listed(names: Iterable[str]) -> str:
    """Return names as code, parted by commas."""
    return ", ".join(f"`{name}`" for name in names)
