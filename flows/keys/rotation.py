"""What is done with keys: made, looked at and rotated; destroyed by `flows.keys.destruction`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.clock import Clock, local_day, utc_now
from flows.context import open_control, run_lock
from flows.keys.destruction import put_in_order, recorder, wrapped_runs
from flows.keys.epochs import epochs_of, still_to_supply
from flows.keys.receipts import readable
from flows.keys.rings import rewrap, ring_of, source_of, wrapped_in
from flows.record.signing import can_sign, keep_public_keys
from flows.settings import Settings
from flows.start import new_key
from schemas.errors import JourneysError, KeyProblem

if TYPE_CHECKING:
    from governance.control import Control
    from governance.keys.ring import KeyRing, Kind


OLD_EPOCHS = {
    "seal": "opens what partners sealed before their bundle was renewed",
    "record": "signs nothing; what it signed is checked with its public half in checkpoints/",
}
"""Of keys that wrap nothing: what an epoch that is not the newest is good for."""


@dataclass(frozen=True)
class EpochState:
    """One epoch of a key.

    Args:
        epoch: Its number.
        made: The day it was made.
        fingerprint: What tells it from another: of the record key, what every signature bears.
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
    """A key: its kind, where it is kept, its epochs, what is to be done, or why it is of no use."""

    kind: str
    source: str
    epochs: tuple[EpochState, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()


def new_keys(settings: Settings, today: date) -> dict[str, bool]:
    """Make the keys that partnership.yaml names and that are not there yet.

    Returns:
        Kind → whether it was made.

    Raises:
        KeyProblem: One cannot be written where it is to be kept, or the partnership has run with
            one that is not there now.
    """
    with run_lock(settings), open_control(settings) as control:
        put_in_order(settings, control, settings.keys.named)
        for named in settings.keys.named:
            _refuse_in_place_of_a_lost_one(settings, control, named)
        made = {
            str(kind): new_key(source_of(settings, kind), kind, today)
            for kind in settings.keys.named
        }
        if can_sign(settings):
            keep_public_keys(settings)
        for kind in (name for name, fresh in made.items() if fresh):
            detail: dict[str, int | str] = {"key": kind, "state": "made"}
            control.add_audit(recorder(settings).entry("oversight", utc_now(), detail=detail))
        return made


def _refuse_in_place_of_a_lost_one(settings: Settings, control: Control, kind: Kind) -> None:
    """Refuse to make a key where something that is kept needs the one that was there.

    A new identifier key would give every record, and so every person, another id; a new store or
    release key opens nothing.
    """
    from governance.keys.custody import is_there

    run = control.current_run()
    if run is None or is_there(source_of(settings, kind)):
        return
    in_use = (
        any(one.delivery is None for one in control.staged_extracts().values())
        if kind == "identifier"
        else bool(wrapped_in(settings, kind, [run.run_id]))
    )
    if in_use:
        raise KeyProblem(
            f"The {kind} key is missing, and this partnership has run with it.",
            "Put it back from its custodian or from safe custody. A new one would open nothing "
            "that is here and know nobody again, so none was made.",
        )


def key_states(settings: Settings) -> list[KeyState]:
    """Every key of the partnership and how each of its epochs stands.

    What killed commands left is taken away first, unless another command is at work.
    """
    with open_control(settings) as control:
        with suppress(JourneysError), run_lock(settings):
            put_in_order(settings, control, settings.keys.named)
        states = _apart(
            settings, [_key_state(settings, control, kind) for kind in settings.keys.named]
        )
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
        put_in_order(settings, control, [kind], clock)
        if kind == "identifier" and control.current_run() is not None:
            epochs = epochs_of(settings, control)
            if epochs.crossing:
                raise KeyProblem(
                    f"The partnership is still crossing into key epoch {epochs.newest}.",
                    "Wait until every partner has supplied in it (`journeys keys status`).",
                )
        epoch = add_epoch(source_of(settings, kind), kind, local_day(clock()))
        control.add_audit(
            recorder(settings).entry("oversight", clock(), detail={"key": kind, "epoch": epoch})
        )
        if kind == "record":
            keep_public_keys(settings)
        if kind in ("store", "release"):
            rewrap(settings, kind, wrapped_runs(settings, kind))
    return epoch


def _key_state(settings: Settings, control: Control, kind: Kind) -> KeyState:
    source, notes = str(settings.keys.source(kind)), _cut_short(settings, kind)
    try:
        ring = ring_of(settings, kind)
        states = _states(settings, control, ring)
        notes += _of_halves(settings, kind)
    except KeyProblem as error:
        return KeyState(kind, source, problem=str(error), notes=notes)
    return KeyState(
        kind,
        source,
        tuple(
            EpochState(epoch, ring.made[epoch], _mark(ring, epoch), *states[epoch])
            for epoch in ring.epochs
        ),
        notes=notes,
    )


def _apart(settings: Settings, states: list[KeyState]) -> list[KeyState]:
    """The states, with a problem where a key has a root of one before it: no run takes such two."""
    from governance.keys.ring import refuse_shared

    rings: list[KeyRing] = []
    told = []
    for state, kind in zip(states, settings.keys.named, strict=True):
        try:
            if not state.problem:
                ring = ring_of(settings, kind)
                refuse_shared([*rings, ring])
                rings.append(ring)
            told.append(state)
        except KeyProblem as error:
            told.append(replace(state, problem=str(error)))
    return told


def _mark(ring: KeyRing, epoch: int) -> str:
    """What tells an epoch from another; of the record key the mark that its signatures bear."""
    if ring.kind != "record":
        return ring.fingerprint(epoch)
    from governance.record.signing import public_key

    return public_key(ring, epoch).mark


def _cut_short(settings: Settings, kind: Kind) -> tuple[str, ...]:
    """The destructions of a key that were begun and not finished, and what is to be done."""
    read, faults = readable(settings, kind)
    begun = [one for one in read if one.state == "begun"]
    return tuple(str(fault) for fault in faults) + tuple(
        f"A destruction was begun on {one.begun_at[:10]} and not finished (receipt {one.number}): "
        f"run `journeys keys destroy {kind}` with "
        f"{'--everything' if one.everything else f'--epoch {next(iter(one.epochs))}'} again."
        for one in begun
    )


def _of_halves(settings: Settings, kind: Kind) -> tuple[str, ...]:
    """How two halves of a key differ, and what is to be done.

    Raises:
        KeyProblem: One lacks the other's newest epoch.
    """
    from governance.keys.custody import epochs_apart, refuse_stale

    source = source_of(settings, kind)
    refuse_stale(source, kind)
    apart = ", ".join(str(epoch) for epoch in epochs_apart(source, kind))
    return (f"One half alone has epoch {apart}: it opens nothing.",) if apart else ()


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
    if ring.kind in OLD_EPOCHS:
        old = ("old", OLD_EPOCHS[ring.kind])
        return {n: ("in use", "") if n == ring.newest else old for n in ring.epochs}
    wrapping = wrapped_in(settings, ring.kind, wrapped_runs(settings, ring.kind))
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
    tokens = control.standing_tokens()
    states: dict[int, tuple[str, str]] = {}
    for epoch in ring.epochs:
        if epoch == epochs.in_use:
            states[epoch] = ("in use", "")
        elif epoch > epochs.in_use:
            states[epoch] = ("coming", f"still to supply: {', '.join(waiting) or 'nobody'}")
        elif tokens.get(epoch):
            states[epoch] = ("old", f"{tokens[epoch]:,} suppression tokens are in no newer epoch")
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
            "notes": list(state.notes),
            "epochs": [vars(one) | {"made": one.made.isoformat()} for one in state.epochs],
        }
        for state in states
    ]
