"""What is done with keys: made, looked at, rotated, and destroyed with a receipt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.epochs import epochs_of, still_to_supply
from flows.files import private_folder, write_text
from flows.housekeeping import runs_in
from flows.keys import rewrap, ring_of, wrapped_in
from flows.settings import Settings
from flows.start import new_key
from governance.audit import Recorder
from schemas.errors import KeyProblem

if TYPE_CHECKING:
    from governance.control import Control
    from governance.keys.ring import KeyRing, Kind

RECEIPTS = "receipts"


@dataclass(frozen=True)
class EpochState:
    """One epoch of a key.

    Args:
        epoch: Its number.
        made: The day it was made.
        fingerprint: What tells it from another.
        state: `in use`, `coming`, `old` or `idle`.
        said: What that means now and what is to be done.
    """

    epoch: int
    made: date
    fingerprint: str
    state: str
    said: str


@dataclass(frozen=True)
class KeyState:
    """A key: its kind, where it is kept, its epochs, or why it cannot be used."""

    kind: str
    source: str
    epochs: tuple[EpochState, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Receipt:
    """That a key was destroyed, and what can no longer be read or made for it."""

    kind: str
    epochs: Mapping[int, str]
    destroyed_at: str
    by: str
    why: str
    consequence: str

    def text(self) -> str:
        """The receipt as JSON."""
        said = vars(self) | {"epochs": {str(n): mark for n, mark in self.epochs.items()}}
        return json.dumps(said, indent=2, sort_keys=True) + "\n"


CONSEQUENCES = {
    "identifier": "Nothing can be encoded or given a surrogate in these epochs again.",
    "store": "Identity and staging stores wrapped in these epochs cannot be opened again.",
    "release": "Warehouse releases wrapped in these epochs cannot be opened again.",
    "seal": "Files sealed to the hub in these epochs cannot be opened again.",
}


def new_keys(settings: Settings, today: date) -> dict[str, bool]:
    """Make the keys that partnership.yaml names and that are not there yet.

    Returns:
        Kind → whether it was made.

    Raises:
        KeyProblem: One cannot be written where it is to be kept.
    """
    made = {}
    for kind in settings.keys.named:
        source = settings.keys.source(kind)
        made[str(kind)] = source is not None and new_key(source, kind, today)
    return made


def key_states(settings: Settings) -> list[KeyState]:
    """Every key of the partnership and how each of its epochs stands."""
    with open_control(settings) as control:
        states = [_key_state(settings, control, kind) for kind in settings.keys.named]
        if settings.keys.identifier is None:
            states.insert(0, _held_elsewhere(settings, control))
        return states


def rotate(settings: Settings, kind: Kind, clock: Clock = utc_now) -> int:
    """Add an epoch to a key.

    The data keys of stores and releases are wrapped anew at once. A new identifier epoch is crossed
    into by the runs that follow, once every partner has supplied in it.

    Returns:
        The new epoch.

    Raises:
        KeyProblem: The key cannot be used or written, or the partnership is still crossing into
            the newest identifier epoch.
    """
    from governance.keys.custody import add_epoch

    with run_lock(settings), open_control(settings) as control:
        ring = ring_of(settings, kind)
        if kind == "identifier" and control.current_run() is not None:
            epochs = epochs_of(settings, control)
            if epochs.crossing:
                raise KeyProblem(
                    f"The partnership is still crossing into key epoch {epochs.newest}.",
                    "Wait until every partner has supplied in it (`journeys keys status`).",
                )
        source = settings.keys.source(kind)
        if source is None:
            raise KeyProblem(f"There is no {kind} key.", "Name one in partnership.yaml.")
        epoch = add_epoch(source, kind, local_day(clock()))
        if kind in ("store", "release"):
            rewrap(settings, kind, _wrapped(settings, ring))
        control.add_audit(
            _recorder(settings).entry("alteration", clock(), detail={"key": kind, "epoch": epoch})
        )
    return epoch


def destroy(
    settings: Settings,
    kind: Kind,
    epoch: int | None,
    *,
    why: str,
    clock: Clock = utc_now,
) -> Path:
    """Destroy one epoch of a key that nothing needs any more, or the whole key.

    Args:
        settings: The partnership.
        kind: Which key.
        epoch: Which epoch; None for all of them, which ends what the key protects.
        why: The reason, for the receipt.
        clock: The clock.

    Returns:
        Where the receipt is.

    Raises:
        KeyProblem: The epoch is still needed, is not there, or cannot be written over.
    """
    from governance.keys.custody import remove_epoch

    with run_lock(settings), open_control(settings) as control:
        ring = ring_of(settings, kind)
        gone = ring.epochs if epoch is None else (epoch,)
        marks = {one: ring.fingerprint(one) for one in gone}
        if epoch is not None:
            _refuse_if_needed(settings, control, ring, epoch)
        source = settings.keys.source(kind)
        if source is None:
            raise KeyProblem(f"There is no {kind} key.", "Name one in partnership.yaml.")
        for one in gone:
            remove_epoch(source, kind, one)
        moment = clock()
        receipt = Receipt(kind, marks, moment.isoformat(), actor(), why, CONSEQUENCES[kind])
        path = _write_receipt(settings, receipt)
        digest = hashlib.sha256(receipt.text().encode()).hexdigest()
        control.add_audit(
            _recorder(settings).entry(
                "erasure",
                moment,
                detail={"key": kind, "epochs": len(gone), "receipt": f"sha256:{digest}"},
            )
        )
    return path


def _write_receipt(settings: Settings, receipt: Receipt) -> Path:
    folder = private_folder(settings.folder / RECEIPTS)
    numbers = "-".join(str(epoch) for epoch in receipt.epochs)
    path = folder / f"key-{receipt.kind}-{numbers}.json"
    write_text(path, receipt.text())
    return path


def _refuse_if_needed(settings: Settings, control: Control, ring: KeyRing, epoch: int) -> None:
    """Refuse to destroy what data still stand on.

    Raises:
        KeyProblem: They do.
    """
    ring.root(epoch)
    if ring.kind == "identifier":
        epochs = epochs_of(settings, control)
        waiting = still_to_supply(settings, control.staged_extracts(), epochs.newest)
        if epoch >= epochs.in_use:
            told = f" Still to supply: {', '.join(waiting)}." if waiting else ""
            raise KeyProblem(
                f"Epoch {epoch} of the identifier key is still needed.{told}",
                "Run `journeys keys rotate identifier`, have every partner supply again, and run "
                "the journey; then destroy the old epoch.",
            )
    elif epoch == ring.newest or epoch in wrapped_in(settings, ring.kind, _wrapped(settings, ring)):
        raise KeyProblem(
            f"Epoch {epoch} of the {ring.kind} key is still needed.",
            f"Run `journeys keys rotate {ring.kind}` first; it wraps everything in a new epoch.",
        )


def _wrapped(settings: Settings, ring: KeyRing) -> list[str]:
    """The runs whose stores or releases have data keys that the ring wraps."""
    zones = {"store": settings.stores, "release": settings.releases}
    return sorted(runs_in(zones[ring.kind])) if ring.kind in zones else []


def _recorder(settings: Settings) -> Recorder:
    return Recorder(actor(), settings.purpose)


def _key_state(settings: Settings, control: Control, kind: Kind) -> KeyState:
    source = str(settings.keys.source(kind))
    try:
        ring = ring_of(settings, kind)
        states = _states(settings, control, ring)
    except KeyProblem as error:
        return KeyState(kind, source, problem=str(error))
    return KeyState(
        kind,
        source,
        tuple(
            EpochState(epoch, ring.made[epoch], ring.fingerprint(epoch), *states[epoch])
            for epoch in ring.epochs
        ),
    )


def _held_elsewhere(settings: Settings, control: Control) -> KeyState:
    """The identifier key where every partner encodes at source."""
    epochs = epochs_of(settings, control)
    waiting = still_to_supply(settings, control.staged_extracts(), epochs.newest)
    said = f"not at this hub: every partner encodes at source, in epoch {epochs.in_use}"
    if epochs.crossing:
        said += f"; still to supply in epoch {epochs.newest}: {', '.join(waiting)}"
    return KeyState("identifier", said)


def _states(settings: Settings, control: Control, ring: KeyRing) -> dict[int, tuple[str, str]]:
    if ring.kind == "identifier":
        return _identifier_states(settings, control, ring)
    if ring.kind == "seal":
        old = ("old", "opens what partners sealed before their bundle was renewed")
        return {n: ("in use", "") if n == ring.newest else old for n in ring.epochs}
    wrapping = wrapped_in(settings, ring.kind, _wrapped(settings, ring))
    return {
        n: ("in use", "") if n == ring.newest
        else ("old", "still wraps data keys") if n in wrapping
        else ("idle", "may be destroyed")
        for n in ring.epochs
    }  # fmt: skip


def _identifier_states(
    settings: Settings, control: Control, ring: KeyRing
) -> dict[int, tuple[str, str]]:
    epochs = epochs_of(settings, control)
    waiting = still_to_supply(settings, control.staged_extracts(), epochs.newest)
    states: dict[int, tuple[str, str]] = {}
    for epoch in ring.epochs:
        if epoch == epochs.in_use:
            states[epoch] = ("in use", "")
        elif epoch > epochs.in_use:
            states[epoch] = ("coming", f"still to supply: {', '.join(waiting) or 'nobody'}")
        else:
            states[epoch] = ("idle", "may be destroyed")
    return states


def report(states: list[KeyState]) -> list[dict[str, Any]]:
    """The states as plain values."""
    return [
        {
            "kind": state.kind,
            "source": state.source,
            "problem": state.problem,
            "epochs": [vars(one) | {"made": one.made.isoformat()} for one in state.epochs],
        }
        for state in states
    ]
