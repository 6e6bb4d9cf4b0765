"""Charts as SVG text, each drawn twice: for a page's width and for a phone's.

A chart shows published counts only, and its words are in it, so it reads in black and white. It
needs no script, and the table beneath it holds all that it shows. Text does not wrap in SVG: lines
are broken here, by the width that letters have on average.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

NAVY, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
INK, QUIET, LINE = "#0b0c0c", "#484d52", "#b1b8be"
WIDE, NARROW = 900, 360
SIZE = 16
LETTER = 0.53  # the average width of a letter, of the size of the text
LEADING = 1.25


@dataclass(frozen=True)
class Chart:
    """A chart in its two widths.

    Attributes:
        wide: SVG for a page.
        narrow: SVG for a phone.
        says: What it shows, for whoever does not see it.
    """

    wide: str
    narrow: str
    says: str


@dataclass(frozen=True)
class Canvas:
    """What is drawn so far: shapes and words, on a width."""

    width: int
    shapes: list[str]

    @property
    def is_narrow(self) -> bool:
        """Whether it is for a phone."""
        return self.width <= NARROW

    def add(self, tag: str, **attributes: object) -> None:
        """Draw a shape."""
        said = " ".join(
            f'{name.replace("_", "-")}="{_told(value)}"' for name, value in attributes.items()
        )
        self.shapes.append(f"<{tag} {said}/>")

    def text(
        self,
        words: str,
        x: float,
        y: float,
        *,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        size: int = SIZE,
    ) -> None:
        """Write one line, its baseline at y."""
        weight = ' font-weight="700"' if bold else ""
        self.shapes.append(
            f'<text x="{_told(x)}" y="{_told(y)}" text-anchor="{anchor}" fill="{fill}"'
            f' font-size="{size}"{weight}>{escape(words)}</text>'
        )

    def lines(self, lines: Sequence[str], x: float, y: float, **how: object) -> float:
        """Write some lines, the first with its baseline at y; return the baseline of the next."""
        for line in lines:
            self.text(line, x, y, **how)  # type: ignore[arg-type]
            y += SIZE * LEADING
        return y


def drawn(draw: Callable[[Canvas], float], says: str) -> Chart:
    """Draw a chart in both widths.

    Args:
        draw: Draws on a canvas and returns the height it took.
        says: What the chart shows.
    """
    return Chart(_svg(draw, WIDE, says), _svg(draw, NARROW, says), says)


def broken(words: str, width: float, size: int = SIZE) -> list[str]:
    """Break words into lines that fit a width."""
    return textwrap.wrap(words, max(6, int(width / (LETTER * size)))) or [""]


def long(words: Iterable[str], size: int = SIZE) -> float:
    """About how long the longest of some words is."""
    return max((len(one) for one in words), default=0) * LETTER * size


def _svg(draw: Callable[[Canvas], float], width: int, says: str) -> str:
    """A whole SVG image. Its typeface is for paper; the page's own style takes its place there."""
    canvas = Canvas(width, [])
    height = draw(canvas)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_told(height)}" '
        f'font-family="Libertinus Serif" role="img" aria-label="{escape(says)}">'
        f"{''.join(canvas.shapes)}</svg>"
    )


def _told(value: object) -> str:
    """A number or word of an attribute."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
