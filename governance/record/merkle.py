"""An append-only Merkle tree, as RFC 9162 section 2.1 (and RFC 6962 before it) lays it down.

The hash of a leaf and the hash of a node begin with different bytes, so neither passes for the
other. Proofs are checked from a root and a few hashes: inclusion (an entry is in a tree) and
consistency (a smaller tree is the beginning of a larger one).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Self

HASH_BYTES = 32
EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""

Proof = tuple[bytes, ...]


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of 0x00 and what it holds."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node: SHA-256 of 0x01 and the hashes of its two children."""
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """A growing tree of which only the perfect subtrees' roots are held, the largest first.

    Their number is that of the ones in the binary `size`, so a leaf is added in O(log n) and a
    tree of a million leaves is held in 20 hashes.

    Raises:
        ValueError: If `peaks` are not as many as a tree of that size has.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        whole = all(isinstance(one, bytes) and len(one) == HASH_BYTES for one in self._peaks)
        if (
            not isinstance(size, int)
            or size < 0
            or len(self._peaks) != size.bit_count()
            or not whole
        ):
            raise ValueError("the peaks are not those of a tree of this size")

    @classmethod
    def read(cls, size: int, packed: bytes) -> Self:
        """The tree that `packed` was made of.

        Raises:
            ValueError: It is none of that size.
        """
        return cls(size, [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)])

    def packed(self) -> bytes:
        """The roots of its perfect subtrees in one piece, the largest first."""
        return b"".join(self._peaks)

    def add(self, data: bytes) -> None:
        """Add a leaf that holds `data`."""
        # `leaf_hash` and `node_hash` written out: this is most of what verifying takes.
        peaks, node = self._peaks, sha256(b"\0" + data).digest()
        level = self.size
        while level & 1:
            node = sha256(b"\1" + peaks.pop() + node).digest()
            level >>= 1
        peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


class Tree:
    """A whole tree, for making proofs: every node of it, 64 bytes a leaf.

    Args:
        leaves: What each leaf holds, in their order.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = bytearray().join(leaf_hash(data) for data in leaves)
        self.size = len(level) // HASH_BYTES
        self._levels = [level]
        while len(level) > HASH_BYTES:
            level = _parents(level)
            self._levels.append(level)

    def root(self) -> bytes:
        """Its root."""
        return self._node(0, self.size) if self.size else EMPTY

    def inclusion(self, index: int) -> Proof:
        """The proof that the leaf of an index, from 0, is in the tree: PATH of RFC 9162, 2.1.3.1.

        Raises:
            IndexError: There is no such leaf.
        """
        if not 0 <= index < self.size:
            raise IndexError("the tree has no such leaf")
        proof = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            # The last of an odd number has nobody beside it and goes up as it is.
            if beside * HASH_BYTES < len(level):
                proof.append(_at(level, beside))
            index >>= 1
        return tuple(proof)

    def consistency(self, earlier: int) -> Proof:
        """The proof that its first `earlier` leaves were a tree before: PROOF of RFC 9162, 2.1.4.1.

        Raises:
            IndexError: It was never of that size.
        """
        if not 0 < earlier <= self.size:
            raise IndexError("the tree was never of that size")
        proof: list[bytes] = []
        first, last, whole = 0, self.size, True
        while earlier != last:
            split = first + _split(last - first)
            if earlier <= split:
                proof.append(self._node(split, last))
                last = split
            else:
                proof.append(self._node(first, split))
                first, whole = split, False
        return tuple(reversed(proof)) if whole else (self._node(first, last), *reversed(proof))

    def _node(self, first: int, last: int) -> bytes:
        """The hash over leaves `first` to `last` exclusive, where they are one node's."""
        height = (last - first - 1).bit_length()
        return _at(self._levels[height], first >> height)


def root_from_inclusion(data: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root of a tree of `size` leaves by an inclusion proof (RFC 9162, 2.1.3.2).

    Returns:
        What the root must be if the leaf of that index holds `data`; None where the proof is not
        of the length that index and size ask for.
    """
    if not 0 <= index < size:
        return None
    here, last, root = index, size - 1, leaf_hash(data)
    for beside in proof:
        if last == 0:
            return None
        if here & 1 or here == last:
            root = node_hash(beside, root)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            root = node_hash(root, beside)
        here, last = here >> 1, last >> 1
    return root if last == 0 else None


def is_beginning(
    earlier: int, earlier_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a tree is the beginning of a larger one, by a consistency proof (RFC 9162, 2.1.4.2).

    Args:
        earlier: How many leaves the smaller tree has, at least one.
        earlier_root: Its root.
        size: How many leaves the larger one has.
        root: Its root.
        proof: What `Tree.consistency` made.
    """
    if earlier == size:
        return not proof and earlier_root == root
    if not 0 < earlier < size or not proof:
        return False
    path = list(proof) if earlier & (earlier - 1) else [earlier_root, *proof]
    here, last = earlier - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        here, last = here >> 1, last >> 1
    return last == 0 and old == earlier_root and new == root


def _split(count: int) -> int:
    """The largest power of two below `count`: how many leaves go to the left."""
    return 1 << (count - 1).bit_length() - 1


def _parents(level: bytearray) -> bytearray:
    step, whole = 2 * HASH_BYTES, len(level) - len(level) % (2 * HASH_BYTES)
    made = bytearray().join(
        sha256(b"\1" + level[at : at + step]).digest() for at in range(0, whole, step)
    )
    return made + level[whole:]


def _at(level: bytearray, index: int) -> bytes:
    return bytes(level[index * HASH_BYTES : (index + 1) * HASH_BYTES])
