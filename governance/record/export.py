"""Entries of the record given away with their proofs, and checking them without the record.

The first line of an export says what it is: its checkpoint, and for every earlier checkpoint of the
partnership a proof that this one goes on from it. Then comes a line for each entry with its salt
and the proof that it is in the record. Of the entries that are not given it holds hashes only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from governance.record.checkpoint import Checkpoint, read_checkpoints
from governance.record.leaves import commitment, content
from governance.record.merkle import Tree, is_beginning, root_from_inclusion
from governance.record.verify import NOT_OURS, Row, erased_by, sentence, unexplained
from schemas.errors import RecordProblem

FORMAT = "cohort-journeys-record-export-1"

SAID = ("at", "actor", "action", "purpose", "recipients", "run_id", "partner", "detail")
"""What an entry says, in the order of `governance.record.leaves.content`."""

HEAD = frozenset({"format", "checkpoint", "whole", "begins"})
GIVEN, GONE = (
    frozenset({"number", *SAID, "salt", "proof"}),
    frozenset({"number", "erased", "proof"}),
)
"""What the lines of an export hold: the first, that of an entry, that of an erased one."""


@dataclass(frozen=True)
class Selection:
    """Which entries are wanted; what is None does not matter.

    With a partner, those of its own data and those of no one partner's, which are of everybody's.
    """

    since: str | None = None
    until: str | None = None
    partner: str | None = None
    action: str | None = None

    @property
    def everything(self) -> bool:
        """Whether every entry is wanted."""
        return self == Selection()

    def takes(self, row: Row) -> bool:
        """Whether an entry is wanted; of an erased one nothing is known, so only with all."""
        at, action, partner = row[4], row[6], row[10]
        if not row[3]:
            return self.everything
        return (
            (self.since is None or at[:10] >= self.since)
            and (self.until is None or at[:10] <= self.until)
            and (self.action is None or action == self.action)
            and (self.partner is None or partner in (None, self.partner))
        )


@dataclass(frozen=True)
class Checked:
    """What checking an export found: how many entries, of a record of how many, and faults."""

    entries: int
    of: int
    whole: bool
    faults: tuple[str, ...]


def lines(
    checkpoint: Checkpoint, tree: Tree, rows: Iterable[Row], earlier: Iterable[int], whole: bool
) -> Iterator[str]:
    """An export, a line at a time.

    Args:
        checkpoint: What the proofs lead to.
        tree: The record as it was then.
        rows: The entries to be given, all of them in that tree.
        earlier: The sizes of earlier checkpoints.
        whole: Whether they are all there are.
    """
    older = sorted({size for size in earlier if size < checkpoint.size})
    begins = {str(size): _hex(tree.consistency(size)) for size in older}
    first = {"format": FORMAT, "checkpoint": checkpoint.text(), "whole": whole, "begins": begins}
    yield json.dumps(first) + "\n"
    for row in rows:
        number, committed, salt, is_there, *said = row
        given: dict[str, Any] = {"number": number}
        if is_there:
            given |= {**dict(zip(SAID, said, strict=True)), "salt": salt.hex()}
        else:
            given["erased"] = committed.hex()
        yield json.dumps(given | {"proof": _hex(tree.inclusion(number - 1))}) + "\n"


def head_of(first: str) -> tuple[Checkpoint, bool, dict[int, tuple[bytes, ...]]]:
    """The checkpoint of an export, whether it is whole, and size → proof of what it begins with.

    Raises:
        RecordProblem: It is no export of ours.
    """
    try:
        said = _as_written(first, HEAD)
        (checkpoint,) = read_checkpoints(said["checkpoint"])
        begins = {int(size): _hashes(proof) for size, proof in said["begins"].items()}
        if said["format"] == FORMAT:
            return checkpoint, bool(said["whole"]), begins
    except NOT_OURS:
        pass
    raise RecordProblem(
        "The file is not an export of a record, or is not whole.",
        "Ask the partnership for it again, as `journeys audit export` made it.",
    )


def check(export: Iterable[str], witnesses: Mapping[str, Checkpoint]) -> Checked:
    """Check an export against checkpoints that somebody kept, with neither keys nor the record.

    Args:
        export: Its lines.
        witnesses: What messages call each checkpoint → the checkpoint.

    Raises:
        RecordProblem: It is no export of ours.
    """
    reading = iter(export)
    checkpoint, whole, begins = head_of(next(reading, ""))
    faults = [
        fault
        for name, one in witnesses.items()
        if (fault := _goes_on_from(name, one, checkpoint, begins))
    ]
    count, last, wrong = 0, 0, 0
    gone: list[int] = []
    erasures: list[tuple[int, range]] = []
    for line in reading:
        count += 1
        found = _if_sound(line, checkpoint)
        if found is None or found.number <= last:
            wrong += 1
            continue
        last = found.number
        gone += [last] if found.erased else []
        erasures += [(last, span) for span in found.erases]
    if wrong:
        faults.append(f"{wrong:,} entries are not in the record as they are given here.")
    if withheld := unexplained(gone, erasures):
        faults.append(
            sentence(withheld, "is not told and no entry here says it was erased",
                     "are not told and no entry here says they were erased")
        )  # fmt: skip
    if whole and count != checkpoint.size:
        faults.append(f"It is to hold all of {checkpoint.size:,} entries, and {count:,} are in it.")
    return Checked(count, checkpoint.size, whole, tuple(faults))


def _goes_on_from(
    name: str, witness: Checkpoint, checkpoint: Checkpoint, begins: Mapping[int, tuple[bytes, ...]]
) -> str:
    if witness.size > checkpoint.size:
        return f"{name} is later than the export: ask for a new one."
    proof = () if witness.size == checkpoint.size else begins.get(witness.size)
    if proof is None:
        return f"{name} is of a size that the export has no proof for: ask for a new one."
    if witness.log != checkpoint.log or not is_beginning(
        witness.size, witness.root, checkpoint.size, checkpoint.root, proof
    ):
        return f"The record that the export is of is not the one that {name} was made of."
    return ""


def _as_written(line: str, *holds: Set[str]) -> dict[str, Any]:
    """A line, which must be as `lines` wrote it: what is not checked could tell something else.

    Raises:
        ValueError: It is not, or holds something else; so where a name comes twice.
    """
    said: dict[str, Any] = json.loads(line)
    if said.keys() not in holds or json.dumps(said) != line.rstrip("\n"):
        raise ValueError("not a line of an export")
    return said


class _Line(NamedTuple):
    """The number of an entry, whether it was erased, and which others it says were."""

    number: int
    erased: bool
    erases: list[range]


def _if_sound(line: str, checkpoint: Checkpoint) -> _Line | None:
    """What a line tells, if its proof leads to the checkpoint; None where not."""
    try:
        said = _as_written(line, GIVEN, GONE)
        number, proof = said["number"], _hashes(said["proof"])
        if "erased" in said:
            committed = bytes.fromhex(said["erased"])
        else:
            committed = commitment(
                bytes.fromhex(said["salt"]), content(*(said[name] for name in SAID))
            )
        root = root_from_inclusion(committed, number - 1, checkpoint.size, proof)
        found = _Line(number, "erased" in said, erased_by(said.get("detail", "")))
    except NOT_OURS:
        return None
    return found if root == checkpoint.root else None


def _hex(hashes: Iterable[bytes]) -> str:
    return " ".join(one.hex() for one in hashes)


def _hashes(text: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(one) for one in text.split())
