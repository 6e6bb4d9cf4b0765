"""Taking extracts in: pull → check the agreement → encode → stage.

Each step is told here; how is in `flows.sources` (from partners' sources into the inboxes),
`flows.agreements.terms` (what was agreed), `flows.intake.encoding` (from files to encodings),
`flows.intake.sealed` (what partners encoded themselves), `flows.intake.history` (earlier
deliveries), `flows.intake.making_way` (what is refused) and `flows.stores` (where it is put).

Files with names in them are opened in a child process only (`flows.intake.apart`); what is here
never holds a name. What is wrong with one partner's extract does not hide what is wrong with
another's: each step goes on with the partners that are sound, and `encode` ends by refusing the run
if any was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from flows.agreements.over_sharing import report_over_sharing
from flows.agreements.terms import (
    agreement_in_force,
    check_nobody_left,
    encodes_at_source,
    policy_of,
    reading_terms,
    staged_under,
)
from flows.carried import made_from, still_stands
from flows.context import RunContext
from flows.files import private_folder, write_text
from flows.intake import apart
from flows.intake.encoding import Job, Outcome, encode_each, find_each, request_of
from flows.intake.handed_on import Agreed, Parted, Problems, Pulled, Staged, Taken
from flows.intake.history import lateness_of
from flows.intake.increments import lost_periods, would_be_removed
from flows.intake.making_way import for_rights_alone, put_back
from flows.intake.records import check_own_records
from flows.intake.sealed import check_arrived, check_one_key, find_sealed, open_arrived
from flows.intake.taking import taken_in
from flows.keys.epochs import Epochs, check_same_key, epochs_of, older_keys, purpose_keys
from flows.keys.rings import check_rings, keyed_digest
from flows.releases.warehouse_files import check_warehouse_files
from flows.rights.suppressed import (
    older_epochs,
    reaching,
    tokens_in_force,
    without_suppressed,
)
from flows.safe_errors import Rejected, guarded
from flows.sources.inbox import Arrived
from flows.sources.pulling import has_half_landed, pull_sources
from flows.stores import fill_stores
from governance.agreements import Agreement
from governance.control import Extract
from schemas.errors import AgreementError, ExtractRejected, JourneysError

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised

Item = TypeVar("Item")
Made = TypeVar("Made")


def pull(run: RunContext) -> Pulled:
    """Pull what partners have at their sources, and find what every partner has sent.

    A source that fails is told of; its partner counts as one that sent nothing new.

    Raises:
        ConfigError: If a partner whose extract is staged is no longer in partnership.yaml, or the
            partnership's own policy, a mapping, a cohort or its population cannot be used.
        KeyProblem: If a key is missing, loose or unsound: told now, before an hour is spent.
    """
    check_nobody_left(run)
    policy_of(run)
    check_warehouse_files(run.settings, run.today)
    at_source = [name for name in run.settings.partners if encodes_at_source(run, name)]
    at_hub = [str(name) for name in run.settings.partners if name not in at_source]
    requests = [request_of(run.settings, name) for name in at_hub]
    check_rings(run.settings)
    looks = pull_sources(run.settings, run.control, run.recorder, run.clock)
    problems: Problems = {}
    # Of a delivery that could not land to the end some files are new and some are not.
    half = [name for name in run.settings.partners if has_half_landed(run.settings, name)]
    found: dict[str, Arrived | None] = dict.fromkeys(half)
    at_source = [name for name in at_source if name not in half]
    requests = [request for request in requests if request.partner not in half]
    arrived = apart.in_a_child(find_each, requests) if requests else {}
    for partner, one in arrived.items():
        if isinstance(one, JourneysError):
            _add(problems, partner, one)
            put_back(run, partner, problems)
        else:
            found[partner] = one and replace(one, digest=keyed_digest(run.settings, one.digest))
    sealed = ((partner, partner) for partner in at_source)
    opened = _each("pull", sealed, lambda partner, _: find_sealed(run, partner), problems)
    found |= {partner: one.arrived for partner, one in opened.items()}
    for partner in at_source:
        put_back(run, partner, problems)
    for partner, extract in found.items():
        lost = None if partner in half else lost_periods(run.control, extract)
        if lost:
            _add(problems, partner, lost)
        if extract is None and partner not in run.control.staged_extracts():
            failed = looks[partner].problem if partner in looks else None
            _add(problems, partner, failed or _nothing_ever(run, partner))
    passed_over = {partner: one.passed_over for partner, one in opened.items() if one.passed_over}
    return Pulled(found, problems, passed_over, looks)


def agree(run: RunContext, pulled: Pulled) -> Agreed:
    """Check every partner's agreement, whether or not it sent something new.

    An extract is taken in when its files or the terms it was staged under have changed. A partner
    without an agreement in force is stopped, and the others go on without it; where none is left,
    there is nothing to go on with.
    """
    sealed = [one.manifest.epochs for one in pulled.extracts.values() if one and one.manifest]
    epochs = epochs_of(run.settings, run.control, sealed)
    not_agreed: Problems = {}
    agreements = _each(
        "agreement",
        run.settings.partners.items(),
        lambda partner, _: agreement_in_force(run.settings, partner, run.today),
        not_agreed,
    )
    stopped = _stopped(not_agreed) if agreements else {}
    problems = {
        partner: [*pulled.problems.get(partner, ()), *not_agreed.get(partner, ())]
        for partner in [*pulled.problems, *(set(not_agreed) - set(pulled.problems))]
        if partner not in stopped
    }
    for partner, agreement in agreements.items():
        increments = run.settings.partner(partner).delivery == "increment"
        if increments and agreement.inbox_after_staging != "keep":
            _add(problems, partner, would_be_removed(partner))
    if agreements:
        guarded("agreement", check_same_key, run, epochs)
    fresh: dict[str, Arrived] = {}
    kept: dict[str, str] = {}
    late: dict[str, str] = {}
    for partner, agreement in agreements.items():
        arrived = pulled.extracts.get(partner)
        staged = run.control.staged_extracts().get(partner)
        same_terms = staged is not None and staged.staged_under == staged_under(run, agreement)
        behind = staged is not None and staged.key_epoch < epochs.newest
        if arrived is not None and _is_new(arrived, staged, same_terms, epochs):
            fresh[partner] = arrived
        elif staged is not None and not same_terms and partner not in problems:
            _add(problems, partner, _terms_changed(run, partner))
        else:
            kept[partner] = _why_kept(arrived, behind, epochs)
            if staged is not None:
                _look_for_lateness(run, staged, late, problems)
    _check_sealed(run, agreements, fresh, epochs, problems)
    return Agreed(
        agreements,
        epochs,
        fresh,
        kept,
        problems,
        late,
        pulled.passed_over,
        stopped,
        looks=pulled.looks,
    )


def encode(run: RunContext, agreed: Agreed) -> Parted:
    """Read, check and encode every new extract; write down which rows cannot be used.

    The files are read in a child process, and identifiers end with it. What a partner encoded
    itself is opened and checked here. Of either, what is of people who objected or were erased is
    left out, and a stand-in takes the place of every value that two people of the delivery share.

    Raises:
        Rejected: If anything so far was wrong with any partner, saying all of it; where a rights
            request waits the run goes on for that alone, and ends with it.
        KeyProblem: If the identifier key is missing, loose or unsound.
        ChildEnded: If the child was killed.
        StoreError: If the suppression tokens cannot be read.
    """
    from governance.pseudonymise import unshared

    problems = {partner: list(found) for partner, found in agreed.problems.items()}
    fresh = {name: one for name, one in agreed.fresh.items() if name not in problems}
    tokens = guarded("encode", tokens_in_force, run.settings, run.control)
    outcomes = _encoded_here(run, agreed, fresh, tokens) | _encoded_at_source(run, agreed, fresh)
    taken: dict[str, Taken] = {}
    parts: dict[str, Mapping[int, Pseudonymised]] = {}
    marks: dict[str, Mapping[int, pl.DataFrame]] = {}
    for partner, outcome in outcomes.items():
        if outcome.quarantine is not None:
            _write_quarantine(run, partner, outcome.quarantine)
        if outcome.encoded is None or outcome.problem is not None:
            _add(problems, partner, outcome.problem or _nothing_ever(run, partner))
            continue
        theirs = reaching(run.control, tokens, partner)
        left = guarded("encode", without_suppressed, partner, outcome.encoded, theirs)
        taken |= _each(
            "encode",
            [(partner, left)],
            lambda name, one: taken_in(run, agreed, fresh[name], *one),
            problems,
        )
        parts[partner] = guarded("encode", unshared, left[0].parts)
        marks[partner] = left[0].marks
    sealed = [name for name in parts if fresh[name].manifest is not None]
    for partner, error in guarded("encode", check_own_records, run, parts, sealed).items():
        _add(problems, partner, error)
    # Also what was refused before it was read, for what a sealed file says of itself.
    for partner in agreed.fresh:
        put_back(run, partner, problems)
    if problems:
        stopped = {name: [error] for name, error in agreed.stopped.items()}
        return for_rights_alone(run, agreed, Rejected(problems | stopped))
    return Parted(agreed, taken, parts, marks)


def stage(run: RunContext, parted: Parted) -> Staged:
    """Copy the current stores and put the new extracts into the copies.

    Where nothing is new, the stores of the current run are carried over.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    made = made_from(run, parted.agreed)
    stands = still_stands(run, parted, made)
    in_use = fill_stores(run, parted, stands)
    for partner, taken in parted.taken.items():
        report_over_sharing(run, partner, taken.facts, parted.agreed.agreements[partner])
    return Staged(parted.agreed, parted.taken, in_use, made, stands)


