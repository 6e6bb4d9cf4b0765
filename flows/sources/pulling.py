"""Pulling what partners have at their sources into the inboxes, before a run looks into them.

The files are pulled in a child process (`flows.sources.fetching`). Here it is decided by the ledger
what becomes of them. A source that fails changes nothing: its partner counts as one that sent
nothing new, and the data lead is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flows.agreements.terms import agreement_in_force
from flows.clock import Clock, local_day
from flows.files import private_folder, remove_folder
from flows.keys.rings import keyed_digest
from flows.safe_errors import guarded
from flows.settings import Settings
from flows.sources.aside import let_go, put_back, settle
from flows.sources.bounded import in_time, to_pull, together
from flows.sources.choosing import Terms
from flows.sources.fetching import Asked, Fetched, Pulled, fetch_apart, move_away
from flows.sources.landing import Entry, clear, land, makes_room
from flows.sources.ledger import (
    become,
    contradicted,
    failed_before,
    failed_its_checks,
    standing,
    terms_digest,
)
from flows.sources.limits import ARCHIVING_MINUTES
from flows.sources.look import ARRIVING, NOTHING_NEW, PULLED, Finding, Look
from flows.sources.naming import Naming
from flows.sources.places import Places
from flows.sources.problems import BrokenOff, FailedItsChecks, NotReached, SourceAway, SourceProblem
from governance.audit import Recorder
from governance.control import Control, Pull, SourceLook
from schemas.errors import JourneysError
from schemas.mapping import load_mapping

if TYPE_CHECKING:
    from flows.context import RunContext
    from flows.intake.handed_on import Agreed


def pull_sources(
    settings: Settings,
    control: Control,
    recorder: Recorder,
    clock: Clock,
    *,
    partners: Iterable[str] | None = None,
    again: bool = False,
    look_only: bool = False,
) -> dict[str, Look]:
    """Pull what is new from partners' sources into their inboxes. Call it with the lock held.

    Args:
        settings: The partnership.
        control: Its control database.
        recorder: Who pulls.
        clock: The clock.
        partners: Whose sources; every partner's that has one if None.
        again: Whether what was pulled before is pulled once more.
        look_only: Whether to tell what there is, and change nothing.

    Returns:
        How it ended, by partner with a source.

    Raises:
        KeyProblem: The store key, which keys what the ledger holds, cannot be used.
    """
    wanted = [str(name) for name in settings.partners]
    if partners is not None:
        wanted = [name for name in wanted if name in set(partners)]
    asked: dict[str, Asked] = {}
    looks: dict[str, Look] = {}
    for partner in wanted:
        try:
            if not look_only:
                guarded("pull", _tidied, _places(settings, partner), control)
            if settings.partner(partner).source is not None:
                if not look_only:
                    # Nothing is collected without an agreement in force. A run reads it again after
                    # the pulls, which may take two hours: it may have been ended meanwhile.
                    guarded("pull", agreement_in_force, settings, partner, local_day(clock()))
                asked[partner] = _asked(settings, control, clock, partner, again, look_only)
        except JourneysError as error:
            looks[partner] = _failed(error)
    by = _Pulling(settings, control, recorder, clock, again)
    among = to_pull(asked.values())
    for partner, one in _those_that_hung_last(asked, control):
        try:
            found = in_time(among, one, fetch_apart)
            looks[partner] = (
                _told(found, found.deliveries)
                if look_only
                else guarded("pull", _taken, by, one, found)
            )
        except JourneysError as error:
            looks[partner] = _failed(error)
        finally:
            if not look_only:
                remove_folder(one.into)
    for partner, look in looks.items() if not look_only else ():
        control.record_look(SourceLook(partner, clock(), look.state, look.said))
    return {partner: looks[partner] for partner in wanted if partner in looks}


def check_source(settings: Settings, partner: str, clock: Clock) -> list[Finding]:
    """Try a partner's source, and tell what there is: counts and sizes, no names.

    Nothing is pulled, and nothing is changed.

    Args:
        settings: The partnership.
        partner: Whose source.
        clock: The clock.

    Returns:
        What was found; nothing where the partner has no source.
    """
    source = settings.partner(partner).source
    if source is None:
        return []
    terms = _terms(settings, partner)
    into = _places(settings, partner).pulling
    asked = Asked(partner, source, terms, into, frozenset(), b"", clock(), look_only=True)
    try:
        found = in_time(to_pull([asked]), asked, fetch_apart)
    except JourneysError as error:
        return [Finding(False, error.problem, error.remedy)]
    told = _told(found, found.deliveries)
    return [Finding(True, f"The {source.kind} source lets us in."), Finding(True, told.said)]


def has_half_landed(settings: Settings, partner: str) -> bool:
    """Whether a delivery is on its way into a partner's inbox or out of it, and not to the end."""
    places = _places(settings, partner)
    return places.landing.is_dir() or places.putting_back.is_dir()


