"""Root keys: made safely, refused when unsafe, and derived from by the published recipe."""

import hashlib
import hmac
import stat

import pytest

from governance.keys import KEY_FORMAT, RootKey, load_root, new_root, store_key
from schemas.errors import KeyProblem

SECRET = bytes(range(32))


def test_a_new_key_is_random_whole_and_ours_alone(tmp_path):
    first, second = tmp_path / "keys" / "a.key", tmp_path / "keys" / "b.key"
    new_root(first)
    new_root(second)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert load_root(first).secret != load_root(second).secret


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "a.key"
    new_root(path)
    before = path.read_bytes()
    with pytest.raises(KeyProblem, match="already"):
        new_root(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "a.key"
    new_root(path)
    path.chmod(mode)
    with pytest.raises(KeyProblem, match="others"):
        load_root(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "secret",
        KEY_FORMAT,
        KEY_FORMAT + "00" * 32,
        KEY_FORMAT + "0f" * 31,
        KEY_FORMAT + "ab" * 16 + "cd" * 16,
        KEY_FORMAT + "zz" * 32,
        bytes(range(32)).hex(),
        "\x00\xff",
    ],
)
def test_empty_short_default_and_regular_keys_are_refused(tmp_path, content):
    path = tmp_path / "a.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyProblem):
        load_root(path)


def test_a_missing_key_says_what_to_do(tmp_path):
    with pytest.raises(KeyProblem, match="custodian"):
        load_root(tmp_path / "gone.key")


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


def test_store_keys_differ_by_store():
    root = RootKey(SECRET)
    assert store_key(root, "identity") != store_key(root, "staging")
    assert len(bytes.fromhex(store_key(root, "identity"))) == 32
