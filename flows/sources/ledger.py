"""What becomes of a delivery, by what the ledger holds of earlier ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from flows.clock import local_day
from flows.files import folder_digest
from flows.keys.rings import ring_of
from flows.sources.choosing import Terms
from flows.sources.problems import Contradicted, FailedItsChecks
from governance.control import Control, FailedCheck, Pull, PullState
from schemas.errors import KeyProblem
from schemas.mapping import load_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.settings import Settings
    from governance.keys.ring import Kind

SEALED_BY: Final[tuple[Kind, ...]] = ("seal", "identifier")
"""The keys of the hub that decide whether what a partner sealed can be taken in."""


def standing(ledger: Sequence[Pull], terms: Terms) -> list[Pull]:
    """The deliveries that need not be looked into: none that was refused or that made room."""
    taken = [row for row in ledger if row.state != "refused"]
    if terms.naming.sealed:
        return taken
    digests = {row.digest for row in taken if row.state in ("landed", "late")}
    return [row for row in taken if row.digest in digests]


def terms_digest(settings: Settings, partner: str) -> str:
    """A digest of the terms under which a delivery passes its checks or fails them.

    It is of all that a person may put right: the agreement, the policy, the mapping, the code lists
    and what partnership.yaml says of the partner; of one that encodes at source the keys too; and
    of the version of the program. Under other terms a delivery that failed is tried again.

    Raises:
        ConfigError: The mapping cannot be used.
    """
    part = settings.partner(partner)
    files = (part.agreement, settings.policy)
    said = (part.system, part.delivery, part.files, part.data_from, part.complete_to)
    lines = (
        *(path.read_bytes().hex() if path.is_file() else "" for path in files),
        load_mapping(partner, part.system, settings.mappings, settings.codes).digest,
        folder_digest(settings.codes) if settings.codes else "packaged",
        *map(str, said),
        *(_keys_told(settings, part.encodes_with) if part.encodes_with else ()),
        version("cohort-journeys"),
    )
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _keys_told(settings: Settings, encodes_with: Path) -> Iterator[str]:
    """What tells the keys that sealed files are believed and opened by from any others.

    One that cannot be used is told as none: once it is there again, so is what it opens.
    """
    yield encodes_with.read_bytes().hex() if encodes_with.is_file() else ""
    for kind in SEALED_BY:
        try:
            ring = ring_of(settings, kind)
        except KeyProblem:
            continue
        yield from (f"{kind} {ring.fingerprint(epoch)}" for epoch in ring.epochs)


def failed_before(settings: Settings, control: Control, partner: str) -> dict[str, FailedCheck]:
    """Deliveries that failed their checks under the terms that are in force, by their digests.

    Raises:
        ConfigError: The mapping cannot be used.
    """
    failed = control.failed_checks(partner)
    under = terms_digest(settings, partner) if failed else ""
    return {one.digest: one for one in failed if one.under == under}


def become(new: Pull, ledger: Sequence[Pull], terms: Terms, again: bool = False) -> PullState:
    """What becomes of a delivery, by what was pulled before.

    Args:
        new: The delivery.
        ledger: What was pulled before.
        terms: On what terms.
        again: Whether what was pulled before is to land once more.
    """
    landed = {row.period: row for row in ledger if row.state == "landed"}
    same = [row for row in ledger if row.state != "refused" and row.digest == new.digest]
    if same and (again or not _is_taken_back(new, same, landed.get(new.period), terms)):
        return "landed" if again else "known"
    if not new.period:
        return "landed"
    if terms.delivery == "snapshot" and landed and new.period < max(landed):
        return "late"
    before = landed.get(new.period)
    if before is None:
        return "landed"
    newer = (
        new.modified_at is None
        or before.modified_at is None
        or new.modified_at > before.modified_at
    )
    return "landed" if terms.resupplies == "newest" and newer else "refused"


def _is_taken_back(new: Pull, same: Sequence[Pull], stands: Pull | None, terms: Terms) -> bool:
    """Whether it is what another took the place of: the partner took that other one back.

    Of sealed files each is the whole, and says itself which of them is the newest.
    """
    if terms.naming.sealed or stands is None or stands.digest == new.digest:
        return False
    return any(row.period == new.period and row.state == "replaced" for row in same)


def contradicted(refused: Sequence[Pull]) -> Contradicted:
    """Two extracts of one period; no re-supply is agreed."""
    periods = ", ".join(row.period for row in refused)
    return Contradicted(
        f"The source holds another extract of {periods} than the one that was taken in.",
        "Ask the partner which is right. If the later one is, agree on re-supplies "
        "(`resupplies: newest`); if the earlier one is, have the other taken away. Nothing of it "
        "was taken.",
    )


def failed_its_checks(partner: str, failed: Sequence[FailedCheck]) -> FailedItsChecks:
    """All that is new at a source failed its checks before."""
    periods = ", ".join(sorted({one.period for one in failed} - {""}))
    day = f"{local_day(max(one.at for one in failed)):%d %B %Y}"
    return FailedItsChecks(
        f"What the source holds{f' of {periods}' if periods else ''} was pulled and failed its "
        f"checks on {day}; the last good extract stays in use.",
        f"Ask the partner to send it again: what it sends then is taken in the same way, and is "
        f"no re-supply. After a change of the mapping, policy, agreement or key it is tried again "
        f"by itself; `journeys pull {partner} --again` tries it at once.",
    )
