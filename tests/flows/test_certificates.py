"""Certificates are kept where nobody without the release key reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.keys.rotation import rotate
from flows.publication.certificates import certificates_of, keep_certificates, open_certificate
from flows.settings import Settings, load_settings
from flows.start import start
from schemas.errors import KeyProblem, StoreError

SECRET = b'{"base": [[0, 3, 2]]}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    start(tmp_path, demo=True, today=local_day(utc_now()))
    made = load_settings(tmp_path / "partnership.yaml")
    open_control(made).close()
    return made


def test_a_certificate_is_kept_encrypted_and_private(settings: Settings) -> None:
    keep_certificates(settings, "d1", {"abc": SECRET})
    (path,) = certificates_of(settings, "d1")
    assert open_certificate(settings, path) == SECRET
    files = [one for one in settings.certificates.rglob("*") if one.is_file()]
    assert len(files) == 2 and not any(SECRET[:8] in one.read_bytes() for one in files)
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0


def test_a_certificate_opens_in_its_place_only(settings: Settings) -> None:
    keep_certificates(settings, "d1", {"abc": SECRET})
    keep_certificates(settings, "d2", {"abc": SECRET})
    (one,), (other,) = (certificates_of(settings, draft) for draft in ("d1", "d2"))
    other.write_bytes(one.read_bytes())
    with pytest.raises(KeyProblem):
        open_certificate(settings, other)
    with pytest.raises(StoreError):
        open_certificate(settings, one.with_name("gone.certificate"))


def test_a_certificate_outlives_a_rotation_of_the_release_key(settings: Settings) -> None:
    keep_certificates(settings, "d1", {"abc": SECRET})
    rotate(settings, "release")
    (path,) = certificates_of(settings, "d1")
    assert open_certificate(settings, path) == SECRET
    assert '"epoch": 2' in (path.parent / "key.json").read_text()
