"""The charts of the board pack: bars, a trend, and a Sankey of gated links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.publish.report.drawing import (
    INK,
    NAVY,
    ORANGE,
    PLUM,
    QUIET,
    SIZE,
    TEAL,
    Canvas,
    Chart,
    broken,
    drawn,
    long,
)
from warehouse.publish.report.numbers import IN_WORDS, lower, number, thousands

PALETTE = (PLUM, ORANGE, TEAL, NAVY)
BAR = 26  # height of a bar
LABELS = 320  # width of a funnel's labels on a page
HEADROOM = 1.15  # of a trend above its highest point, for the words there
PLOT = 170  # height of a trend
SANKEY = 420  # height of all the people of a Sankey


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        title: What it shows.
        shown: The published count or percentage, or shorthand.
        note: What it is of, such as ``46% of 120``.
        length: How long it is, of the longest there could be.
        is_part: Whether it is only a part of a bar above.
    """

    title: str
    shown: str
    note: str = ""
    length: float = 0
    is_part: bool = False


@dataclass(frozen=True)
class Point:
    """One window of a trend.

    Attributes:
        label: The window.
        shown: The published value, or shorthand.
        low: The lowest that the truth may be.
        high: The highest.
    """

    label: str
    shown: str
    low: float = 0
    high: float = 0


@dataclass(frozen=True)
class Link:
    """One link of a Sankey: a gated count of people by a step and what came next."""

    start: str
    end: str
    people: str
    of: str


def bars(title: str, each: Sequence[Bar]) -> Chart:
    """Draw bars, such as those of a funnel."""

    def draw(canvas: Canvas) -> float:
        left = 0 if canvas.is_narrow else LABELS
        room = canvas.width - left - 2
        y = 4.0
        for bar in each:
            indent = 18 if bar.is_part else 0
            label = f"also: {lower(bar.title)}" if bar.is_part else bar.title
            lines = broken(label, (room if canvas.is_narrow else left - 20) - indent)
            after = canvas.lines(lines, indent, y + SIZE)
            figure = after if canvas.is_narrow else y + SIZE
            canvas.text(bar.shown, left, figure, bold=True)
            note = IN_WORDS.get(bar.shown, bar.note)
            canvas.text(note, left + long([bar.shown]) + 12, figure, fill=QUIET)
            if bar.length:
                colour = TEAL if bar.is_part else NAVY
                wide = room * min(bar.length, 1.0)
                canvas.add("rect", x=left, y=figure + 8, width=wide, height=BAR, fill=colour)
            y = max(after - SIZE, figure + 8 + BAR) + 18
        return y

    return drawn(draw, f"{title}. Bars: {_bars_said(each)}.")


def trend(title: str, points: Sequence[Point], *, is_share: bool) -> Chart:
    """Draw a value over windows, with the range that rounding leaves open as an upright bar."""
    sign = "%" if is_share else ""
    shown = [number(point.shown) for point in points]
    highest = max([point.high for point in points] + [v for v in shown if v is not None] + [1.0])
    top = highest * HEADROOM

    def draw(canvas: Canvas) -> float:
        left, base = 12.0, PLOT + 16.0
        step = (canvas.width - 2 * left) / len(points)
        places = [left + step * (place + 0.5) for place in range(len(points))]
        canvas.add("line", x1=0, x2=canvas.width, y1=base, y2=base, stroke=INK, stroke_width=1)
        known: list[tuple[float, float, str, float] | None] = []
        for x, point, value in zip(places, points, shown, strict=True):
            if value is None:
                canvas.text(point.shown, x, base - 8, anchor="middle", fill=QUIET)
                known.append(None)
                continue
            y = base - PLOT * value / top
            low, high = (base - PLOT * min(v, top) / top for v in (point.low, point.high))
            canvas.add("line", x1=x, x2=x, y1=low, y2=high, stroke=TEAL, stroke_width=9)
            known.append((x, y, f"{value:,}{sign}", min(high, y)))
        for one, two in pairwise(known):
            if one and two:
                ends = {"x1": one[0], "y1": one[1], "x2": two[0], "y2": two[1]}
                canvas.add("line", **ends, stroke=NAVY, stroke_width=2)
        for spot in known:
            if spot:
                canvas.add("circle", cx=spot[0], cy=spot[1], r=5, fill=NAVY)
                canvas.text(spot[2], spot[0], spot[3] - 10, anchor="middle", bold=True)
        small = SIZE - 3
        broad = max(step - 6, 40)
        labels = [broken(point.label, broad, small) for point in points]
        for x, lines in zip(places, labels, strict=True):
            for place, line in enumerate(lines):
                canvas.text(
                    line, x, base + 20 + 17 * place, anchor="middle", fill=QUIET, size=small
                )
        return base + 14 + 17 * max(len(lines) for lines in labels)

    said = "; ".join(
        f"{point.label} {thousands(point.shown)}{sign if number(point.shown) is not None else ''}"
        for point in points
    )
    return drawn(draw, f"{title}, by window: {said}.")


