"""The tables of a release and how they refer to each other, drawn as an SVG.

Tables that others refer to stand in the top row. From each a line of its own colour runs along and
down to the columns that hold one of its keys, like a bus and its stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from warehouse.reference.described import Warehouse

# Distances in the picture, in pixels.
WIDTH, TITLE, LINE, PADDING = 218, 26, 18, 8
GAP, LANE, MARGIN, COLUMNS = 22, 7, 24, 5
# Dark enough to read as text on white, and told apart by those who see few colours.
COLOURS = ("#0b3d91", "#b5390a", "#00705a", "#8a1c7c", "#5b5b00", "#005f8a", "#7a4a00", "#3f3f3f")
STYLE = (
    "text{font:12px 'Liberation Sans',Arial,sans-serif;fill:#1c1c1c}"
    ".name{font-weight:bold;font-size:13px}.more{fill:#5a5a5a}"
    ".box{fill:#fff;stroke:#4a4a4a}.head{fill:#e8edf3}"
)


@dataclass(frozen=True)
class Box:
    """One table as it is drawn.

    Attributes:
        name: The table.
        rows: Each key and each reference: the column, and the table it is one of or None.
        more: How many other columns the table has.
        x: Its left edge.
        y: Its upper edge.
    """

    name: str
    rows: tuple[tuple[str, str | None], ...]
    more: int
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        """How high it is drawn."""
        return TITLE + LINE * (len(self.rows) + 1) + PADDING

    def at(self, x: int, y: int) -> Box:
        """Return the same box in a place."""
        return Box(self.name, self.rows, self.more, x, y)

    def row_y(self, place: int) -> int:
        """Where the middle of a row is."""
        return self.y + TITLE + LINE * place + LINE // 2 + 2


def entity_diagram(warehouse: Warehouse) -> str:
    """Return the diagram of a release's tables as the text of an SVG file."""
    boxes = {name: _box(warehouse, name) for name in warehouse.marts}
    parents = sorted(
        {other for box in boxes.values() for _, other in box.rows if other},
        key=lambda name: (-sum(_refers(box, name) for box in boxes.values()), name),
    )
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(parents)}
    top = _top_row([boxes[name] for name in parents])
    bus_y = max(box.y + box.height for box in top) + GAP
    children = [box for name, box in boxes.items() if name not in parents]
    below = _grid(children, bus_y + LANE * len(parents) + GAP)
    lines = [line for name in parents for line in _lines(name, parents, top, below, bus_y, colours)]
    drawn = [text for box in (*top, *below) for text in _drawn(box, colours)]
    right = max(box.x for box in (*top, *below)) + WIDTH + MARGIN
    bottom = max(box.y + box.height for box in (*top, *below)) + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" '
            f'width="{right}" height="{bottom}" role="img">',
            "<title>The tables of a release and how they refer to each other</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{right}" height="{bottom}" fill="#fff"/>',
            *lines,
            *drawn,
            "</svg>",
            "",
        ]
    )


def _box(warehouse: Warehouse, name: str) -> Box:
    """Return what is drawn of a table: its first key and its references."""
    mart = warehouse.models[name]
    refers = {column: other for column, (other, _) in warehouse.references(name).items()}
    first = next((check for check in mart.checks if check.startswith("unique ")), "unique")
    key = [column.strip() for column in first.removeprefix("unique").split(",") if column.strip()]
    shown = dict.fromkeys([*key, *refers])
    rows = tuple((column, refers.get(column)) for column in shown)
    return Box(name, rows, len(warehouse.lineage.types[name]) - len(rows))


def _refers(box: Box, name: str) -> bool:
    return any(other == name for _, other in box.rows)


def _top_row(boxes: list[Box]) -> list[Box]:
    step = WIDTH + GAP
    return [box.at(MARGIN + GAP + place * step, MARGIN) for place, box in enumerate(boxes)]


def _grid(boxes: Iterable[Box], top: int) -> list[Box]:
    """Stack boxes in columns, each next one under the column that is the shortest so far.

    Tables that refer to the same ones come together, those that refer to none last.
    """
    ends = [top] * COLUMNS
    placed = []
    for box in sorted(boxes, key=lambda one: (not _others(one), _others(one), one.name)):
        column = ends.index(min(ends))
        placed.append(box.at(_column_x(column), ends[column]))
        ends[column] += box.height + GAP
    return placed


def _others(box: Box) -> tuple[str, ...]:
    return tuple(sorted({other for _, other in box.rows if other}))


def _column_x(column: int) -> int:
    return MARGIN + (column + 1) * (LANE * len(COLOURS) + GAP) + column * WIDTH


def _lines(
    name: str,
    parents: list[str],
    top: list[Box],
    below: list[Box],
    bus_y: int,
    colours: Mapping[str, str],
) -> Iterator[str]:
    """Draw one table's line: down from it, along, and down to every column that holds its key."""
    place = parents.index(name)
    y = bus_y + LANE * place
    source = top[place]
    start = source.x + WIDTH // 2
    stops = [start]
    paths = [f"M{start} {source.y + source.height}V{y}"]
    for box in top:
        if _refers(box, name):
            x = box.x + WIDTH // 2 + LANE * (place + 1)
            stops.append(x)
            paths.append(f"M{x} {y}V{box.y + box.height}")
    for column_x in sorted({box.x for box in below}):
        held = [
            (box.x, box.row_y(row))
            for box in below
            if box.x == column_x
            for row, (_, other) in enumerate(box.rows)
            if other == name
        ]
        if held:
            trunk = column_x - GAP // 2 - LANE * place
            stops.append(trunk)
            paths.append(f"M{trunk} {y}V{max(row_y for _, row_y in held)}")
            paths += [f"M{trunk} {row_y}H{x}" for x, row_y in held]
    paths.append(f"M{min(stops)} {y}H{max(stops)}")
    colour = colours[name]
    yield f'<path d="{"".join(paths)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    for x in stops:
        yield f'<circle cx="{x}" cy="{y}" r="2.6" fill="{colour}"/>'


def _drawn(box: Box, colours: Mapping[str, str]) -> Iterator[str]:
    """Draw one table."""
    edge = colours.get(box.name, "#4a4a4a")
    yield (
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="3" '
        f'style="stroke:{edge}"/>'
    )
    yield (
        f'<rect class="head" x="{box.x + 1}" y="{box.y + 1}" width="{WIDTH - 2}" '
        f'height="{TITLE - 4}"/>'
    )
    yield (
        f'<text class="name" x="{box.x + 8}" y="{box.y + 17}" style="fill:{edge}">'
        f"{escape(box.name)}</text>"
    )
    for place, (column, other) in enumerate(box.rows):
        said = escape(column) + (f" → {escape(other)}" if other and other != column else "")
        fill = f' style="fill:{colours[other]}"' if other else ""
        yield f'<text x="{box.x + 8}" y="{box.row_y(place) + 4}"{fill}>{said}</text>'
    word = "column" if box.more == 1 else "columns"
    said = f"and {box.more} {word}" if box.rows else f"{box.more} {word}"
    yield f'<text class="more" x="{box.x + 8}" y="{box.row_y(len(box.rows)) + 4}">{said}</text>'
