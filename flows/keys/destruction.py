"""Destroying a key: only what nothing needs, with a receipt, and finished where it was cut short.

The receipt and an audit entry are written first, then the key is written over where it stands, then
the receipt is completed. Whatever is cut short between two of these, the same command finishes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.context import actor, open_control, run_lock
from flows.housekeeping import runs_in
from flows.keys.epochs import epochs_of, still_to_supply
from flows.keys.receipts import Receipt, next_number, receipt_path, receipts, write_receipt
from flows.keys.rings import ring_of, source_of, wrapped_in
from flows.readers.reasons import checked_reason
from flows.record.signing import keep_public_keys
from flows.settings import Settings
from governance.audit import Recorder
from schemas.errors import KeyProblem

if TYPE_CHECKING:
    from governance.control import Control
    from governance.keys.ring import KeyRing, Kind
    from governance.keys.sources import KeySource

CONSEQUENCES = {
    "identifier": "Nothing can be encoded or given a surrogate in these epochs again.",
    "store": "Identity and staging stores wrapped in these epochs cannot be opened again.",
    "release": "Warehouse releases wrapped in these epochs cannot be opened again.",
    "seal": "Files sealed to the hub in these epochs cannot be opened again.",
    "record": "Nothing can be signed in these epochs again; what was signed can still be checked.",
}


def destroy(
    settings: Settings,
    kind: Kind,
    epoch: int | None,
    *,
    why: str,
    lose_tokens: bool = False,
    clock: Clock = utc_now,
) -> Path:
    """Destroy one epoch of a key that nothing needs any more, or the whole key.

    Args:
        settings: The partnership.
        kind: Which key.
        epoch: Which epoch; None for all of them, which ends what the key protects.
        why: The reason, for the receipt; that of a destruction which was begun stays.
        lose_tokens: Whether an identifier epoch may go though suppression tokens stand on it. The
            receipt then says that whom they are of is taken in again if they come.
        clock: The clock.

    Returns:
        Where the receipt is; that of a destruction which was finished before, if it was.

    Raises:
        KeyProblem: The epoch is still needed, is not there, or cannot be written over.
        ConfigError: The reason may not be kept: it looks as if it named somebody.
    """
    from governance.keys.custody import tidy

    said = checked_reason(why)
    with run_lock(settings), open_control(settings) as control:
        source = source_of(settings, kind)
        for receipt in put_in_order(settings, control, [kind], clock):
            if _is_of(receipt, epoch):
                return receipt_path(settings, receipt)
        # Who wants all of a key gone wants gone what was begun of it.
        begun = [one for one in unfinished(settings, kind) if epoch is None or _is_of(one, epoch)]
        for receipt in begun:
            _refuse_exchanged(settings, source, kind, receipt)
            path = _finish(settings, control, source, receipt, clock)
        before = None if begun else _done_before(settings, source, kind, epoch)
        if before is not None:
            return receipt_path(settings, before)
        if not any(_is_of(one, epoch) for one in begun):
            receipt = _begin(settings, control, source, kind, epoch, said, lose_tokens, clock)
            path = _finish(settings, control, source, receipt, clock)
        if not unfinished(settings, kind):
            tidy(source)
    return path


def unfinished(settings: Settings, kind: Kind) -> list[Receipt]:
    """The destructions of a key that were begun and cut short, oldest first."""
    return [one for one in receipts(settings) if one.kind == kind and one.state == "begun"]


def put_in_order(
    settings: Settings, control: Control, kinds: Collection[Kind], clock: Clock = utc_now
) -> list[Receipt]:
    """Take away what killed keys commands left, and audit what they had no time to. Hold the lock.

    What they began to destroy is not touched: only `destroy` finishes that.

    Returns:
        The receipts that were audited only now.

    Raises:
        KeyProblem: A leftover cannot be taken away.
    """
    from governance.keys.custody import clear_leftovers_of, tidy

    for kind in kinds:
        if unfinished(settings, kind):
            clear_leftovers_of(source_of(settings, kind))
        else:
            tidy(source_of(settings, kind))
    audited = {entry.detail.get("receipt") for entry in control.audit_entries("erasure")}
    done = [one for one in receipts(settings) if one.kind in kinds and one.state == "destroyed"]
    late = [one for one in done if one.digest not in audited]
    for receipt in late:
        _audit(settings, control, receipt, clock)
    return late


def wrapped_runs(settings: Settings, kind: str) -> list[str]:
    """The runs whose stores or releases have data keys that a ring of a kind wraps."""
    zones = {"store": settings.stores, "release": settings.releases}
    return sorted(runs_in(zones[kind])) if kind in zones else []


def recorder(settings: Settings) -> Recorder:
    """Whoever acts on keys now."""
    return Recorder(actor(), settings.purpose)


def _is_of(receipt: Receipt, epoch: int | None) -> bool:
    """Whether a receipt is of the destruction of an epoch, or of all of them for None."""
    if epoch is None:
        return receipt.everything
    return not receipt.everything and receipt.epochs.keys() == {epoch}


def _done_before(
    settings: Settings, source: KeySource, kind: Kind, epoch: int | None
) -> Receipt | None:
    """The receipt of what was destroyed to the end before, while nothing of it is there again."""
    from governance.keys.custody import epochs_left, is_there

    gone = [one for one in receipts(settings) if one.kind == kind and one.state == "destroyed"]
    told = [one for one in gone if (one.everything if epoch is None else epoch in one.epochs)]
    if not told:
        return None
    left = epochs_left(source, kind) if is_there(source) else frozenset()
    return None if (left if epoch is None else epoch in left) else told[-1]


def _begin(
    settings: Settings,
    control: Control,
    source: KeySource,
    kind: Kind,
    epoch: int | None,
    why: str,
    lose_tokens: bool,
    clock: Clock,
) -> Receipt:
    """Check that it may and can be done, and write down that it is begun."""
    from governance.keys.custody import check_changeable

    check_changeable(source)
    ring = ring_of(settings, kind)
    if kind == "record":
        keep_public_keys(settings)
    lost = ""
    if epoch is not None:
        _refuse_if_needed(settings, control, ring, epoch)
        lost = _tokens_lost(control, ring, epoch, lose_tokens)
    receipt = Receipt(
        number=next_number(settings),
        kind=kind,
        epochs={one: ring.fingerprint(one) for one in (ring.epochs if epoch is None else (epoch,))},
        everything=epoch is None,
        state="begun",
        begun_at=clock().isoformat(),
        destroyed_at="",
        by=actor(),
        why=why,
        consequence=CONSEQUENCES[kind] + lost,
    )
    write_receipt(settings, receipt)
    _audit(settings, control, receipt, clock)
    return receipt


def _finish(
    settings: Settings, control: Control, source: KeySource, receipt: Receipt, clock: Clock
) -> Path:
    """Destroy what a receipt names, complete the receipt and audit it."""
    from governance.keys.custody import remove_epochs

    remove_epochs(source, None if receipt.everything else tuple(receipt.epochs))
    done = replace(receipt, state="destroyed", destroyed_at=clock().isoformat())
    path = write_receipt(settings, done)
    _audit(settings, control, done, clock)
    return path


def _audit(settings: Settings, control: Control, receipt: Receipt, clock: Clock) -> None:
    detail: dict[str, int | str] = {
        "key": receipt.kind,
        "epochs": len(receipt.epochs),
        "state": receipt.state,
        "receipt": receipt.digest,
    }
    control.add_audit(recorder(settings).entry("erasure", clock(), detail=detail))


def _refuse_exchanged(settings: Settings, source: KeySource, kind: Kind, receipt: Receipt) -> None:
    """Refuse to finish on another key than the one that the destruction was begun of.

    Raises:
        KeyProblem: An epoch that it names is there with another root.
    """
    from governance.keys.custody import epochs_left

    left = epochs_left(source, kind) & receipt.epochs.keys()
    ring = ring_of(settings, kind) if left else None
    if ring is not None and any(ring.fingerprint(one) != receipt.epochs[one] for one in left):
        raise KeyProblem(
            f"The {kind} key that is there is not the one whose destruction was begun.",
            f"Put that one back from its custodian, or take receipt {receipt.number} out of "
            "`receipts/` if it is not to be destroyed.",
        )


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
    elif epoch == ring.newest or epoch in wrapped_in(
        settings, ring.kind, wrapped_runs(settings, ring.kind)
    ):
        raise KeyProblem(
            f"Epoch {epoch} of the {ring.kind} key is still needed.",
            f"Run `journeys keys rotate {ring.kind}` first; it wraps everything in a new epoch.",
        )


def _tokens_lost(control: Control, ring: KeyRing, epoch: int, lose_tokens: bool) -> str:
    """What is lost for objections and erasures with an identifier epoch, in a sentence.

    Raises:
        KeyProblem: A request waits, or tokens stand on the epoch and may not be lost.
    """
    if ring.kind != "identifier":
        return ""
    if any(one.applied_run is None for one in control.rights_requests()):
        raise KeyProblem(
            "A rights request has not been applied yet.",
            "Run `journeys run`, then destroy the epoch.",
        )
    count = control.standing_tokens().get(epoch, 0)
    if count and not lose_tokens:
        raise KeyProblem(
            f"{count:,} suppression tokens are in no newer epoch than {epoch} of the identifier "
            "key; without it, whom they are of would be taken in again.",
            "They cross as their partners send those people again. Or have the requests made anew "
            "(`journeys rights status` lists them), or give --lose-tokens, which the receipt says.",
        )
    return (
        f" {count:,} suppression tokens are lost: whom they are of is taken in again."
        if count
        else ""
    )
