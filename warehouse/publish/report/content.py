"""What the board reads, in order, whatever it is written as: sentences, charts and tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from warehouse.publish.report.drawing import Chart

MOST_COLUMNS, MOST_LETTERS = 5, 30  # of a table that fits a phone
# A count, share, range or rate, or what stands in its place.
_FIGURE = re.compile(r"\[(c|x|z|u|low)\]|none|[\d,.]+%?( to [\d,.]+%?)?( [a-z]+)?( [\d,]+)?")


@dataclass(frozen=True)
class Grid:
    """A table: no merged cells and no blank rows, its first column naming each row.

    Attributes:
        caption: What it holds.
        columns: Their headings.
        rows: As many cells as columns each, as they are shown.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def figures(self) -> frozenset[int]:
        """The places of the columns that hold nothing but figures, which are set to the right."""
        return frozenset(
            place
            for place in range(1, len(self.columns))
            if all(_FIGURE.fullmatch(row[place]) for row in self.rows)
        )

    @property
    def is_broad(self) -> bool:
        """Whether it is broader than a phone, so that it has to scroll sideways there."""
        letters = sum(max(map(len, column.split())) for column in self.columns)
        return len(self.columns) > MOST_COLUMNS or letters > MOST_LETTERS


@dataclass(frozen=True)
class Part:
    """A sentence, then the chart, then the table beneath it.

    Attributes:
        title: Of the part, where a section has several.
        sentences: What is to be said first.
        chart: What shows it; nothing where only a table can.
        grid: The table.
        note: How to read it.
        is_detail: Whether a page folds it away and paper leaves it to the files.
        on_page: Whether a page has it.
        on_paper: Whether paper has it, unless it is a detail.
    """

    title: str = ""
    sentences: tuple[str, ...] = ()
    chart: Chart | None = None
    grid: Grid | None = None
    note: str = ""
    is_detail: bool = False
    on_page: bool = True
    on_paper: bool = True

    @property
    def is_set(self) -> bool:
        """Whether paper has it."""
        return self.on_paper and not self.is_detail


@dataclass(frozen=True)
class Section:
    """One subject.

    Attributes:
        key: Its name in links.
        title: What a reader sees.
        lead: The sentence it begins with.
        question: The question it answers.
        parts: Its parts, in order.
        caveat: What must be known of it.
        facts: Heading → words, of how it is defined and who answers for it.
        inner: Sections within it.
    """

    key: str
    title: str
    lead: str = ""
    question: str = ""
    parts: tuple[Part, ...] = ()
    caveat: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    inner: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Headline:
    """A sentence that stands first, and the section that shows it.

    Attributes:
        said: What is said.
        key: The section's name in links.
        about: What it is said of, where it does not say so itself.
    """

    said: str
    key: str
    about: str = ""

    @property
    def sentence(self) -> str:
        """The whole, for whoever has no links."""
        return f"{self.about}. {self.said}" if self.about else self.said


@dataclass(frozen=True)
class Report:
    """The whole pack as the board reads it.

    Attributes:
        title: Of the page and the paper.
        subtitle: The partnership, and the windows that are public.
        as_at: Up to which days data reach, and what was done to counts.
        headlines: What stands first; never empty.
        sections: In the order they are read.
        words: Word → what it means.
        shorthand: Symbol → what it means.
        notes: Sentences that must go with the figures.
        footer: Whom to ask, and which release it is.
        demonstration: Whether the people are made up.
    """

    title: str
    subtitle: str
    as_at: str
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    words: Mapping[str, str]
    shorthand: Mapping[str, str]
    notes: tuple[str, ...]
    footer: str
    demonstration: bool