def refused(run: RunContext, partner: str) -> JourneysError | None:
    """An extract failed its checks: what landed since the last good one makes way for that again.

    Returns:
        What became of it; None where nothing had been pulled since, or it was touched by hand.
    """
    try:
        under = terms_digest(run.settings, partner)
        places = _places(run.settings, partner)
        if not guarded("pull", put_back, places, run.control, under, run.clock()):
            return None
    except JourneysError as error:
        return error
    return FailedItsChecks(
        f"What was pulled from {partner} was taken out of its inbox again, and what had lain there "
        "before was put back.",
        "The next run goes on with that. Once the partner sends another, or the mapping, policy, "
        "agreement or a key is put right, it is pulled by itself.",
    )


def passed(settings: Settings, partners: Iterable[str]) -> None:
    """Extracts were taken in, or nothing new had come: what was set aside for them is removed."""
    for partner in partners:
        if not has_half_landed(settings, partner):
            let_go(_places(settings, partner))


def archived(run: RunContext, agreed: Agreed, taken: Iterable[str]) -> list[str]:
    """Once a run is committed: move what it took in into the folders declared for it at the source.

    It is done for partners whose agreement has the inbox emptied too. What cannot be moved is
    known, and is not pulled again.

    Args:
        run: The run.
        agreed: What was agreed.
        taken: The partners whose extracts were staged.

    Returns:
        What could not be done, in sentences.
    """
    said = []
    among = together(ARCHIVING_MINUTES)
    for partner in taken:
        source = run.settings.partner(partner).source
        keeps = agreed.agreements[partner].inbox_after_staging == "keep"
        if source is None or source.archive is None or keeps:
            continue
        try:
            asked = _asked(run.settings, run.control, run.clock, partner, False, True)
            guarded("pull", in_time, among, asked, move_away)
        except JourneysError as error:
            late = isinstance(error, (BrokenOff, NotReached))
            why = (
                "There was no time for it; move them by hand, or ask the partner to."
                if late
                else error
            )
            said.append(
                f"The run is committed, but the files of {partner} could not be moved at its "
                f"source. {why}"
            )
    return said


def _tidied(places: Places, control: Control) -> None:
    """Finish what an earlier pull or run began, and remove what one that was killed left."""
    clear(places, control)
    settle(places, control)


def _those_that_hung_last(asked: Mapping[str, Asked], control: Control) -> list[tuple[str, Asked]]:
    """Every source, in the order in which they are called.

    One that hung last time takes its time after the others have had theirs: however many hang, no
    sound source is without its turn for more than one night.
    """
    looks = control.source_looks()
    hung = {
        name for name, look in looks.items() if look.state in (BrokenOff.state, SourceAway.state)
    }
    return sorted(asked.items(), key=lambda one: one[0] in hung)


def _places(settings: Settings, partner: str) -> Places:
    return Places(settings.partner(partner).inbox)


def _terms(settings: Settings, partner: str) -> Terms:
    part = settings.partner(partner)
    source = part.source
    return Terms(
        naming=Naming(
            partner=partner,
            mapping=load_mapping(partner, part.system, settings.mappings, settings.codes),
            pattern=part.files,
            sealed=part.encodes_with is not None,
        ),
        delivery=part.delivery,
        resupplies=part.resupplies,
        settle=timedelta(seconds=source.settle_seconds if source else 0),
        marker=source.marker if source else None,
    )


def _asked(
    settings: Settings, control: Control, clock: Clock, partner: str, again: bool, look_only: bool
) -> Asked:
    source = settings.partner(partner).source
    if source is None:
        raise ValueError("a partner without a source was asked for")
    places = _places(settings, partner)
    if not look_only:
        private_folder(places.pulling)
    terms = _terms(settings, partner)
    ledger = [] if again else control.pulls(partner)
    failed = failed_before(settings, control, partner) if ledger else {}
    return Asked(
        partner=partner,
        source=source,
        terms=terms,
        into=places.pulling,
        known=frozenset(row.stands_for for row in standing(ledger, terms)) - {""},
        failed=frozenset(
            row.stands_for for row in ledger if row.state == "refused" and row.digest in failed
        )
        - {""},
        secret=keyed_digest(settings, f"what lies at the source of {partner}").encode(),
        now=clock(),
        look_only=look_only,
    )


