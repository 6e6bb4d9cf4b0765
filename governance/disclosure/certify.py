"""The gate: counts go in, and only a certified release comes out.

Mask, round, compare populations that are of the same people, audit with every release still public,
repair, compare again, certify, check. Whatever is in doubt on the way is refused with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field, replace

import polars as pl

from governance.disclosure.certificate import NOBODY, Contents, People, fingerprint, pack
from governance.disclosure.checker import check
from governance.disclosure.overlap import Overlaps, Side, who_is_where
from governance.disclosure.release import Release
from governance.disclosure.rules import DisclosureError, Rule
from governance.disclosure.tally import PERSON
from governance.disclosure.timeline import shares_days
from governance.disclosure.work import Finding, Submission, Work, rows_of

__all__ = ["Certified", "Finding", "Submission", "certify"]

_MADE_HERE = object()


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
    linked: bool = True,
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
        linked: Whether the populations may be of the same people, under the same names for a
            person: then what one shows may not give away what another masks. Several have to say
            who is behind each row. False only where nobody can be in two, of these or of what is
            public: nothing is compared then, whoever is in two may be told by the difference, and
            the certificate says so.
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
    if linked:
        _check_compared(submissions, earlier, public)
    works = [Work(one, earlier, rule, insiders=insiders) for one in submissions]
    frozen = [_frozen(one, earlier) for one in public]
    sides = [
        Side(one.population, one.period, rows_of(one), is_public, one.on_its_word)
        for is_public, several in ((False, submissions), (True, public))
        for one in several
    ]
    is_compared = linked and len(sides) > 1  # one by itself has nothing beside it
    _audit_all(works, frozen, Overlaps(sides, rule) if is_compared else None, limit, progress)
    names = [one.submission.population.name for one in works]
    evidence = dict(zip(names, (one.evidence() for one in works), strict=True))
    published = tuple(one.published() for one in works)
    release = Release(release_id, rule, published, tuple(e.digest for e in earlier))
    people = _people([one for one in sides if PERSON in one.rows.columns])
    certificate = pack(Contents(release.digest, evidence, people, linked))
    release = replace(release, certificate=fingerprint(certificate))
    check(release, earlier, certificate)
    findings = tuple(one.finding() for one in works)
    return Certified(release, certificate, findings, made_by=_MADE_HERE)


def _audit_all(
    works: Sequence[Work],
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
    if not sides:
        return NOBODY
    return People(
        tuple(one.population.name for one in sides),
        tuple(one.period for one in sides),
        tuple(one.on_its_word for one in sides),
        who_is_where(sides),
    )


def _mask_overlaps(
    works: Sequence[Work], frozen: Sequence[Sequence[str]], overlaps: Overlaps | None
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
        if shown is not None and (shown.population, shown.period) == (one.population, one.period):
            return shown.shown
    raise DisclosureError(
        "A population that is said to be public is not in the releases that are.",
        "Give every release that is still public, unchanged and oldest first.",
    )


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


def _check_compared(
    submissions: Sequence[Submission], earlier: Sequence[Release], public: Sequence[Submission]
) -> None:
    """Raise DisclosureError if days that are public under another name would be counted unseen.

    A population is audited with what was public under its own name. Under a new one the people who
    joined since could be told by the difference, unless the two are compared.
    """
    looked_at = {(one.population.name, one.period) for one in public}
    unseen = [
        shown
        for release in earlier
        for shown in release.populations
        if (shown.population.name, shown.period) not in looked_at
    ]
    for one in submissions:
        if any(
            one.on_its_word or shares_days(one.period, other.period)
            for other in unseen
            if other.population.name != one.population.name
        ):
            raise DisclosureError(
                f"The population {one.population.name} counts days that are public under another "
                "name, and is not compared with what is public of them.",
                "Keep the name that it was published under, or give what is public of these days, "
                "counted again, to be compared with (public); or say that nobody can be in both "
                "(linked=False).",
            )