def _stopped(not_agreed: Problems) -> dict[str, AgreementError]:
    """The partners that have no agreement in force, each with the reason; no other failure."""
    first = {partner: found[0] for partner, found in not_agreed.items()}
    return {partner: one for partner, one in first.items() if isinstance(one, AgreementError)}


def _is_new(arrived: Arrived, staged: Extract | None, same_terms: bool, epochs: Epochs) -> bool:
    """Whether what lies in the inbox is to be taken in."""
    if staged is None or not same_terms:
        return True
    if arrived.manifest is None:
        return staged.key_epoch < epochs.newest or staged.digest != arrived.digest
    brings_an_epoch = max(arrived.manifest.epochs) > staged.key_epoch
    return arrived.manifest.delivery != staged.delivery or brings_an_epoch


def _check_sealed(
    run: RunContext,
    agreements: Mapping[str, Agreement],
    fresh: Mapping[str, Arrived],
    epochs: Epochs,
    problems: Problems,
) -> None:
    """Check what the new sealed files say of themselves."""
    sealed = {name: one.manifest for name, one in fresh.items() if one.manifest is not None}
    _each(
        "agreement",
        sealed.items(),
        lambda partner, manifest: check_arrived(run, manifest, agreements[partner], epochs),
        problems,
    )
    sound = {name: one for name, one in sealed.items() if name not in problems}
    for partner, error in check_one_key(run, sound, epochs).items():
        _add(problems, partner, error)


