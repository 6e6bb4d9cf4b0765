"""The diagram of the data-flow annex: partners on the left, readers on the right, as one SVG."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

WIDE, HIGH, GAP = 150, 44, 18
LEFT, INBOX, STORES, RELEASE, RIGHT = 10, 220, 430, 640, 850

_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1010 {high}" role="img" '
    'aria-labelledby="flow-title flow-said" font-family="system-ui, sans-serif" font-size="14">\n'
    '<title id="flow-title">Data flows</title>\n<desc id="flow-said">{said}</desc>\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#44515e"/></marker></defs>'
)


def figure(partners: Sequence[str], readers: Sequence[str]) -> str:
    """The diagram.

    Args:
        partners: Who shares.
        readers: Who is given what comes of it.
    """
    high = max(len(partners), len(readers), 3) * (HIGH + GAP) + GAP
    middle = high / 2
    identity, staging = middle - HIGH - GAP, middle + GAP
    said = (
        f"{', '.join(partners) or 'No partner'} send extracts to the inbox; identifiers go as "
        "keyed encodings to the identity store and events to the staging store; both make the "
        "release, "
        f"from which {', '.join(readers)} are given files or tables."
    )
    parts = [_HEAD.format(high=round(high), said=html.escape(said))]
    for at, partner in enumerate(partners):
        top = _row(at, len(partners), high)
        parts += [_box(LEFT, top, partner), _arrow(LEFT + WIDE, top, INBOX, middle - HIGH / 2)]
    parts += [
        _box(INBOX, middle - HIGH / 2, "inbox"),
        _box(STORES, identity, "identity store"),
        _box(STORES, staging, "staging store"),
        _box(RELEASE, middle - HIGH / 2, "release"),
        _arrow(INBOX + WIDE, middle - HIGH / 2, STORES, identity),
        _arrow(INBOX + WIDE, middle - HIGH / 2, STORES, staging),
        _arrow(STORES + WIDE, identity, RELEASE, middle - HIGH / 2),
        _arrow(STORES + WIDE, staging, RELEASE, middle - HIGH / 2),
        _label(STORES, identity - 6, "encodings"),
        _label(STORES, staging + HIGH + 16, "events"),
    ]
    for at, reader in enumerate(readers):
        top = _row(at, len(readers), high)
        parts += [_box(RIGHT, top, reader), _arrow(RELEASE + WIDE, middle - HIGH / 2, RIGHT, top)]
    return "\n".join([*parts, "</svg>"])


def _row(at: int, count: int, high: float) -> float:
    """The top of a box of a column, which stands in the middle."""
    return (high - count * (HIGH + GAP) + GAP) / 2 + at * (HIGH + GAP)


def _box(left: float, top: float, text: str) -> str:
    size = 14 if len(text) <= 18 else 11
    return (
        f'<rect x="{left}" y="{top:g}" width="{WIDE}" height="{HIGH}" rx="4" fill="#eef1f4" '
        f'stroke="#44515e"/><text x="{left + WIDE / 2:g}" y="{top + HIGH / 2 + 5:g}" '
        f'text-anchor="middle" font-size="{size}">{html.escape(text)}</text>'
    )


def _arrow(left: float, top: float, right: float, to: float) -> str:
    return (
        f'<line x1="{left:g}" y1="{top + HIGH / 2:g}" x2="{right:g}" y2="{to + HIGH / 2:g}" '
        'stroke="#44515e" stroke-width="1.5" marker-end="url(#tip)"/>'
    )


def _label(left: float, y: float, text: str) -> str:
    return (
        f'<text x="{left + WIDE / 2:g}" y="{y:g}" text-anchor="middle" fill="#44515e">{text}</text>'
    )
