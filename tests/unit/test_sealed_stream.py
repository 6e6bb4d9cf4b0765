"""Sealed streams: what was changed, moved, doubled or taken away does not open."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import sealed_stream
from governance.keys.ring import KeyRing, new_secret
from governance.keys.root import RootKey
from governance.sealed_stream import OpenedStream, SealingStream, public_half, read_opening
from schemas.errors import KeyProblem, StoreError

KEY, OTHER = (
    KeyRing("backup", {1: RootKey(new_secret())}, {1: date(2026, 11, 22)}) for _ in range(2)
)
SMALL = 64
SEALED = SMALL + sealed_stream.TAG_BYTES


@pytest.fixture(autouse=True, scope="module")
def _small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_stream, "CHUNK", SMALL)
        yield


def sealed(content: bytes, *keys: KeyRing) -> bytes:
    file = io.BytesIO()
    stream = SealingStream(file, [public_half(key) for key in keys or (KEY,)])
    for start in range(0, len(content), 50):
        stream.write(content[start : start + 50])
    stream.finish()
    assert stream.size == len(file.getvalue())
    return file.getvalue()


def opened(content: bytes, key: KeyRing = KEY, size: int | None = None) -> bytes:
    stream = OpenedStream(io.BytesIO(content), len(content) if size is None else size, key)
    return b"".join(iter(lambda: stream.read(37), b""))


def begins(content: bytes) -> int:
    """Where the chunks begin."""
    file = io.BytesIO(content)
    read_opening(file)
    return file.tell()


@given(st.binary(max_size=4 * SMALL + 3))
def test_what_was_sealed_opens_as_it_was(content: bytes) -> None:
    assert opened(sealed(content)) == content


@given(st.data(), st.binary(min_size=1, max_size=4 * SMALL))
def test_no_byte_can_be_changed_and_no_end_cut_off(data: st.DataObject, content: bytes) -> None:
    whole = sealed(content)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for broken in (changed, whole[:at]):
        with pytest.raises((StoreError, KeyProblem)):
            opened(broken)


def test_chunks_cannot_be_taken_away_doubled_or_exchanged() -> None:
    whole = sealed(bytes(range(256)))
    start = begins(whole)
    opening, chunks = (
        whole[:start],
        [whole[at : at + SEALED] for at in range(start, len(whole), SEALED)],
    )
    assert len(chunks) == 4
    orders = ([0, 1, 2], [1, 2, 3], [0, 2, 1, 3], [0, 1, 1, 2, 3], [3], [0, 1, 3], [])
    for order in orders:
        with pytest.raises(StoreError):
            opened(opening + b"".join(chunks[one] for one in order))
    other = sealed(bytes(256))
    with pytest.raises(StoreError):
        opened(opening + b"".join(chunks[:3]) + other[begins(other) + 3 * SEALED :])


def test_any_recipient_opens_it_and_nobody_else() -> None:
    assert opened(sealed(b"a", KEY, OTHER), OTHER) == b"a"
    with pytest.raises(KeyProblem, match="not sealed to the key"):
        opened(sealed(b"a", KEY), OTHER)


def test_two_files_of_one_content_have_nothing_in_common() -> None:
    one, other = sealed(bytes(100)), sealed(bytes(100))
    assert one[begins(one) :] != other[begins(other) :]
