"""Pulling what partners have at their sources into the inboxes, before a run looks into them.

The files are pulled in a child process (`flows.sources.fetching`). Here it is decided by the ledger
what becomes of them. A source that fails changes nothing: its partner counts as one that sent
nothing new, and the data lead is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.agreements.terms import agreement_in_force
from flows.clock import Clock, local_day
from flows.files import private_folder, remove_folder
from flows.intake import apart
from flows.keys.rings import keyed_digest
from flows.safe_errors import guarded
from flows.settings import Settings
from flows.sources.choosing import Terms
from flows.sources.fetching import Asked, Fetched, Pulled, fetch_each, move_away
from flows.sources.landing import Places, clear, land
from flows.sources.look import ARRIVING, NOTHING_NEW, PULLED, Finding, Look
from flows.sources.naming import Naming
from flows.sources.problems import Contradicted, SourceProblem
from governance.audit import Recorder
from governance.control import Control, Pull, PullState, SourceLook
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
                guarded("pull", clear, _places(settings, partner))
            if settings.partner(partner).source is not None:
                if not look_only:
                    # Nothing is collected without an agreement in force.
                    guarded("pull", agreement_in_force, settings, partner, local_day(clock()))
                asked[partner] = _asked(settings, control, clock, partner, again, look_only)
        except JourneysError as error:
            looks[partner] = _failed(error)
    fetched = apart.in_a_child(fetch_each, list(asked.values())) if asked else {}
    for partner, found in fetched.items():
        try:
            if isinstance(found, JourneysError):
                raise found
            if look_only:
                looks[partner] = _told(found, found.deliveries)
                continue
            one = asked[partner]
            looks[partner] = guarded(
                "pull", _taken, settings, control, recorder, clock, one, found, again
            )
        except JourneysError as error:
            looks[partner] = _failed(error)
        finally:
            if not look_only:
                remove_folder(asked[partner].into)
    for partner, look in looks.items() if not look_only else ():
        control.record_look(SourceLook(partner, clock(), look.state, look.said))
    return looks


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
    found = apart.in_a_child(fetch_each, [asked])[partner]
    if isinstance(found, JourneysError):
        return [Finding(False, found.problem, found.remedy)]
    told = _told(found, found.deliveries)
    return [Finding(True, f"The {source.kind} source lets us in."), Finding(True, told.said)]


def has_half_landed(settings: Settings, partner: str) -> bool:
    """Whether a delivery is on its way into a partner's inbox, and could not land to the end."""
    return _places(settings, partner).landing.is_dir()


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
    for partner in taken:
        source = run.settings.partner(partner).source
        keeps = agreed.agreements[partner].inbox_after_staging == "keep"
        if source is None or source.archive is None or keeps:
            continue
        try:
            asked = _asked(run.settings, run.control, run.clock, partner, False, True)
            guarded("pull", apart.in_a_child, move_away, asked)
        except JourneysError as error:
            said.append(
                f"The run is committed, but the files of {partner} could not be moved at its "
                f"source. {error}"
            )
    return said


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
    rows = [] if again else _standing(control.pulls(partner), terms)
    return Asked(
        partner=partner,
        source=source,
        terms=terms,
        into=places.pulling,
        known=frozenset(row.stands_for for row in rows) - {""},
        secret=keyed_digest(settings, f"what lies at the source of {partner}").encode(),
        now=clock(),
        look_only=look_only,
    )


def _standing(ledger: Sequence[Pull], terms: Terms) -> list[Pull]:
    """The deliveries that need not be looked into: none that was refused or that made room."""
    taken = [row for row in ledger if row.state != "refused"]
    if terms.naming.sealed:
        return taken
    digests = {row.digest for row in taken if row.state in ("landed", "late")}
    return [row for row in taken if row.digest in digests]


def _taken(
    settings: Settings,
    control: Control,
    recorder: Recorder,
    clock: Clock,
    asked: Asked,
    found: Fetched,
    again: bool,
) -> Look:
    """Let what was pulled land, as far as the ledger lets it.

    Raises:
        Contradicted: A period came with other content and no re-supply is agreed; nothing lands.
        DiskFull: It cannot be moved.
    """
    partner, ledger, now = asked.partner, control.pulls(asked.partner), clock()
    rows: list[Pull] = []
    for one in found.deliveries:
        digest = keyed_digest(settings, one.digest)
        row = Pull(
            partner=partner,
            period=one.period,
            digest=digest,
            stands_for=one.stands_for,
            files=one.count,
            bytes=one.size,
            modified_at=one.modified,
            state="landed",
            at=now,
        )
        rows.append(replace(row, state=become(row, ledger, asked.terms, again)))
    if refused := [row for row in rows if row.state == "refused"]:
        problem = _contradicted(refused)
        told_before = {row.digest for row in ledger if row.state == "refused"}
        control.record_look(
            SourceLook(partner, now, problem.state, str(problem)),
            [row for row in refused if row.digest not in told_before],
        )
        raise problem
    landed = [one for one, row in zip(found.deliveries, rows, strict=True) if row.state == "landed"]
    if landed:
        gone = land(_places(settings, partner), landed, asked.terms.naming, asked.terms.delivery)
        detail = {"pulled": sum(one.count for one in landed), "made_room": gone}
        control.add_audit(recorder.entry("collection", now, partner=partner, detail=detail))
    look = _told(found, landed)
    # What is known, and would not be known again without being pulled, says nothing new.
    new = [row for row in rows if row.state == "landed" or row.stands_for]
    control.record_look(SourceLook(partner, now, look.state, look.said), new)
    return look


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


def _contradicted(refused: Sequence[Pull]) -> Contradicted:
    periods = ", ".join(row.period for row in refused)
    return Contradicted(
        f"The source holds another extract of {periods} than the one that was taken in.",
        "Ask the partner which is right. If the later one is, agree on re-supplies "
        "(`resupplies: newest`); if the earlier one is, have the other taken away. Nothing of it "
        "was taken.",
    )


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
    if found.others:
        said.append(f"{_many(found.others, 'file')} of no table of this partner.")
    state = PULLED if landed else ARRIVING if found.arriving else NOTHING_NEW
    return Look(state, " ".join(said), len(landed), files, size)


def _failed(error: JourneysError) -> Look:
    state = error.state if isinstance(error, SourceProblem) else "refused"
    return Look(state, str(error), problem=error)


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"
