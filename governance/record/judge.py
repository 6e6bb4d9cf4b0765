"""What checkpoints say of a record that was walked through: is it still the one they saw?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.record.checkpoint import Checkpoint
from governance.record.signing import PublicKey, is_signed, unvouched
from governance.record.verify import Walk


@dataclass(frozen=True)
class PutBack:
    """That the record was put back from a backup: when, and how many entries that had."""

    at: datetime
    entries: int

    def explains(self, one: Checkpoint) -> bool:
        """Whether a checkpoint was made of what was lost by it."""
        return one.size > self.entries and one.made_at < self.at

    def said(self) -> str:
        """What it explains, in a sentence."""
        return (
            f" The record says that it was put back on {self.at:%-d %B %Y} from a backup of "
            f"{self.entries:,} entries: what was recorded after those is lost, and this was made "
            "of it. Ask the partnership what happened; keep a checkpoint from after that day too."
        )


@dataclass(frozen=True)
class Named:
    """A checkpoint and what to call it in a message: the name of its file."""

    name: str
    checkpoint: Checkpoint


def of_keys(keys: Mapping[int, PublicKey], pinned: PublicKey | None) -> list[str]:
    """What is wrong with the public halves that are kept.

    Args:
        keys: By epoch.
        pinned: The one that somebody kept elsewhere, if it was given.
    """
    said = [
        f"The public half of epoch {epoch} of the record key is not signed by the epoch before it."
        for epoch in unvouched(keys)
    ]
    if pinned is not None and (pinned.epoch not in keys or keys[pinned.epoch].key != pinned.key):
        said.append(
            f"The public half of epoch {pinned.epoch} that was given is not the one that is kept "
            "in checkpoints/."
        )
    return said


def of_witness(
    one: Named,
    walk: Walk,
    keys: Mapping[int, PublicKey],
    key_made: int | None = None,
    put_back: Sequence[PutBack] = (),
) -> list[str]:
    """What is wrong by a checkpoint that somebody kept elsewhere.

    It is its root that counts, which nobody can make up: without a signature it is as good. That
    the record was put back from a backup explains a fault and takes none away: what was recorded
    after the backup is gone all the same, and whoever wants it gone could say the same.
    """
    fault = _of_the_record(one, walk)
    if fault:
        why = [back for back in put_back if back.explains(one.checkpoint)]
        return [fault + (why[0].said() if why else "")]
    if one.checkpoint.signature is not None:
        fault = _of_the_signature(one, walk, keys, key_made)
    return [fault] if fault else []


def of_our_own(
    ours: Sequence[Named],
    walk: Walk,
    keys: Mapping[int, PublicKey],
    key_made: int | None = None,
) -> list[str]:
    """What is wrong by the checkpoints that the partnership keeps.

    Once one of them is not met no larger one is, so the first is told, and the last that is met:
    what was changed lies between.

    Args:
        ours: The checkpoints.
        walk: What walking through the record found.
        keys: The public halves that are kept, by epoch.
        key_made: The number of the entry that says the record key was made; None where it was
            there before the record, or the entry was erased.
    """
    ordered = sorted(ours, key=lambda one: one.checkpoint.size)
    at_fault = [one for one in ordered if _of_the_record(one, walk)]
    said = [fault for one in ordered if (fault := _of_the_signature(one, walk, keys, key_made))]
    if at_fault:
        first = at_fault[0]
        met = [one for one in ordered if one.checkpoint.size < first.checkpoint.size]
        after = f" Up to entry {met[-1].checkpoint.size:,} the record is sound." if met else ""
        more = f" So do {len(at_fault) - 1:,} later ones." if len(at_fault) > 1 else ""
        said.append(f"{_of_the_record(first, walk)}{more}{after}")
    return said


def _of_the_record(one: Named, walk: Walk) -> str:
    found = one.checkpoint
    when = f"{found.made_at:%-d %B %Y}"
    if found.size > walk.size:
        return (
            f"{one.name} of {when} was made of {found.size:,} entries and the record has "
            f"{walk.size:,}: it was cut short or taken back to an earlier copy."
        )
    if found.log != walk.log:
        return (
            f"{one.name} of {when} says the record is another one, or its first entry was changed."
        )
    if walk.roots.get(found.size) != found.root:
        return (
            f"{one.name} of {when} says that the first {found.size:,} entries are not those that "
            "it was made of."
        )
    return ""


def _of_the_signature(
    one: Named, walk: Walk, keys: Mapping[int, PublicKey], key_made: int | None
) -> str:
    found = one.checkpoint
    if found.signature is None:
        if not keys or _is_older(found, walk, keys, key_made):
            return ""
        return f"{one.name} is not signed, though there was a record key when it was made."
    key = keys.get(found.signature.epoch)
    if key is None:
        return (
            f"{one.name} is signed in epoch {found.signature.epoch}, whose public half is not kept."
        )
    if not is_signed(key, found.said(), found.signature, meant="checkpoint"):
        return f"{one.name} does not bear the signature of this partnership's record key."
    return ""


def _is_older(
    found: Checkpoint, walk: Walk, keys: Mapping[int, PublicKey], key_made: int | None
) -> bool:
    """Whether an unsigned checkpoint is of a time without record key.

    What it says of its time counts only where the entry on the key may have been erased: whoever
    takes a signature away can change that too.
    """
    if key_made is not None:
        return found.size < key_made
    return bool(walk.erased) and found.made_at.date() <= keys[min(keys)].made