def _encoded_here(
    run: RunContext, agreed: Agreed, fresh: Mapping[str, Arrived], tokens: pl.DataFrame
) -> dict[str, Outcome]:
    """Extracts that the hub encodes, in a child process."""
    plain = {name: one for name, one in fresh.items() if one.manifest is None}
    if not plain:
        return {}
    keys = purpose_keys(run, agreed.epochs)
    older = older_keys(run, older_epochs(tokens, agreed.epochs))
    jobs = [
        Job(arrived, reading_terms(run, agreed.agreements[partner]), keys, older)
        for partner, arrived in plain.items()
    ]
    return apart.in_a_child(encode_each, jobs)


def _encoded_at_source(
    run: RunContext, agreed: Agreed, fresh: Mapping[str, Arrived]
) -> dict[str, Outcome]:
    """Extracts that partners encoded themselves."""
    sealed = {name: one for name, one in fresh.items() if one.manifest is not None}
    problems: Problems = {}
    opened = _each(
        "encode",
        sealed.items(),
        lambda name, one: open_arrived(run, one, agreed.agreements[name], agreed.epochs),
        problems,
    )
    refused = {name: Outcome(problem=found[0]) for name, found in problems.items()}
    return {name: Outcome(one) for name, one in opened.items()} | refused


def _write_quarantine(run: RunContext, partner: str, quarantine: pl.DataFrame) -> None:
    """Say which rows could not be used and by which rule, never what they held.

    It is written even where the extract is refused: the partner needs it to put the extract right.
    """
    private_folder(run.settings.quarantine)
    private_folder(run.quarantine)
    write_text(run.quarantine / f"{partner}.csv", quarantine.write_csv())


def _each(
    step: str,
    items: Iterable[tuple[str, Item]],
    make: Callable[[str, Item], Made],
    problems: Problems,
) -> dict[str, Made]:
    """Make something of every partner's item; what goes wrong is put among the problems."""
    made: dict[str, Made] = {}
    for partner, item in items:
        try:
            made[partner] = guarded(step, make, partner, item)
        except JourneysError as error:
            _add(problems, partner, error)
    return made


def _add(problems: Problems, partner: str, error: JourneysError) -> None:
    problems.setdefault(partner, []).append(error)


def _nothing_ever(run: RunContext, partner: str) -> ExtractRejected:
    what = "what it sealed" if encodes_at_source(run, partner) else "its tables"
    out = partner in {one.partner for one in run.control.removals()}
    return ExtractRejected(
        f"The data of {partner} were deleted when they had been kept for long enough, and no "
        "extract has come since."
        if out
        else f"No extract has ever come from {partner}.",
        f"Put {what} into {run.settings.partner(partner).inbox}, then run again.",
    )


def _why_kept(arrived: Arrived | None, behind: bool, epochs: Epochs) -> str:
    if behind:
        return f"no new extract, and none yet in key epoch {epochs.newest}"
    return "no new extract" if arrived is None else "unchanged"


def _terms_changed(run: RunContext, partner: str) -> ExtractRejected:
    pulled = run.settings.partner(partner).source is not None
    return ExtractRejected(
        f"The agreement, key or program changed since the {partner} extract was staged, and the "
        "extract is no longer in the inbox.",
        f"Pull it once more (`journeys pull {partner} --again`), then run again."
        if pulled
        else f"Ask {partner} to send it again, then run again.",
    )


def _look_for_lateness(
    run: RunContext, staged: Extract, late: dict[str, str], problems: Problems
) -> None:
    """Say that a partner which sent nothing new is further behind than it usually is."""
    partner, found = staged.partner, lateness_of(run, staged)
    if found is None:
        return
    if found.response == "stop":
        _add(problems, partner, ExtractRejected(found.said, f"Ask {partner} for its extract."))
    else:
        late[partner] = found.said
