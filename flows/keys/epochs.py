"""Which epochs of the identifier key are in use, and the crossing from one to the next.

While the ring holds an old epoch and a new one, every extract that is taken in is encoded in both.
The stores stay in the old epoch, with those of the new beside them, until every partner has
supplied in the new one; in that run the new take their place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.keys.rings import key_check, ring_of
from governance.control import Control, Extract
from schemas.errors import KeyProblem

if TYPE_CHECKING:
    from flows.context import RunContext
    from flows.settings import Settings
    from governance.keys.ring import KeyRing
    from governance.keys.root import PurposeKey


@dataclass(frozen=True)
class Epochs:
    """The epoch the stores are in, and the newest there is."""

    in_use: int
    newest: int

    @property
    def crossing(self) -> bool:
        """Whether the stores are still to cross into the newest epoch."""
        return self.newest > self.in_use

    @property
    def wanted(self) -> tuple[int, ...]:
        """The epochs that an extract is to be encoded in."""
        return (self.in_use, self.newest) if self.crossing else (self.in_use,)


def epochs_of(
    settings: Settings, control: Control, sealed: Iterable[Collection[int]] = ()
) -> Epochs:
    """The epochs in use now.

    A hub that holds no identifier key goes by what its partners sealed, each in the epochs of its
    bundle and no other (`flows.intake.sealed.find_sealed`).

    Args:
        settings: The partnership.
        control: Its control database.
        sealed: The epochs of each sealed file that has arrived.

    Raises:
        KeyProblem: The identifier key cannot be used.
    """
    current = control.current_run()
    in_use = current.key_epoch if current is not None else None
    if settings.keys.identifier is not None:
        newest = ring_of(settings, "identifier").newest
        return Epochs(newest if in_use is None else in_use, newest)
    arrived = [max(epochs) for epochs in sealed]
    supplied = [one.key_epoch for one in control.staged_extracts().values()] + arrived
    if in_use is None:
        in_use = min(arrived, default=1)
    return Epochs(in_use, max([in_use, *supplied]))


def purpose_keys(run: RunContext, epochs: Epochs) -> dict[int, PurposeKey]:
    """The keys to encode with, by epoch.

    Raises:
        KeyProblem: The identifier key cannot be used, or lacks an epoch.
    """
    ring = ring_of(run.settings, "identifier")
    purpose = run.settings.purpose
    return {epoch: ring.root(epoch).purpose_key(purpose, epoch) for epoch in epochs.wanted}


def older_keys(run: RunContext, epochs: Iterable[int]) -> dict[int, PurposeKey]:
    """The keys of older epochs that suppression tokens stand on, where the ring still has them.

    Raises:
        KeyProblem: The identifier key cannot be used.
    """
    ring = ring_of(run.settings, "identifier")
    purpose = run.settings.purpose
    held = [epoch for epoch in epochs if epoch in ring.roots]
    return {epoch: ring.root(epoch).purpose_key(purpose, epoch) for epoch in held}


def check_same_key(run: RunContext, epochs: Epochs) -> None:
    """Check that the identifier key is the one the staged data were encoded with.

    Another key would encode everybody anew and end every person id without a word.

    Raises:
        KeyProblem: It is another, or the epoch that the stores are in is not in the ring.
    """
    if run.settings.keys.identifier is None:
        return
    ring = ring_of(run.settings, "identifier")
    if epochs.in_use not in ring.roots:
        raise KeyProblem(
            f"The identifier key has no epoch {epochs.in_use}, which the staged data are in.",
            "Put that epoch back from its custodian: it may go only once every partner has "
            "supplied in a newer one (`journeys keys status`).",
        )
    for staged in run.control.staged_extracts().values():
        if not _is_checked_by(ring, staged, run.settings.purpose):
            raise KeyProblem(
                "The identifier key is not the one this partnership's data were encoded with.",
                "Put the right key back from its custodian; with another, every person id would "
                "be lost.",
            )


def still_to_supply(
    settings: Settings, staged: Mapping[str, Extract], newest: int
) -> tuple[str, ...]:
    """Partners that have not supplied in the newest epoch yet."""
    return tuple(
        str(partner)
        for partner in settings.partners
        if partner not in staged or staged[partner].key_epoch < newest
    )


def _is_checked_by(ring: KeyRing, staged: Extract, purpose: str) -> bool:
    if staged.key_epoch not in ring.roots:
        return staged.key_epoch <= ring.newest
    key = ring.root(staged.key_epoch).purpose_key(purpose, staged.key_epoch)
    return staged.key_check == key_check(key)