@dataclass(frozen=True)
class _Pulling:
    """A pull that is being made: by whom, and what the ledger holds so far."""

    settings: Settings
    control: Control
    recorder: Recorder
    clock: Clock
    again: bool


def _taken(by: _Pulling, asked: Asked, found: Fetched) -> Look:
    """Let what was pulled land, as far as the ledger lets it.

    Raises:
        Contradicted: A period came with other content and no re-supply is agreed; nothing lands.
        FailedItsChecks: All that is new failed its checks before; nothing lands.
        DiskFull: It cannot be moved.
    """
    partner, control, now = asked.partner, by.control, by.clock()
    ledger = control.pulls(partner)
    rows = [_row(by, asked, one, ledger, now) for one in found.deliveries]
    if refused := [row for row in rows if row.state == "refused"]:
        problem = contradicted(refused)
        told_before = {row.digest for row in ledger if row.state == "refused"}
        control.record_look(
            SourceLook(partner, now, problem.state, str(problem)),
            [row for row in refused if row.digest not in told_before],
        )
        raise problem
    lands = [row for row in rows if row.state == "landed"]
    failed = {} if by.again else failed_before(by.settings, control, partner)
    held_back = {row.digest for row in ledger if row.stands_for in found.failed}
    if not {row.digest for row in lands} - set(failed) and (lands or found.failed):
        at_fault = {row.digest for row in lands} | held_back
        raise failed_its_checks(partner, [failed[one] for one in at_fault if one in failed])
    landed = [one for one, row in zip(found.deliveries, rows, strict=True) if row.state == "landed"]
    told = _told(found, landed)
    look = SourceLook(partner, now, told.state, told.said)
    # What is known, and would not be known again without being pulled, says nothing new.
    new = [row for row in rows if row.state == "landed" or row.stands_for]
    if not landed:
        control.record_look(look, new)
        return told
    places = _places(by.settings, partner)
    gone = makes_room(places, landed, asked.terms.naming, asked.terms.delivery)
    detail = {"pulled": sum(one.count for one in landed), "made_room": len(gone)}
    audit = by.recorder.entry("collection", now, partner=partner, detail=detail)
    land(places, control, landed, gone, Entry(look, new, audit))
    return told


def _row(by: _Pulling, asked: Asked, one: Pulled, ledger: Sequence[Pull], now: datetime) -> Pull:
    """The line of the ledger of a delivery that was pulled, and what becomes of it."""
    row = Pull(
        partner=asked.partner,
        period=one.period,
        digest=keyed_digest(by.settings, one.digest),
        stands_for=one.stands_for,
        files=one.count,
        bytes=one.size,
        modified_at=one.modified,
        state="landed",
        at=now,
    )
    return replace(row, state=become(row, ledger, asked.terms, by.again))


def _told(found: Fetched, landed: Sequence[Pulled]) -> Look:
    """What is told of a look that went well."""
    files, size = sum(one.count for one in landed), sum(one.size for one in landed)
    said = [
        f"{_many(len(landed), 'delivery', 'deliveries')} of {_many(files, 'file')}, {size:,} bytes."
        if landed
        else "Nothing new."
    ]
    if found.arriving:
        lacking = f" ({', '.join(found.lacking)} not there yet)" if found.lacking else ""
        said.append(f"{_many(found.arriving, 'file')} still arriving{lacking}, for the next run.")
    if found.late:
        said.append(f"{_many(found.late, 'earlier snapshot')} passed over.")
    if found.failed:
        said.append(f"{_many(len(found.failed), 'delivery', 'deliveries')} failed checks before.")
    if found.others:
        said.append(f"{_many(found.others, 'file')} of no table of this partner.")
    state = PULLED if landed else ARRIVING if found.arriving else NOTHING_NEW
    return Look(state, " ".join(said), len(landed), files, size)


def _failed(error: JourneysError) -> Look:
    state = error.state if isinstance(error, SourceProblem) else "refused"
    return Look(state, str(error), problem=error)


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"