def sankey(title: str, links: Sequence[Link], *, quiet: str = "") -> Chart:
    """Draw gated links as bands from steps to what came next.

    Bands are as broad as their published counts. What is not published of a step (a masked link, or
    what rounding leaves over) has no band: its place in the step's node stays open.

    Args:
        title: What it shows.
        links: Every link of the steps to be drawn; masked ones are left out of the drawing.
        quiet: The next step whose bands are grey.
    """
    starts = {link.start: number(link.of) or 0 for link in links}
    shown = [link for link in links if number(link.people)]
    ends = list(dict.fromkeys(link.end for link in shown))
    arrived = {end: sum(int(one.people) for one in shown if one.end == end) for end in ends}
    colour = {end: PALETTE[place % len(PALETTE)] for place, end in enumerate(ends)}
    colour[quiet] = QUIET
    drawn_of = {
        start: max(of, sum(int(one.people) for one in shown if one.start == start))
        for start, of in starts.items()
    }
    scale = SANKEY / max(sum(drawn_of.values()), sum(arrived.values()), 1)

    def draw(canvas: Canvas) -> float:
        side, node, size = (108, 8, 13) if canvas.is_narrow else (235, 12, 15)
        left = _placed(drawn_of, scale, side, size)
        right = _placed(arrived, scale, side, size)
        x1, x2 = side + node, canvas.width - side - node
        _bands(canvas, shown, (x1, x2), (left, right), scale, colour)
        for start, y in left.items():
            high = max(drawn_of[start] * scale, 1.0)
            box = {"x": side, "y": y, "width": node, "height": high}
            canvas.add("rect", **box, fill="#fff", stroke=INK, stroke_width=1)
            _label(canvas, start, thousands(str(starts[start])), side - 6, y, "end", side, size)
        for end, y in right.items():
            high = max(arrived[end] * scale, 1.0)
            canvas.add("rect", x=x2, y=y, width=node, height=high, fill=colour[end])
            x = canvas.width - side + 6
            _label(canvas, end, thousands(str(arrived[end])), x, y, "start", side, size)
        return max(
            _bottom(left, drawn_of, scale, side, size), _bottom(right, arrived, scale, side, size)
        )

    return drawn(draw, f"{title}. Bands: {_bands_said(shown)}.")


def _bands(
    canvas: Canvas,
    shown: Sequence[Link],
    between: tuple[float, float],
    nodes: tuple[dict[str, float], dict[str, float]],
    scale: float,
    colour: dict[str, str],
) -> None:
    """Draw each link from its step to what came next, side by side at both."""
    x1, x2 = between
    half = (x1 + x2) / 2
    leaving, entering = dict(nodes[0]), dict(nodes[1])
    for link in shown:
        broad = int(link.people) * scale
        y1, y2 = leaving[link.start], entering[link.end]
        leaving[link.start] += broad
        entering[link.end] += broad
        path = (
            f"M{x1} {y1:.1f}C{half:.1f} {y1:.1f} {half:.1f} {y2:.1f} {x2} {y2:.1f}"
            f"V{y2 + broad:.1f}C{half:.1f} {y2 + broad:.1f} {half:.1f} {y1 + broad:.1f} "
            f"{x1} {y1 + broad:.1f}Z"
        )
        fill = colour[link.end]
        canvas.add("path", d=path, fill=fill, fill_opacity=0.55, stroke=fill, stroke_width=1)


def _bands_said(shown: Sequence[Link]) -> str:
    """Links in words, the broadest first."""
    return (
        "; ".join(
            f"{link.start} to {lower(link.end)}, {thousands(link.people)} of {thousands(link.of)}"
            for link in sorted(shown, key=lambda one: -int(one.people))
        )
        or "none can be shown"
    )


def _placed(people: dict[str, int], scale: float, side: int, size: int) -> dict[str, float]:
    """Where each node of one side begins, from the top."""
    places, y = {}, float(size)
    for name, count in people.items():
        places[name] = y
        y += max(count * scale, _label_height(name, side, size)) + 12
    return places


def _bottom(
    places: dict[str, float], people: dict[str, int], scale: float, side: int, size: int
) -> float:
    """Where one side ends."""
    return max(
        (
            y + max(people[name] * scale, _label_height(name, side, size)) + 8
            for name, y in places.items()
        ),
        default=40.0,
    )


def _label_height(name: str, side: int, size: int) -> float:
    """How tall a node's label is: its words, then its count."""
    return (len(broken(name, side - 12, size)) + 1) * size * 1.2


def _label(
    canvas: Canvas, name: str, count: str, x: float, y: float, anchor: str, side: int, size: int
) -> None:
    """Write a node's words and its published count."""
    line = y + size
    canvas.text(count, x, line, anchor=anchor, bold=True, size=size)
    for words in broken(name, side - 12, size):
        line += size * 1.2
        canvas.text(words, x, line, anchor=anchor, size=size)


def _bars_said(each: Sequence[Bar]) -> str:
    """Bars in words."""
    return "; ".join(
        f"{bar.title}, {bar.shown}" + (f" ({bar.note})" if bar.note and bar.length else "")
        for bar in each
    )
