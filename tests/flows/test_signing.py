"""A partnership signs with its record key, and what it signed is checked without it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from flows.keys.destruction import destroy
from flows.keys.rotation import new_keys, rotate
from flows.record.signing import (
    can_sign,
    check_signature,
    is_ours,
    public_key_path,
    public_keys,
    sign_text,
)
from flows.settings import Settings, load_settings
from flows.start import start
from governance.record.signing import unvouched
from schemas.errors import JourneysError, KeyProblem, RecordProblem

DAY = date(2026, 11, 22)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    start(tmp_path, demo=True, today=DAY)
    return load_settings(tmp_path / "partnership.yaml")


def test_what_was_signed_can_be_checked_when_the_key_is_gone(settings: Settings) -> None:
    signature = sign_text(settings, "a receipt\n")
    assert rotate(settings, "record") == 2
    again = sign_text(settings, "a receipt\n")
    assert "epoch 1" in signature and "epoch 2" in again
    destroy(settings, "record", 1, why="rotated")
    keys = public_keys(settings)
    assert tuple(keys) == (1, 2) and unvouched(keys) == ()
    assert check_signature(keys[1], "a receipt\n", signature)
    assert not check_signature(keys[2], "a receipt\n", signature)
    for text, said in [("a receipt\n", True), ("another\n", False)]:
        assert is_ours(settings, text, signature) is is_ours(settings, text, again) is said
    assert not is_ours(settings, "a receipt\n", "no signature")
    with pytest.raises(KeyProblem, match="still needed"):
        destroy(settings, "record", 2, why="test")


def test_a_partnership_of_an_earlier_version_has_no_record_key_until_it_is_named(
    settings: Settings,
) -> None:
    config, named = settings.folder / "partnership.yaml", "  record: keys/record.key\n"
    (settings.folder / "keys" / "record.key").unlink()
    text = config.read_text()
    config.write_text(text.replace(named, ""))
    earlier = load_settings(config)
    assert not can_sign(earlier) and "record" not in earlier.keys.named
    with pytest.raises(KeyProblem, match=r"no record key.*keys new"):
        sign_text(earlier, "a receipt\n")
    config.write_text(text)
    assert new_keys(load_settings(config), DAY)["record"]
    assert public_key_path(settings, 1).is_file() and can_sign(load_settings(config))


def test_a_public_half_that_is_not_whole_or_not_its_own_is_told(settings: Settings) -> None:
    sign_text(settings, "x")
    public_key_path(settings, 2).write_text(public_key_path(settings, 1).read_text())
    with pytest.raises(RecordProblem, match="another epoch"):
        public_keys(settings)
    public_key_path(settings, 2).write_text("nothing")
    with pytest.raises(JourneysError, match="not the public half"):
        public_keys(settings)
