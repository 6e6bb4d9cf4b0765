"""The gate: counts go in, and only a certified release comes out.

Mask, round, compare populations that are of the same people, audit with every release still public,
repair, compare again, certify, check. Whatever is in doubt on the way is refused with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field, replace

import polars as pl

from governance.disclosure.audit import Audit, Audited
from governance.disclosure.catalogue import Population
from governance.disclosure.certificate import Evidence, People, fingerprint, pack
from governance.disclosure.checker import check
from governance.disclosure.masking import MOST_SMALL, primary, share_small
from governance.disclosure.near import near
from governance.disclosure.overlap import Overlaps, Side, who_is_where
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.system import System
from governance.disclosure.tally import tally
from governance.disclosure.timeline import Period, check_relation, segments, windows

MOST_SECONDARY = 0.05  # and beyond this share of cells masked to protect others

# Why a cell is masked, as the approvers read it.
SMALL, NEARLY_ALL = "small", "nearly all of its total"
PROTECTS, OVERLAP = "protects another", "told by another table"

_MADE_HERE = object()


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


@dataclass(frozen=True)
class Certified:
    """A release that may be published. Only the gate makes one.

    Attributes:
        release: What may be published.
        certificate: Why; confidential.
        findings: What was done, by population.

    Raises:
        DisclosureError: If anything but the gate makes one.
    """

    release: Release
    certificate: bytes = field(repr=False)
    findings: tuple[Finding, ...]
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _MADE_HERE:
            raise DisclosureError(
                "A table was offered for publication that did not come from the gate.",
                "Put its counts through governance.disclosure.certify.",
            )

    def tables(self) -> dict[str, pl.DataFrame]:
        """The published tables by name, counts as text."""
        return {
            name: table for one in self.release.populations for name, table in one.tables().items()
        }


def certify(
    release_id: str,
    submissions: Sequence[Submission],
    *,
    earlier: Sequence[Release] = (),
    still_public: Sequence[str] = (),
    withdrawn: Sequence[str] = (),
    rule: Rule | None = None,
    insiders: bool = True,
    limit: float = 3600.0,
    linked: bool = False,
    public: Sequence[Submission] = (),
    progress: Callable[[str], None] | None = None,
) -> Certified:
    """Put counts through the gate.

    Args:
        release_id: The id of the release.
        submissions: The populations to publish.
        earlier: Every earlier release that is still public, oldest first.
        still_public: Their digests, as the partnership recorded them.
        withdrawn: The digests of releases that are public no longer.
        rule: The threshold and base; 5 and 5 by default.
        insiders: Whether to protect from people who know their own record.
        limit: Seconds that the audits may take together.
        linked: Whether the populations are of the same people, under the same names for a person:
            then what one shows may not give away what another masks.
        public: For linked populations: those of earlier releases, counted again, which the new
            ones are compared with. What they show is not changed.
        progress: Is told each population that is audited.

    Returns:
        The certified release.

    Raises:
        DisclosureError: If anything is undeclared, missing, contradictory, unsafe or in doubt.
    """
    rule = rule or Rule()
    _check_named(submissions, earlier, still_public, withdrawn)
    works = [_Work(one, earlier, rule, insiders=insiders) for one in submissions]
    frozen = [_frozen(one, earlier) for one in public]
    sides = [
        Side(one.population, one.period, one.rows, is_public, one.on_its_word)
        for is_public, several in ((False, submissions), (True, public))
        for one in several
    ]
    linked = linked and bool(sides)
    _audit_all(works, frozen, Overlaps(sides, rule) if linked else None, limit, progress)
    names = [one.submission.population.name for one in works]
    evidence = dict(zip(names, (one.evidence() for one in works), strict=True))
    published = tuple(one.published() for one in works)
    release = Release(release_id, rule, published, tuple(e.digest for e in earlier))
    certificate = pack(release.digest, evidence, _people(sides) if linked else None)
    release = replace(release, certificate=fingerprint(certificate))
    check(release, earlier, certificate)
    findings = tuple(one.finding() for one in works)
    return Certified(release, certificate, findings, made_by=_MADE_HERE)


def _audit_all(
    works: Sequence[_Work],
    frozen: Sequence[Sequence[str]],
    overlaps: Overlaps | None,
    limit: float,
    progress: Callable[[str], None] | None,
) -> None:
    """Audit every population, and again what is changed by comparing them, until nothing is."""
    _mask_overlaps(works, frozen, overlaps)
    ends = time.monotonic() + limit
    waiting = list(range(len(works)))
    while waiting:
        for place in waiting:
            if progress is not None:
                progress(works[place].submission.population.name)
            works[place].audit(ends - time.monotonic())
        waiting = _mask_overlaps(works, frozen, overlaps)


def _people(sides: Sequence[Side]) -> People:
    """Who is in which population, for the certificate."""
    return People(
        tuple(one.population.name for one in sides),
        tuple(one.on_its_word for one in sides),
        who_is_where(sides),
    )


class _Work:
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


def _mask_overlaps(
    works: Sequence[_Work], frozen: Sequence[Sequence[str]], overlaps: Overlaps | None
) -> list[int]:
    """Mask what populations give away of each other; the places of those that were changed."""
    changed: set[int] = set()
    while overlaps is not None:
        told = overlaps.told([*(one.shown for one in works), *frozen])
        if not told:
            break
        for place in sorted({one.side for one in told}):
            works[place].mask([one.cell for one in told if one.side == place])
            changed.add(place)
    return sorted(changed)


def _frozen(one: Submission, earlier: Sequence[Release]) -> tuple[str, ...]:
    """What an earlier release shows of a population that was counted again.

    Raises:
        DisclosureError: If none shows it, as it is declared.
    """
    for release in earlier:
        shown = release.of(one.population.name)
        if shown is not None and shown.population == one.population:
            return shown.shown
    raise DisclosureError(
        "A population that is said to be public is not in the releases that are.",
        "Give every release that is still public, unchanged and oldest first.",
    )


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


def _check_named(
    submissions: Sequence[Submission],
    earlier: Sequence[Release],
    still_public: Sequence[str],
    withdrawn: Sequence[str],
) -> None:
    """Raise DisclosureError unless all that is public is given, and names are given once."""
    given = [release.digest for release in earlier]
    named = {digest for release in earlier for digest in release.earlier}
    if sorted(given) != sorted(still_public) or not named <= {*given, *withdrawn}:
        raise DisclosureError(
            "The earlier releases given are not those that are still public.",
            "Give every release that is still public, unchanged and oldest first.",
        )
    names = [one.population.name for one in submissions]
    tables = [table.name for one in submissions for table in one.population.tables]
    if len(set(names)) < len(names) or len(set(tables)) < len(tables):
        raise DisclosureError(
            "Two populations or two tables have one name.", "Give each a name of its own."
        )
