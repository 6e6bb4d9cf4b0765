"""One population on its way through the gate, from its rows to what may be shown and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.disclosure.audit import Audit, Audited
from governance.disclosure.catalogue import Population
from governance.disclosure.certificate import Evidence
from governance.disclosure.masking import MOST_SMALL, primary, share_small
from governance.disclosure.near import near
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.system import System
from governance.disclosure.tally import DAY, Tally, check_columns, tally
from governance.disclosure.timeline import Period, check_relation, segments, windows

MOST_SECONDARY = 0.05  # and beyond this share of cells masked to protect others

# Why a cell is masked, as the approvers read it.
SMALL, NEARLY_ALL = "small", "nearly all of its total"
PROTECTS, OVERLAP = "protects another", "told by another table"


@dataclass(frozen=True)
class Submission:
    """A population to be published.

    Attributes:
        population: What is declared.
        period: The days that it counts.
        rows: A row a unit.
        on_its_word: Whether nothing but the declaration says which days the rows are of. It is
            then compared with what is public of any days.
    """

    population: Population
    period: Period
    rows: pl.DataFrame
    on_its_word: bool = False


def rows_of(one: Submission) -> pl.DataFrame:
    """The rows of the days that a population counts; all of them where they carry no days.

    Raises:
        DisclosureError: If they lack what its declaration needs.
    """
    check_columns(one.population, one.rows)
    if DAY not in one.rows.columns:
        return one.rows
    return one.rows.filter(pl.col(DAY).is_between(one.period.first, one.period.last))


@dataclass(frozen=True)
class Finding:
    """What the gate did with a population.

    Attributes:
        population: Its name.
        cells: How many cells it has.
        small: The share of them that are small.
        primary: Cells masked for themselves.
        overlap: Cells masked because another population would give them, or they it, away.
        secondary: Cells masked to protect others.
        tables: Tables in its certificate.
        searches: How many were searched for.
        seconds: How long the audit took.
        reasons: By cell: why it is masked, nothing where it is not. For the approvers: which
            masks hide small numbers is not public.
    """

    population: str
    cells: int
    small: float
    primary: int
    overlap: int
    secondary: int
    tables: int
    searches: int
    seconds: float
    reasons: tuple[str, ...] = field(repr=False)

    @property
    def redesign(self) -> bool:
        """Whether wider categories would say more: too much of it is masked."""
        return self.small > MOST_SMALL or self.secondary > MOST_SECONDARY * self.cells


class Work:
    """One population on its way through the gate: counted, masked and rounded, then audited."""

    def __init__(
        self, one: Submission, earlier: Sequence[Release], rule: Rule, *, insiders: bool
    ) -> None:
        population = one.population
        history = _history(one, earlier, rule)
        periods = [*(before.period for before in history), one.period]
        window = windows(periods)
        self.submission, self.insiders, self.rule = one, insiders, rule
        self.counted = tally(population, one.rows, segments(periods), window[-1])
        self.cells = population.matrix @ self.counted.atoms[window[-1]].sum(axis=0)
        self.masked = primary(population, self.cells, self.counted, rule)
        self.near = near(population, self.counted.atoms)
        self.system = System(
            self.near,
            rule,
            window,
            self.counted.atoms[:, self.near.atoms],
            [*(list(before.shown) for before in history), list(self.masked)],
            *_few(population, self.counted, rule),
        )
        self.overlap: list[int] = []
        self.audited: Audited | None = None
        self._audit: Audit | None = None

    @property
    def shown(self) -> list[str]:
        """What is shown, by cell."""
        return self.system.shown[-1]

    def mask(self, cells: Sequence[int]) -> None:
        """Mask cells that another population gives away."""
        self.overlap += cells
        for cell in cells:
            self.shown[cell] = MASKED
        if self._audit is not None:
            self._audit.mask(cells)

    def audit(self, limit: float) -> None:
        """Audit what is shown, and repair it."""
        self._audit = self._audit or Audit(self.system, insiders=self.insiders)
        self.audited = self._audit.run(limit)

    def published(self) -> Published:
        """What may be published of it."""
        return Published(self.submission.population, self.submission.period, tuple(self.shown))

    def evidence(self) -> Evidence:
        """Why."""
        atoms = [int(atom) for atom in self.near.atoms]
        changes = tuple(
            {(segment, atoms[place]): by for (segment, place), by in change.items()}
            for change in self._done().changes
        )
        return Evidence(self.counted.atoms, changes, self.insiders)

    def finding(self) -> Finding:
        """What was done."""
        found, population = self._done(), self.submission.population
        return Finding(
            population.name,
            len(population.cells),
            share_small(population, self.cells, self.rule),
            self.masked.count(MASKED),
            len(self.overlap),
            len(found.repaired),
            len(found.changes),
            found.searches,
            found.seconds,
            tuple(self._reason(cell) for cell in range(len(population.cells))),
        )

    def _done(self) -> Audited:
        if self.audited is None:
            raise DisclosureError(
                "A population was to be published without an audit.", "Audit it first."
            )
        return self.audited

    def _reason(self, cell: int) -> str:
        """Why a cell is masked."""
        if self.shown[cell] != MASKED:
            return ""
        if self.masked[cell] != MASKED:
            return OVERLAP if cell in self.overlap else PROTECTS
        small = min(self.cells[cell], self.counted.people[cell]) < self.rule.threshold
        return SMALL if small else NEARLY_ALL


def _few(
    population: Population, counted: Tally, rule: Rule
) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    """The cells behind which are too few people, and the pairs of a part and its total between
    which too few are left."""
    few = np.flatnonzero(counted.people < rule.threshold).tolist()
    left = zip(population.totals, counted.rest, strict=True)
    return frozenset(few), frozenset(pair for pair, rest in left if rest < rule.threshold)


def _history(one: Submission, earlier: Sequence[Release], rule: Rule) -> list[Published]:
    """What earlier releases show of a population that bears on it, oldest first."""
    name = one.population.name
    before = [(release, shown) for release in earlier if (shown := release.of(name)) is not None]
    if any(shown.population != one.population for _, shown in before):
        raise DisclosureError(
            f"The population {name} is not declared as it was when last published.",
            "Declare it as before, give the new one a name of its own and other people, or "
            "withdraw the earlier release.",
        )
    if any(release.rule != rule for release, _ in before):
        raise DisclosureError(
            "The threshold or the rounding base is not that of a release that is still public.",
            "Use the same, or withdraw the earlier release.",
        )
    history = [shown for _, shown in before]
    relation = one.population.relation
    check_relation(name, relation, [*(shown.period for shown in history), one.period])
    return [] if relation == "apart" else history
