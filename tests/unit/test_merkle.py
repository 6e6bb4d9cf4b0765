"""The Merkle tree is that of RFC 9162, by a slow reference of its own words and known answers."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.record.merkle import (
    EMPTY,
    Frontier,
    Tree,
    is_beginning,
    leaf_hash,
    root_from_inclusion,
)

# The leaves that implementations of RFC 6962 are tried on, with the roots they are to have.
KNOWN_LEAVES = [
    bytes.fromhex(data)
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

SIZES = st.integers(1, 70)


def leaves_of(size: int) -> list[bytes]:
    return [str(n).encode() for n in range(size)]


# RFC 9162, section 2.1, as it is written down there: slow and recursive.


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mth(data: list[bytes]) -> bytes:
    if not data:
        return sha(b"")
    if len(data) == 1:
        return sha(b"\x00" + data[0])
    k = split(len(data))
    return sha(b"\x01" + mth(data[:k]) + mth(data[k:]))


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


@pytest.mark.parametrize("size", range(9))
def test_known_answers(size: int) -> None:
    root = bytes.fromhex(KNOWN_ROOTS[size])
    frontier = Frontier()
    for data in KNOWN_LEAVES[:size]:
        frontier.add(data)
    assert frontier.root() == Tree(KNOWN_LEAVES[:size]).root() == mth(KNOWN_LEAVES[:size]) == root


@given(SIZES)
def test_a_frontier_grows_as_the_reference_says_and_can_be_put_away(size: int) -> None:
    frontier = Frontier()
    for at, data in enumerate(leaves_of(size), 1):
        frontier = Frontier.read(frontier.size, frontier.packed())
        frontier.add(data)
        assert frontier.size == at
    assert frontier.root() == mth(leaves_of(size)) == Tree(leaves_of(size)).root()


@given(SIZES, st.data())
def test_inclusion_proofs_are_the_reference_s_and_prove_one_leaf_only(
    size: int, data: st.DataObject
) -> None:
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    proof = Tree(leaves).inclusion(index)
    assert list(proof) == path(index, leaves)
    assert root_from_inclusion(leaves[index], index, size, proof) == mth(leaves)
    assert root_from_inclusion(b"another", index, size, proof) != mth(leaves)
    assert root_from_inclusion(leaves[index], index, size, (*proof, EMPTY)) is None
    assert root_from_inclusion(leaves[index], size, size, proof) is None
    elsewhere = data.draw(st.integers(0, size - 1))
    if elsewhere != index:
        assert root_from_inclusion(leaves[index], elsewhere, size, proof) != mth(leaves)
    if proof:
        assert root_from_inclusion(leaves[index], index, size, proof[:-1]) != mth(leaves)


@given(SIZES, st.data())
def test_consistency_proofs_are_the_reference_s_and_of_one_beginning_only(
    size: int, data: st.DataObject
) -> None:
    leaves, earlier = leaves_of(size), data.draw(st.integers(1, size))
    proof = Tree(leaves).consistency(earlier)
    assert list(proof) == subproof(earlier, leaves, True)
    before, after = mth(leaves[:earlier]), mth(leaves)
    assert is_beginning(earlier, before, size, after, proof)
    other = mth([b"another", *leaves[1:earlier]])
    assert not is_beginning(earlier, other, size, after, proof)
    assert not is_beginning(earlier, before, size, EMPTY, proof)
    assert not is_beginning(earlier, before, size, after, (*proof, EMPTY))
    if proof:
        assert not is_beginning(earlier, before, size, after, proof[:-1])


def test_what_is_no_tree_is_refused() -> None:
    assert not is_beginning(0, EMPTY, 3, Tree(leaves_of(3)).root(), ())
    assert not is_beginning(4, EMPTY, 3, EMPTY, ())
    for size, peaks in [(3, [EMPTY]), (1, [b"short"]), (-1, [])]:
        with pytest.raises(ValueError, match="peaks"):
            Frontier(size, peaks)
    tree = Tree(leaves_of(3))
    for wrong in (
        lambda: tree.inclusion(3),
        lambda: tree.consistency(4),
        lambda: tree.consistency(0),
    ):
        with pytest.raises(IndexError):
            wrong()


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert Tree([b"a", b"b"]).root() != leaf_hash(left + right)
