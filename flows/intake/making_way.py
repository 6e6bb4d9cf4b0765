"""What becomes of a run in which an extract is refused.

What was pulled makes way for what stood before it, and rights requests do not wait for it.
"""

from __future__ import annotations

from dataclasses import replace

from flows.agreements.terms import encodes_at_source, staged_under
from flows.context import RunContext
from flows.intake.handed_on import NOT_TAKEN_IN, Agreed, Parted, Problems
from flows.safe_errors import Rejected, StepFailed
from flows.sources.pulling import refused
from schemas.errors import ExtractRejected, JourneysError, KeyProblem

OF_THE_MACHINE = frozenset({"BlockingIOError", "MemoryError", "OSError", "PermissionError"})
"""Failures of a step that tell of a full disk, memory or rights here, and of no partner's file."""


def put_back(run: RunContext, partner: str, problems: Problems) -> None:
    """Where an extract failed its checks: have what was pulled make way for the last good one.

    A setting that cannot be used is no fault of the extract. What became of it is put among the
    problems.
    """
    sealed = encodes_at_source(run, partner)
    if any(_is_of_the_extract(error, sealed) for error in problems.get(partner, ())):
        said = refused(run, partner)
        if said is not None:
            problems[partner].append(said)


def _is_of_the_extract(error: JourneysError, sealed: bool) -> bool:
    """Whether another extract might not meet a failure; one of this machine any would meet.

    A sealed file is in keys of its own, and is tried again once the hub's are others.
    """
    if isinstance(error, StepFailed):
        return error.kind not in OF_THE_MACHINE
    return isinstance(error, (ExtractRejected, KeyProblem) if sealed else ExtractRejected)


def for_rights_alone(run: RunContext, agreed: Agreed, refused: Rejected) -> Parted:
    """Go on with nothing new where a rights request waits: it must not wait for anybody's papers.

    What is staged of a partner is used only if it was staged on the terms that are in force.

    Raises:
        Rejected: No request waits, or nothing was ever taken in.
    """
    staged = run.control.staged_extracts()
    if not run.control.waiting_requests() or not staged:
        raise refused
    usable = {
        partner: agreement
        for partner, agreement in agreed.agreements.items()
        if partner in staged and staged[partner].staged_under == staged_under(run, agreement)
    }
    kept = {partner: agreed.kept.get(partner, NOT_TAKEN_IN) for partner in usable}
    stopped = {name: found[0] for name, found in refused.problems.items() if name not in usable}
    alone = replace(
        agreed,
        agreements=usable,
        fresh={},
        kept=kept,
        stopped=stopped,
        refused=refused.but_for_rights(),
    )
    return Parted(alone, {}, {}, {})
