"""The whole journey, from what the partners sent to tables that await approval.

`refresh` is the journey itself. It is run by two drivers that give it the same steps: `run_refresh`
here, with no server, and `flows.orchestration.nightly`, where each step is a Prefect task.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from flows.accounting import account
from flows.agreements.oversight import of_terms
from flows.build import build
from flows.carried import stores_of
from flows.clock import Clock, utc_now
from flows.context import RunContext, actor, new_run_id, open_control, run_lock
from flows.housekeeping import discard, empty_inboxes, recover, tidy
from flows.ingest import agree, encode, pull, stage
from flows.keys.rings import keep_ledger_key
from flows.link import link
from flows.logs.memory import Peak
from flows.migrating import migrate_first
from flows.progress import Narrator, Silent
from flows.publication.drafting import draft
from flows.record.checkpoints import NO_KEY, make_checkpoint, refuse_early_clock, refuse_taken_back
from flows.record.signing import can_sign
from flows.releases.as_committed import known_files
from flows.report import make_report, refused_report
from flows.retention import due as retention
from flows.rights.erasing import erase
from flows.rights.register import enter, put_in_line
from flows.safe_errors import Rejected, guarded
from flows.settings import Settings
from flows.sources.pulling import archived, passed
from flows.stopping import heed, past_turning_back, stoppable, wished
from governance.audit import Recorder
from governance.control import Control
from linkage.engines import check_engine
from schemas.errors import JourneysError, StoreError

Given = ParamSpec("Given")
Result = TypeVar("Result")

STEPS = {
    "pull": "Looking for extracts",
    "agree": "Checking the sharing agreements",
    "encode": "Validating, and replacing identifiers with keyed encodings",
    "stage": "Staging",
    "link": "Linking records into people",
    "erase": "Applying objections and erasures",
    "build": "Building the warehouse",
    "draft": "Drafting what may be published",
    "commit": "Committing the run",
}
"""The steps in their order, and what each is called while it runs."""


class Perform(Protocol):
    """How a driver carries out one step."""

    def __call__(
        self,
        step: Callable[Concatenate[RunContext, Given], Result],
        run: RunContext,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        """Carry out the step and give back what it made."""


def refresh(run: RunContext, perform: Perform) -> dict[str, Any]:
    """The journey. Returns the report of the run: counts and places, no values.

    Raises:
        JourneysError: From the step that could not go on; nothing is then committed.
        Rejected: Nothing could be taken in; where rights requests waited, they were applied.
    """
    pulled = perform(pull, run)
    agreed = perform(agree, run, pulled)
    # Nothing here holds what was encoded: its secret words go with the step that stores it.
    staged = perform(stage, run, perform(encode, run, agreed))
    people = perform(link, run, staged)
    left = perform(erase, run, people)
    release = perform(build, run, left)
    drafted = perform(draft, run, release)
    report = perform(commit, run, pulled.extracts, drafted)
    if staged.agreed.refused is not None:
        raise staged.agreed.refused
    return report


def commit(run: RunContext, extracts: Any, drafted: Any) -> dict[str, Any]:
    """Make the run the current one, then remove what it replaces.

    The row in the control database is what commits it: before it, nothing of the run counts;
    after it, what remains to be done is removal, which the next run would do as well. A wish to
    stop that came before the row is written is heeded; while it is written, none breaks in.

    Raises:
        KeyboardInterrupt: If it was asked to stop before; the run is then not committed.
    """
    found = account(run, drafted.release)
    made = {**drafted.staged.made_from, **stores_of(run.stores)}
    report, erased = make_report(run, drafted, found, made), drafted.release.people.erased
    files = drafted.release.files or known_files(run.release.parent)
    before = len(report["warnings"])
    with past_turning_back():
        run.control.commit_run(
            run.run_id,
            at=run.clock(),
            report=report,
            extracts=[one.ledger for one in drafted.staged.taken.values()],
            draft_digest=drafted.digest,
            draft_releases=drafted.releases,
            release_files=files,
            key_epoch=drafted.staged.key_epoch,
            profiles={partner: one.facts.profile for partner, one in drafted.staged.taken.items()},
            audit=[*of_terms(run, drafted.staged.agreed), *erased.audit],
            applied=erased.requests,
            standing=erased.standing,
            periods={name: extracts[name].periods for name in drafted.staged.taken},
        )
    try:
        guarded("tidying", _remove_what_is_replaced, run, extracts, drafted)
        report["warnings"] += guarded(
            "retention", retention.warnings, run.settings, run.control, run.today
        )
    except JourneysError as error:
        report["warnings"].append(f"The run is committed, but tidying up after it failed. {error}")
    report["warnings"] += archived(run, drafted.staged.agreed, drafted.staged.taken)
    try:
        guarded("checkpoint", make_checkpoint, run.settings, run.control, run.clock)
    except JourneysError as error:
        report["warnings"].append(f"The run is committed, but no checkpoint could be made. {error}")
    if not can_sign(run.settings):
        report["warnings"].append(NO_KEY)
    with suppress(JourneysError):  # the run stands; its journal has them too
        run.control.add_warnings(run.run_id, report["warnings"][before:])
    run.log.report(report)
    return report


def _remove_what_is_replaced(run: RunContext, extracts: Any, drafted: Any) -> None:
    agreed = drafted.staged.agreed
    if agreed.refused is None:
        passed(run.settings, agreed.agreements)
    empty_inboxes(run, agreed, extracts)
    removed = tidy(run.settings, run.control)
    if removed:
        run.control.add_audit(run.recorder.entry("erasure", run.clock(), detail=removed))
    enter(run.settings, run.control)


def run_refresh(
    settings: Settings,
    *,
    narrator: Narrator | None = None,
    run_id: str | None = None,
    clock: Clock = utc_now,
    dress: Callable[[Perform], Perform] = lambda perform: perform,
) -> dict[str, Any]:
    """Run the journey once, as the one writer, and say what it did.

    Args:
        settings: The partnership.
        narrator: Who tells a person of each step; nobody by default.
        run_id: The run's id, where the caller has given it one.
        clock: The clock.
        dress: How a driver wraps each step; by default not at all.

    Returns:
        The report of the run.

    Raises:
        JourneysError: What went wrong and what to do; the last committed run stays current.
        KeyboardInterrupt: If it was asked to stop; the run is whole where it was committed by
            then, and changed nothing where not.
    """
    teller = narrator or Silent()
    with stoppable(), begun_run(settings, run_id, clock) as run:
        return refresh(replace(run, tell=teller.note), dress(plainly(teller)))


def plainly(narrator: Narrator) -> Perform:
    """A driver that calls each step, guarded, and tells of it; asked to stop, it calls no more."""
    order = list(STEPS)

    def perform(
        step: Callable[Concatenate[RunContext, Given], Result],
        run: RunContext,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        heed()
        name = step.__name__
        telling = narrator.telling(order.index(name) + 1, len(order), STEPS[name])
        with telling, _measured(run, name):
            return guarded(name, step, run, *args, **kwargs)

    return perform


@contextmanager
def _measured(run: RunContext, name: str) -> Iterator[None]:
    """Keep, and log, how long a step takes and how much memory, whether or not it succeeds."""
    started, peak, outcome = time.monotonic(), Peak(), "failed"
    try:
        with peak:
            yield
        outcome = "done"
    finally:
        run.seconds[name] = round(time.monotonic() - started, 2)
        if peak.bytes is not None:
            run.memory[name] = peak.bytes
        run.log.say("step", step=name, outcome=outcome, seconds=run.seconds[name],
                    peak_bytes=peak.bytes)  # fmt: skip


@contextmanager
def begun_run(settings: Settings, run_id: str | None, clock: Clock) -> Iterator[RunContext]:
    """Hold the lock, put right what a dead run left, and record how this run ends.

    Raises:
        Busy: If another run is at work.
        StoreError: If the control database cannot be used.
        EngineProblem: If the engine that links is not installed.
        KeyProblem: If the key that what was taken in is known by is missing.
    """
    with _brought_forward(settings, clock) as control:
        guarded("recovery", recover, settings, control, clock)
        refuse_taken_back(settings, control)
        refuse_early_clock(control, Recorder(actor(), settings.purpose), clock)
        guarded("recovery", put_in_line, settings, control, clock)
        run = _begin(settings, control, run_id or new_run_id(clock()), clock)
        run.log.begin()
        try:
            check_engine(settings.engine)
            keep_ledger_key(settings)
            yield run
        except BaseException as error:
            # Where not even this can be written, what stopped the run is still what is told; the
            # next run writes it off.
            with suppress(StoreError, OSError):
                _write_off(run, error)
                run.log.say("ended", outcome=_outcome(run), error=type(error).__name__)
            raise
        run.log.say("ended", outcome=_outcome(run), error=None)


@contextmanager
def _brought_forward(settings: Settings, clock: Clock) -> Iterator[Control]:
    """The control database, of this version, with the lock held."""
    with run_lock(settings):
        guarded("migration", migrate_first, settings, clock=clock)
        with open_control(settings) as control:
            yield control


def _outcome(run: RunContext) -> str:
    """How a run ended, as the control database has it."""
    recorded = run.control.run(run.run_id)
    return "unknown" if recorded is None else recorded.state


def _begin(settings: Settings, control: Control, run_id: str, clock: Clock) -> RunContext:
    who = actor()
    control.begin_run(run_id, at=clock(), actor=who, purpose=settings.purpose)
    recorder = Recorder(actor=who, purpose=settings.purpose, run_id=run_id)
    return RunContext(settings, control, run_id, recorder, clock)


def _write_off(run: RunContext, error: BaseException) -> None:
    """Record that the run failed and remove what it wrote, unless it had committed already."""
    recorded = run.control.run(run.run_id)
    if recorded is None or recorded.state != "running":
        return
    # Of a wish to stop, a library can make an error of its own.
    told = isinstance(error, JourneysError) and wished() is None
    problem = str(error) if told else "The run was interrupted."
    report = refused_report(run, error) if isinstance(error, Rejected) else None
    run.control.fail_run(
        run.run_id,
        at=run.clock(),
        problem=problem,
        report=report,
        undo=lambda: discard(run.settings, run.run_id),
    )
