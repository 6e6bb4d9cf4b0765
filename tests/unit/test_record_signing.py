"""The record key signs texts; its public halves are kept and vouch for one another."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.keys.ring import KeyRing, new_secret
from governance.keys.root import RootKey
from governance.record.signing import (
    PublicKey,
    is_signed,
    public_key,
    read_public_key,
    read_signature,
    sign,
    unvouched,
)
from schemas.errors import RecordProblem

DAY = date(2026, 11, 22)


def ring(*epochs: int) -> KeyRing:
    return KeyRing("record", {n: RootKey(new_secret()) for n in epochs}, dict.fromkeys(epochs, DAY))


RING = ring(1, 2, 3)
KEYS = {epoch: public_key(RING, epoch) for epoch in RING.epochs}


@given(st.text(), st.text())
def test_a_signature_is_of_one_text_and_one_meaning(text: str, other: str) -> None:
    signature = sign(RING, text, meant="text")
    assert signature.epoch == 3 and signature.mark == KEYS[3].mark
    assert is_signed(KEYS[3], text, signature, meant="text")
    assert not is_signed(KEYS[3], text, signature, meant="checkpoint")
    assert not is_signed(KEYS[2], text, signature, meant="text")
    same = text.replace("\r\n", "\n") == other.replace("\r\n", "\n")
    assert is_signed(KEYS[3], other, signature, meant="text") == same


def test_a_signature_survives_an_e_mail() -> None:
    signature = sign(RING, "a\nb\n", meant="text")
    sent = f"Dear all,\r\n\r\n{signature.text()}\r\nKind regards".replace("\n", "\r\n")
    assert read_signature(sent) == signature
    assert is_signed(KEYS[3], "a\r\nb\r\n", signature, meant="text")
    assert all(len(line) <= 70 for line in signature.text().splitlines())
    assert read_signature(signature.text().replace("epoch 3", "epoch three")) is None
    assert read_signature(signature.text()[:-20]) is None


def test_each_public_half_is_vouched_for_by_the_epoch_before() -> None:
    assert KEYS[1].vouched is None and KEYS[2].is_vouched_by(KEYS[1])
    assert unvouched(KEYS) == () and not KEYS[3].is_vouched_by(KEYS[1])
    strange = public_key(ring(2, 3), 3)
    assert unvouched({**KEYS, 3: strange}) == (3,)
    bare = PublicKey(2, DAY, KEYS[2].key)
    assert unvouched({**KEYS, 2: bare}) == (2,)


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_public_half_is_read_as_it_was_written(epoch: int) -> None:
    text = KEYS[epoch].text()
    assert read_public_key(text, "a.pub") == KEYS[epoch]
    assert read_public_key(text.replace("\n", "\r\n"), "a.pub") == KEYS[epoch]


@pytest.mark.parametrize("text", ["", "x", KEYS[1].text().replace("2026-11-22", "2026-13-22")])
def test_what_is_no_public_half_is_refused(text: str) -> None:
    with pytest.raises(RecordProblem, match=r"a\.pub is not the public half"):
        read_public_key(text, "a.pub")
