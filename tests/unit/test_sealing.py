"""Data keys, bundles and sealed files: the right key opens them, and nothing else does."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.keys.bundle import Bundle, lock_bundle, new_bundle, new_passphrase, open_bundle
from governance.keys.envelope import new_data_keys, unwrap, wrap, wrapped_in
from governance.keys.ring import KeyRing, new_secret
from governance.keys.root import RootKey
from governance.sealing import (
    MAGIC,
    Manifest,
    hub_public_key,
    payload_digest,
    read_manifest,
    recipient_of,
    seal,
    unseal,
)
from schemas.errors import ExtractRejected, KeyProblem

TODAY = date(2026, 11, 22)
PAYLOAD = b"encoded and parted" * 50


def ring(kind, *epochs):
    roots = {epoch: RootKey(new_secret()) for epoch in epochs or (1,)}
    return KeyRing(kind, roots, dict.fromkeys(roots, TODAY))


HUB = ring("seal")
BUNDLE = new_bundle("police", "cohorts", ring("identifier", 1, 2), hub_public_key(HUB), {}, TODAY)
MANIFEST = Manifest(
    delivery="0" * 32,
    partner="police",
    made_at=datetime(2026, 11, 22, 3, tzinfo=UTC),
    purpose="cohorts",
    epochs={1: "a", 2: "b"},
    encoding_version=2,
    program="0.1.0",
    contract="sha256:1",
    agreement="sha256:2",
    recipient=recipient_of(BUNDLE.hub),
    data_as_at=date(2026, 11, 20),
    rows={"custody": {"received": 3, "kept": 2, "quarantined": 1, "withheld": 0}},
    digest=payload_digest(PAYLOAD),
    size=len(PAYLOAD),
)
SEALED = seal(PAYLOAD, MANIFEST, hub=BUNDLE.hub, signing=BUNDLE.signing)


def opened(content, verifying=BUNDLE.verifying, hub=HUB):
    return unseal(content, read_manifest(content, verifying), hub)


def test_a_sealed_file_opens_for_the_hub():
    assert read_manifest(SEALED, BUNDLE.verifying) == MANIFEST
    assert opened(SEALED) == PAYLOAD
    assert PAYLOAD[:18] not in SEALED


def test_another_hub_cannot_open_it():
    with pytest.raises(KeyProblem, match="does not hold"):
        opened(SEALED, hub=ring("seal"))


def test_a_manifest_with_our_name_on_anothers_seal_does_not_open():
    sealed = seal(PAYLOAD, MANIFEST, hub=hub_public_key(ring("seal")), signing=BUNDLE.signing)
    with pytest.raises(ExtractRejected, match="changed"):
        opened(sealed)


def test_a_hub_that_rotated_its_key_still_opens_what_is_on_its_way():
    roots = {**HUB.roots, 2: RootKey(new_secret())}
    rotated = KeyRing("seal", roots, dict.fromkeys(roots, TODAY))
    assert opened(SEALED, hub=rotated) == PAYLOAD
    assert hub_public_key(rotated) != BUNDLE.hub


def test_another_partners_signature_is_refused():
    with pytest.raises(ExtractRejected, match="not signed"):
        read_manifest(SEALED, new_bundle("x", "y", ring("identifier"), b"", {}, TODAY).verifying)


@pytest.mark.parametrize(
    "wrong",
    [{"digest": payload_digest(b"")}, {"size": 1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_manifest_that_does_not_match_is_refused(wrong):
    sealed = seal(PAYLOAD, replace(MANIFEST, **wrong), hub=BUNDLE.hub, signing=BUNDLE.signing)
    with pytest.raises(ExtractRejected, match="manifest says"):
        opened(sealed)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(SEALED) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_is_refused(at, flip):
    changed = bytearray(SEALED)
    changed[at] ^= flip
    with pytest.raises((ExtractRejected, KeyProblem)):
        opened(bytes(changed))


@settings(max_examples=200, deadline=None)
@given(length=st.integers(0, len(SEALED) - 1))
def test_any_truncation_is_refused(length):
    with pytest.raises(ExtractRejected):
        opened(SEALED[:length])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise):
    for content in (noise, MAGIC + noise):
        with pytest.raises(ExtractRejected):
            opened(content)


def test_a_bundle_opens_with_its_passphrase_only():
    passphrase = new_passphrase()
    locked = lock_bundle(BUNDLE, passphrase)
    assert open_bundle(locked, passphrase) == BUNDLE
    assert BUNDLE.newest == 2
    for secret in (BUNDLE.signing, BUNDLE.keys[1].secret):
        assert secret.hex().encode() not in locked
    with pytest.raises(KeyProblem, match="passphrase"):
        open_bundle(locked, new_passphrase())
    with pytest.raises(KeyProblem, match="fewer than"):
        open_bundle(locked, "short")


def test_a_damaged_bundle_is_refused():
    passphrase = new_passphrase()
    locked = lock_bundle(BUNDLE, passphrase)
    for content in (b"", b"{}", locked[: len(locked) // 2], locked.replace(b"-1", b"-9", 1)):
        with pytest.raises(KeyProblem):
            open_bundle(content, passphrase)


def test_a_bundle_shows_no_secret():
    assert BUNDLE.signing.hex() not in repr(BUNDLE)
    assert repr(BUNDLE.keys[1].secret) not in repr(BUNDLE)
    assert isinstance(BUNDLE, Bundle)


def test_a_bundle_holds_no_root():
    identifier = ring("identifier")
    bundle = new_bundle("police", "cohorts", identifier, b"", {}, TODAY)
    root = identifier.root(1)
    assert bundle.keys[1].secret != root.secret
    assert bundle.keys[1].derive("token/x") == root.derive("token/x", purpose="cohorts", epoch=1)
    assert bundle.keys[1].derive("token/x") != root.derive("token/x", purpose="other", epoch=1)


def test_data_keys_open_in_their_place_with_their_root_only():
    store = ring("store", 1, 2)
    made = new_data_keys("stores/a", ("identity", "staging"))
    text = wrap(made, store)
    assert unwrap(text, "stores/a", store) == made
    assert made.keys["identity"] != made.keys["staging"]
    assert wrapped_in(text) == 2
    assert not any(key in text for key in made.keys.values())
    for place, other in (("stores/b", store), ("stores/a", ring("store", 1, 2))):
        with pytest.raises(KeyProblem):
            unwrap(text, place, other)


def test_data_keys_end_with_their_root():
    store = ring("store", 1)
    text = wrap(new_data_keys("stores/a", ("identity",)), store)
    without = KeyRing("store", {2: RootKey(new_secret())}, {2: TODAY})
    with pytest.raises(KeyProblem, match="epoch 1"):
        unwrap(text, "stores/a", without)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "x", "epoch": 1, "keys": {}}'])
def test_damaged_data_keys_are_refused(text):
    with pytest.raises(KeyProblem):
        unwrap(text, "stores/a", ring("store"))


def test_a_swapped_data_key_is_refused():
    import json

    store = ring("store")
    said = json.loads(wrap(new_data_keys("stores/a", ("identity", "staging")), store))
    said["keys"]["identity"] = said["keys"]["staging"]
    with pytest.raises(KeyProblem):
        unwrap(json.dumps(said), "stores/a", store)
