"""Root keys: refused when unsafe, and derived from by the published recipe."""

import hashlib
import hmac

import pytest

from governance.keys import RootKey
from schemas.errors import KeyProblem

SECRET = bytes(range(32))


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\x0f" * 31, b"\xab" * 16 + b"\xcd" * 16])
def test_short_and_regular_secrets_are_refused(secret):
    with pytest.raises(KeyProblem):
        RootKey(secret)


def test_a_key_does_not_show_itself():
    assert SECRET.hex() not in repr(RootKey(SECRET))
    assert str(SECRET) not in repr(RootKey(SECRET))


def hkdf(secret, *parts):
    """HKDF-SHA256 without salt, written out: one block of 32 bytes."""
    info = b"".join(len(p).to_bytes(2, "big") + p for p in (b"cohort-journeys", *parts))
    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def test_derivation_is_hkdf_sha256_in_two_steps():
    of_purpose = hkdf(SECRET, b"purpose", b"cohorts", b"3")
    expected = hkdf(of_purpose, b"working", b"token/date_surname")
    assert RootKey(SECRET).derive("token/date_surname", purpose="cohorts", epoch=3) == expected
    assert RootKey(SECRET).purpose_key("cohorts", 3).derive("token/date_surname") == expected


def test_every_input_of_a_derivation_changes_the_key():
    root, other = RootKey(SECRET), RootKey(SECRET[::-1])
    keys = {
        root.derive("a", purpose="p", epoch=1),
        root.derive("b", purpose="p", epoch=1),
        root.derive("a", purpose="q", epoch=1),
        root.derive("a", purpose="p", epoch=2),
        root.derive("1a", purpose="p", epoch=1),
        other.derive("a", purpose="p", epoch=1),
    }
    assert len(keys) == 6
