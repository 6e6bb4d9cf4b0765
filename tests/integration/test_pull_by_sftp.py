"""Pulling from OpenSSH's own server: what it is given, and each way in which it can go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from servers import cutting, make_ssh_key
from sources import CANARY, contents, fetched, put, source

from flows.sources import sftp
from flows.sources.problems import BrokenOff, CutShort, SourceAway, SourceRefused, SourceUnsound
from flows.sources.sftp import Sftp
from schemas.errors import KeyProblem

if TYPE_CHECKING:
    from servers import SftpServer

EXTRACT = {"custody.csv": f"a\n{CANARY}\n", "drug_test.csv": "b\n2\n"}


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return put(tmp_path / CANARY, EXTRACT)


@pytest.fixture
def said(sftp_server: SftpServer, there: Path) -> dict[str, Any]:
    """What partnership.yaml would say."""
    return {
        "kind": "sftp",
        "host": sftp_server.host,
        "port": sftp_server.port,
        "user": sftp_server.user,
        "folder": str(there),
        "host_key": sftp_server.fingerprint,
        "key_file": str(sftp_server.key_file),
    }


def pulled(said: dict[str, Any], into: Path, **terms: Any) -> dict[str, str]:
    return contents(fetched(source(**said), into, **terms), into)


def refusal(kind: type[Exception], said: dict[str, Any], into: Path) -> str:
    """What a person is told; nothing in it is of a file, a folder or a credential."""
    with pytest.raises(kind) as caught:
        fetched(source(**said), into)
    told = str(caught.value)
    for secret in (CANARY, "custody", said["user"], said["host"], "wrong-word"):
        assert secret not in told
    return told


@pytest.mark.parametrize("pin", ["fingerprint", "key", "known_hosts"])
def test_files_come_whole_from_a_server_whose_key_is_pinned(
    pin: str, said, sftp_server: SftpServer, tmp_path: Path
) -> None:
    if pin == "key":
        said["host_key"] = sftp_server.host_key
    elif pin == "known_hosts":
        said |= {"host_key": None, "known_hosts": str(sftp_server.known_hosts)}
    assert pulled(said, tmp_path / "into") == EXTRACT
    assert (tmp_path / "into").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "into").iterdir())


@pytest.mark.parametrize("how", ["fingerprint", "key", "known_hosts", "nobody"])
def test_a_server_with_another_key_is_told_nothing(
    how: str, said, sftp_server: SftpServer, tmp_path: Path
) -> None:
    other = make_ssh_key(tmp_path / "other")
    if how == "fingerprint":
        said["host_key"] = "SHA256:" + "A" * 43
    elif how == "key":
        said["host_key"] = other
    else:
        port = sftp_server.port if how == "known_hosts" else 22
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {other}\n")
        said |= {"host_key": None, "known_hosts": str(tmp_path / "known")}
    before = sftp_server.log.read_text().count("Accepted")
    told = refusal(SourceRefused, said, tmp_path / "into")
    assert "host key" in told
    assert sftp_server.log.read_text().count("Accepted") == before
    assert not (tmp_path / "into").exists()


def test_a_wrong_password_is_refused_once(
    said, sftp_server: SftpServer, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THE_PASSWORD", "wrong-word")
    said |= {"key_file": None, "password": "env:THE_PASSWORD", "attempts": 4}
    before = sftp_server.log.read_text().count("Failed password")
    assert "refused the credential" in refusal(SourceRefused, said, tmp_path / "into")
    assert sftp_server.log.read_text().count("Failed password") == before + 1


def test_a_credential_that_is_not_there_or_not_private(said, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("THE_PASSWORD", raising=False)
    without = said | {"key_file": None, "password": "env:THE_PASSWORD"}
    assert "THE_PASSWORD" in refusal(SourceRefused, without, tmp_path / "into")
    # It may be the password itself that was written where a file's name belongs.
    written = said | {"key_file": None, "password": "wrong-word"}
    assert "`password`" in refusal(SourceRefused, written, tmp_path / "into")
    make_ssh_key(tmp_path / "loose")
    (tmp_path / "loose").chmod(0o644)
    refusal(KeyProblem, said | {"key_file": str(tmp_path / "loose")}, tmp_path / "into")


def test_a_connection_that_is_cut_is_tried_again(
    said, there: Path, monkeypatch, tmp_path: Path
) -> None:
    put(there, {"custody.csv": "a\n" + "row of many\n" * 40_000})
    monkeypatch.setattr(sftp, "REQUESTS_AT_ONCE", 3)
    with cutting(said["port"], after=150_000, cuts=2) as proxy:
        said |= {"port": proxy.port, "attempts": 3}
        found = fetched(source(**said), tmp_path / "into")
        assert proxy.made >= 3
    assert contents(found, tmp_path / "into")["custody.csv"].count("row") == 40_000


def test_a_connection_that_is_always_cut_leaves_nothing(said, there: Path, tmp_path: Path) -> None:
    put(there, {"custody.csv": "a\n" + "row of many\n" * 40_000})
    with cutting(said["port"], after=150_000) as proxy:
        told = refusal(SourceAway, said | {"port": proxy.port, "attempts": 2}, tmp_path / "into")
    assert "did not answer" in told
    with cutting(1) as nobody:
        refusal(SourceAway, said | {"port": nobody.port, "attempts": 2}, tmp_path / "into")


@pytest.mark.parametrize(("lie", "kind"), [(5, CutShort), (-1, SourceUnsound)])
def test_a_server_that_lies_about_a_size(
    lie: int, kind: type[Exception], said, monkeypatch, tmp_path: Path
) -> None:
    from dataclasses import replace

    honest = Sftp.items

    def items(self: Sftp) -> Any:
        return [replace(one, size=(one.size or 0) + lie) for one in honest(self)]

    monkeypatch.setattr(Sftp, "items", items)
    refusal(kind, said, tmp_path / "into")


def test_a_file_that_changes_meanwhile_is_not_taken(
    said, there: Path, monkeypatch, tmp_path: Path
) -> None:
    honest = Sftp.read

    def read(self: Sftp, item: Any) -> Any:
        yield from honest(self, item)
        (there / item.name).write_text("other\n" * 9)

    monkeypatch.setattr(Sftp, "read", read)
    assert "changed" in refusal(SourceUnsound, said, tmp_path / "into")


def test_a_size_beyond_all_measure_is_no_list_of_what_to_ask_for(
    said, monkeypatch, tmp_path: Path
) -> None:
    import tracemalloc
    from dataclasses import replace

    honest = Sftp.items
    monkeypatch.setattr(Sftp, "items", lambda own: [replace(o, size=1 << 37) for o in honest(own)])
    # As a rule no byte of it is asked for.
    assert "20,000 MB" in refusal(BrokenOff, said, tmp_path / "into")
    tracemalloc.start()
    refusal(CutShort, {**said, "most_megabytes": 1_000_000}, tmp_path / "into")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_a_file_that_changes_while_the_next_is_pulled_is_not_taken(
    said, there: Path, monkeypatch, tmp_path: Path
) -> None:
    honest = Sftp.read

    def read(self: Sftp, item: Any) -> Any:
        yield from honest(self, item)
        if item.name == "drug_test.csv":
            (there / "custody.csv").write_text("other\n" * 9)

    monkeypatch.setattr(Sftp, "read", read)
    assert "changed" in refusal(SourceUnsound, said, tmp_path / "into")


def test_a_folder_that_is_not_there(said, tmp_path: Path) -> None:
    said["folder"] += "/none"
    assert "not at the source" in refusal(SourceRefused, said, tmp_path / "into")
