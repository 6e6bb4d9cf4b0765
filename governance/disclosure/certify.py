"""The gate: counts go in, and only a certified release comes out.

Mask, round, audit with every release still public, repair, certify, check. Whatever is in doubt on
the way is refused with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace

import numpy as np
import polars as pl

from governance.disclosure.audit import Audited, audit
from governance.disclosure.catalogue import Population
from governance.disclosure.certificate import Evidence, fingerprint, pack
from governance.disclosure.checker import check
from governance.disclosure.masking import primary, share_small
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.system import System
from governance.disclosure.tally import tally
from governance.disclosure.timeline import Period, check_relation, segments, windows

MOST_SMALL = 0.2  # beyond this share of small cells, wider categories are advised
MOST_SECONDARY = 0.05  # and beyond this share of cells masked to protect others

_MADE_HERE = object()


@dataclass(frozen=True)
class Submission:
    """A population to be published: what is declared, the period, and a row a unit."""

    population: Population
    period: Period
    rows: pl.DataFrame


@dataclass(frozen=True)
class Finding:
    """What the gate did with a population.

    Attributes:
        population: Its name.
        cells: How many cells it has.
        small: The share of them that are small.
        primary: Cells masked for themselves.
        secondary: Cells masked to protect others.
        tables: Tables in its certificate.
        searches: How many were searched for.
        seconds: How long the audit took.
    """

    population: str
    cells: int
    small: float
    primary: int
    secondary: int
    tables: int
    searches: int
    seconds: float

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
        limit: Seconds that the audit of one population may take.

    Returns:
        The certified release.

    Raises:
        DisclosureError: If anything is undeclared, missing, contradictory, unsafe or in doubt.
    """
    rule = rule or Rule()
    _check_named(submissions, earlier, still_public, withdrawn)
    published, evidence, findings = [], {}, []
    for one in submissions:
        shown, proof, finding = _gated(one, earlier, rule, insiders=insiders, limit=limit)
        published.append(shown)
        evidence[one.population.name] = proof
        findings.append(finding)
    release = Release(release_id, rule, tuple(published), tuple(e.digest for e in earlier))
    certificate = pack(release.digest, evidence)
    release = replace(release, certificate=fingerprint(certificate))
    check(release, earlier, certificate)
    return Certified(release, certificate, tuple(findings), made_by=_MADE_HERE)


def _gated(
    one: Submission, earlier: Sequence[Release], rule: Rule, *, insiders: bool, limit: float
) -> tuple[Published, Evidence, Finding]:
    """Mask, round, audit and repair one population."""
    population = one.population
    history = _history(one, earlier, rule)
    periods = [*(before.period for before in history), one.period]
    window = windows(periods)
    counted = tally(population, one.rows, segments(periods), window[-1])
    cells = population.matrix.astype(np.int64) @ counted.atoms[window[-1]].sum(axis=0)
    masked = primary(population, cells, counted, rule)
    system = System(
        population,
        rule,
        window,
        counted.atoms,
        [*(list(before.shown) for before in history), list(masked)],
    )
    found = audit(system, insiders=insiders, limit=limit)
    small = share_small(population, cells, rule)
    return (
        Published(population, one.period, tuple(system.shown[-1])),
        Evidence(counted.atoms, found.changes, insiders),
        _finding(population, small, masked, found),
    )


def _finding(population: Population, small: float, masked: list[str], found: Audited) -> Finding:
    return Finding(
        population.name,
        len(population.cells),
        small,
        masked.count(MASKED),
        len(found.repaired),
        len(found.changes),
        found.searches,
        found.seconds,
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
