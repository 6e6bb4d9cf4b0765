"""Taking extracts in: pull → check the agreement → validate → pseudonymise → stage.

Each step is told here; how is in `flows.terms` (what was agreed), `flows.reading` (the files),
`flows.history` (earlier deliveries) and `flows.stores` (where it is put).

What is wrong with one partner's extract does not hide what is wrong with another's: each step
goes on with the partners that are sound, and `validate` ends by refusing the run if any was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from flows.context import RunContext
from flows.epochs import Epochs, check_same_key, epochs_of, purpose_keys
from flows.history import lateness_of
from flows.keys import check_rings
from flows.reading import Taken, find, take
from flows.safe_errors import Rejected, guarded
from flows.sources import Arrived
from flows.stores import fill_stores
from flows.terms import (
    agreement_in_force,
    check_nobody_left,
    mapping_of,
    policy_of,
    staged_under,
)
from governance.agreements import Agreement
from governance.control import Extract
from schemas.errors import ExtractRejected, JourneysError

if TYPE_CHECKING:
    from governance.pseudonymise import Pseudonymised

Item = TypeVar("Item")
Made = TypeVar("Made")

Problems = dict[str, list[JourneysError]]


@dataclass(frozen=True)
class Pulled:
    """What is in the inboxes: an extract of each partner, or None where it sent nothing new."""

    extracts: Mapping[str, Arrived | None]
    problems: Problems


@dataclass(frozen=True)
class Agreed:
    """Extracts that an agreement in force covers.

    `fresh` are to be taken in; `kept` are partners whose staged extract stays, and why; `late`
    says which of those are further behind than they usually are.
    """

    agreements: Mapping[str, Agreement]
    fresh: Mapping[str, Arrived]
    kept: Mapping[str, str]
    problems: Problems
    late: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """Every partner's extract, valid rows only."""

    agreed: Agreed
    taken: Mapping[str, Taken]


@dataclass(frozen=True)
class Parted:
    """Encodings on one side and events on the other, in each epoch; only record ids join them."""

    checked: Checked
    parts: Mapping[str, Mapping[int, Pseudonymised]] = field(repr=False)


@dataclass(frozen=True)
class Staged:
    """This run's own stores, with the new extracts in the place of the old.

    `key_epoch` is the epoch of the identifier key that they are in.
    """

    agreed: Agreed
    taken: Mapping[str, Taken]
    key_epoch: int


def pull(run: RunContext) -> Pulled:
    """Find what every partner has sent.

    Raises:
        ConfigError: If a partner whose extract is staged is no longer in partnership.yaml, or the
            partnership's own policy or a mapping cannot be used.
        KeyProblem: If a key is missing, loose or unsound: told now, before an hour is spent.
    """
    check_nobody_left(run)
    policy_of(run)
    mappings = [(partner, mapping_of(run, partner)) for partner in run.settings.partners]
    check_rings(run.settings)
    problems: Problems = {}
    found = _each("pull", mappings, lambda partner, one: find(run, partner, one), problems)
    for partner, arrived in found.items():
        if arrived is None and partner not in run.control.staged_extracts():
            _add(problems, partner, _nothing_ever(run, partner))
    return Pulled(found, problems)


def agree(run: RunContext, pulled: Pulled) -> Agreed:
    """Check every partner's agreement, whether or not it sent something new.

    An extract is taken in when its files or the terms it was staged under have changed.
    """
    problems = {partner: list(found) for partner, found in pulled.problems.items()}
    epochs = epochs_of(run.settings, run.control)
    agreements = _each(
        "agreement",
        run.settings.partners.items(),
        lambda partner, _: agreement_in_force(run.settings, partner, run.today),
        problems,
    )
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
        unchanged = same_terms and not behind
        if arrived is not None and not (unchanged and staged and staged.digest == arrived.digest):
            fresh[partner] = arrived
        elif staged is not None and not same_terms and partner not in problems:
            _add(problems, partner, _terms_changed(partner))
        else:
            kept[partner] = _why_kept(arrived, behind, epochs)
            if staged is not None:
                _look_for_lateness(run, staged, late, problems)
    return Agreed(agreements, fresh, kept, problems, late)


def validate(run: RunContext, agreed: Agreed) -> Checked:
    """Read and check every new extract; write down which rows cannot be used.

    Raises:
        Rejected: If anything so far was wrong with any partner, saying all of it.
    """
    problems = {partner: list(found) for partner, found in agreed.problems.items()}
    taken = _each(
        "validate",
        ((p, arrived) for p, arrived in agreed.fresh.items() if p not in problems),
        lambda partner, arrived: take(run, arrived, agreed.agreements[partner]),
        problems,
    )
    if problems:
        raise Rejected(problems)
    return Checked(agreed, taken)


def pseudonymise(run: RunContext, checked: Checked) -> Parted:
    """Part identifiers from events, in memory; identifiers go no further than this.

    Raises:
        KeyProblem: If the identifier key is missing, loose or unsound.
    """
    from governance.pseudonymise import pseudonymise as part

    if not checked.taken:
        return Parted(checked, {})
    keys = purpose_keys(run, epochs_of(run.settings, run.control))
    agreements = checked.agreed.agreements
    parts = {
        partner: {
            epoch: part(one.validated, agreements[partner], key) for epoch, key in keys.items()
        }
        for partner, one in checked.taken.items()
    }
    return Parted(checked, parts)


def stage(run: RunContext, parted: Parted) -> Staged:
    """Copy the current stores and put the new extracts into the copies.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    taken = parted.checked.taken
    ledgers = {partner: one.ledger for partner, one in taken.items()}
    epochs = epochs_of(run.settings, run.control)
    in_use = fill_stores(run, parted.parts, ledgers, epochs)
    return Staged(parted.checked.agreed, taken, in_use)


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
    return ExtractRejected(
        f"No extract has ever come from {partner}.",
        f"Put its tables into {run.settings.partner(partner).inbox}, then run again.",
    )


def _why_kept(arrived: Arrived | None, behind: bool, epochs: Epochs) -> str:
    if behind:
        return f"no new extract, and none yet in key epoch {epochs.newest}"
    return "no new extract" if arrived is None else "unchanged"


def _terms_changed(partner: str) -> ExtractRejected:
    return ExtractRejected(
        f"The agreement, key or program changed since the {partner} extract was staged, and the "
        "extract is no longer in the inbox.",
        f"Ask {partner} to send it again, then run again.",
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
