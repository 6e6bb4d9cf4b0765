"""Data keys, bundles and sealed files: the right key opens them, and nothing else does."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.keys.bundles import Issued, read_issued
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
    epochs={1: "a" * 16, 2: "b" * 16},
    encoding_version=2,
    program="0.1.0",
    contract="sha256:" + "1" * 64,
    agreement="sha256:" + "2" * 64,
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


NOT_A_MANIFEST = [
    ("encoding_version", "Jane Doe 1980\x1b[2J"),
    ("encoding_version", True),
    ("encoding_version", 1.0),
    ("partner", "Police\x1b[2J"),
    ("purpose", "a purpose of many words"),
    ("program", "1.0\n"),
    ("program", "Zyxforena Qwcanaryson"),
    ("contract", "sha256:Zyxforena"),
    ("agreement", None),
    ("recipient", 1),
    ("delivery", "0" * 31),
    ("epochs", {"1": "Zyxforena"}),
    ("epochs", {"0": "0" * 16}),
    ("epochs", {"-1": "0" * 16}),
    ("epochs", {"\u0661": "0" * 16}),
    ("epochs", {"9" * 30: "0" * 16}),
    ("epochs", []),
    ("rows", {"Zyxforena Qwcanaryson": {}}),
    ("rows", {"custody": {"received": 10**30, "kept": 0, "quarantined": 0, "withheld": 0}}),
    ("rows", {"custody": {"received": -1, "kept": 0, "quarantined": 0, "withheld": 0}}),
    ("rows", {"custody": {"received": True, "kept": 0, "quarantined": 0, "withheld": 0}}),
    ("rows", {"custody": {"received": 1}}),
    ("size", 10**30),
    ("size", "1"),
    ("made_at", "0001-01-01T00:00:00+00:00"),
    ("made_at", "9999-12-31T23:59:59+00:00"),
    ("made_at", "2026-11-22T03:00:00"),
    ("made_at", 1),
    ("data_as_at", "0001-01-01"),
    ("data_as_at", "9999-12-31"),
    ("data_as_at", 1),
    ("note", "x"),
]


def sealed_saying(said):
    """A sealed file that its partner signed, whose manifest says something of its own."""
    content = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    signing = Ed25519PrivateKey.from_private_bytes(BUNDLE.signing)
    length = len(content).to_bytes(4, "big")
    return MAGIC + length + content + signing.sign(MAGIC + content) + b"body"


def test_a_manifest_as_it_is_written_reads():
    assert read_manifest(sealed_saying(MANIFEST.said()), BUNDLE.verifying) == MANIFEST


@pytest.mark.parametrize(("name", "value"), NOT_A_MANIFEST)
def test_a_manifest_says_only_what_we_could_have_written(name, value):
    with pytest.raises(ExtractRejected, match="does not read") as caught:
        read_manifest(sealed_saying(MANIFEST.said() | {name: value}), BUNDLE.verifying)
    assert "Zyx" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", MANIFEST.said())
def test_a_manifest_lacks_nothing(name):
    said = {key: value for key, value in MANIFEST.said().items() if key != name}
    with pytest.raises(ExtractRejected, match="does not read"):
        read_manifest(sealed_saying(said), BUNDLE.verifying)


def test_deep_json_is_no_manifest():
    content = b"[" * 200_000
    signing = Ed25519PrivateKey.from_private_bytes(BUNDLE.signing)
    sealed = MAGIC + len(content).to_bytes(4, "big") + content + signing.sign(MAGIC + content)
    with pytest.raises(ExtractRejected, match="does not read"):
        read_manifest(sealed, BUNDLE.verifying)


def test_the_hub_keeps_what_it_gave_out(tmp_path):
    path = tmp_path / "police.pub"
    issued = Issued(BUNDLE.verifying, {1: "a" * 16, 12: "b" * 16})
    path.write_text(issued.text())
    assert read_issued(path) == issued
    key = BUNDLE.verifying.hex()
    for text in (
        "",
        "\xff",
        key,
        f"cohort-journeys-partner-1 {key}",
        f"cohort-journeys-partner-2 {key[2:]} 1:{'a' * 16}",
        f"cohort-journeys-partner-2 {key} 1",
        f"cohort-journeys-partner-2 {key} one:{'a' * 16}",
    ):
        path.write_text(text)
        with pytest.raises(KeyProblem, match="make a new bundle"):
            read_issued(path)
