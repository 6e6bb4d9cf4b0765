"""Everything that the doctor looks at is broken in turn, and told."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from listening import webhook

from flows.clock import utc_now
from flows.context import open_control, run_lock
from flows.doctor import above, custody, folder, machine, outside, record, releases, secrecy
from flows.doctor.examining import CHECKS, examine
from flows.doctor.finding import Check, Finding, Patient
from flows.orchestration.options import Schedule
from flows.settings import load_settings
from schemas.errors import StoreError

if TYPE_CHECKING:
    from conftest import Partnership

Usage = namedtuple("Usage", "total used free")


def looked(partnership: Partnership, check: Check, clock: Any = utc_now) -> list[Finding]:
    settings = load_settings(partnership.config)
    with open_control(settings) as control:
        return list(check(Patient(settings, control, clock)))


def worst(found: list[Finding]) -> str:
    return next((one for one in ("fail", "warn") if any(f.state == one for f in found)), "ok")


def remedied(found: list[Finding]) -> bool:
    return all(bool(one.remedy) == (one.state != "ok") for one in found)


def test_a_sound_partnership_has_no_failure_and_every_check_a_code(shared: Partnership) -> None:
    found = examine(shared.settings)
    assert [one for one in found if one.state == "fail"] == []
    assert {one.code for one in found} == set(CHECKS) - {"prefect"}
    assert remedied(found) and all(one.anchor.endswith(f"#{one.code}") for one in found)
    told = shared.journeys("doctor", "--all", "--json", str(shared.folder.parent / "out.json"))
    assert told.exit_code == 0 and "0 fail." in told.output
    # The files that it tries are gone again.
    assert not list(shared.folder.glob(".doctor-*"))


def in_forty_days() -> datetime:
    return utc_now() + timedelta(days=40)


def in_320_days() -> datetime:
    """At noon: in the last hour of a winter's day it would be the day after, by summer time."""
    return utc_now().replace(hour=12) + timedelta(days=320)


def before() -> datetime:
    return utc_now() - timedelta(days=1)


@pytest.mark.parametrize(
    ("check", "clock", "state", "said"),
    [
        (machine.clock, before, "fail", "before the last entry"),
        (machine.clock, in_forty_days, "warn", "may be ahead"),
        (record.runs, in_forty_days, "fail", "for 960 hours"),
        (custody.agreements, in_320_days, "warn", "ends in 45 days"),
        (custody.agreements, lambda: utc_now() + timedelta(days=370), "fail", "no agreement"),
    ],
)
def test_what_time_breaks_is_told(
    shared: Partnership, check: Check, clock: Any, state: str, said: str
) -> None:
    found = looked(shared, check, clock)
    assert worst(found) == state and remedied(found)
    assert any(said in one.said for one in found), found


def no_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, 1))


def no_files_left(patch: pytest.MonkeyPatch) -> None:
    real = os.statvfs

    def few(path: Any) -> Any:
        found = list(real(path))
        found[7] = 5  # f_favail
        return os.statvfs_result(found)

    patch.setattr(os, "statvfs", few)


def small_files(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "_largest_file", lambda: 1 << 20)


def no_time_zone(patch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ZoneInfoNotFoundError(name)

    patch.setattr(machine, "ZoneInfo", missing)


def old_python(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "OLDEST_PYTHON", (9, 0))


def other_lock(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("duckdb==0.0.1 \\\n    --hash=sha256:00\nnobody-has-this==1\n")
    patch.setattr(machine, "LOCK", lock)


def lacking_package(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        machine.metadata, "requires", lambda name: ["no-such-package>=1", "x; extra == 'y'"]
    )


def no_extension(patch: pytest.MonkeyPatch) -> None:
    import warehouse.connect

    def missing() -> Path:
        raise StoreError("The httpfs extension is not installed.", "Install it.")

    patch.setattr(warehouse.connect, "httpfs_path", missing)


def not_encrypted(patch: pytest.MonkeyPatch) -> None:
    import duckdb

    import warehouse.connect

    patch.setattr(warehouse.connect, "open_store", lambda path, key: duckdb.connect(str(path)))


def old_openssl(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "OLDEST_OPENSSL", (99, 0))


def plain_swap(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "swaps").write_text("Filename Type Size\n/dev/sda9 partition 1 0 -2\n")
    patch.setattr(secrecy, "SWAPS", tmp_path / "swaps")


def core_dumps(patch: pytest.MonkeyPatch) -> None:
    import flows.intake.apart

    patch.setattr(flows.intake.apart, "keep_to_itself", lambda: None)
    patch.setattr(resource, "getrlimit", lambda which: (100, 100))


def validation_off(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PANDERA_VALIDATION_ENABLED", "False")


def telemetry(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "x")


def loose_umask(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "umask", lambda mask: 0o002)


def no_locks(patch: pytest.MonkeyPatch) -> None:
    import contextlib

    import filelock

    patch.setattr(filelock, "FileLock", lambda *args, **how: contextlib.nullcontext())


def no_renames(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folder, "_renames", lambda path: False)


def no_flushes(patch: pytest.MonkeyPatch) -> None:
    def refused(handle: int) -> None:
        raise OSError(5, "no")

    patch.setattr(os, "fsync", refused)


def open_files(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "chmod", lambda self, mode: os.chmod(self, 0o644))  # noqa: PTH101


def a_share(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("/dev/x / ext4 rw 0 0\nserver:/a /tmp nfs4 rw 0 0\n")
    patch.setattr(folder, "MOUNTS", tmp_path / "mounts")


def unknown_server(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outside, "Schedule", lambda: Schedule(server="http://127.0.0.1:1/other"))


def test_a_server_that_asks_for_no_password_is_not_the_schedules(shared: Partnership) -> None:
    with webhook(answers_get=True) as hook:
        address = hook.address.removesuffix("/hook") + "/api"
        given = shared.settings.model_copy(update={"schedule": Schedule(server=address)})
        (found,) = outside.prefect(Patient(given, None, utc_now))
    assert found.state == "fail"


@pytest.mark.parametrize(
    ("check", "broken", "state", "said"),
    [
        (machine.disk, no_room, "fail", "are free"),
        (machine.disk, no_files_left, "warn", "5 more files"),
        (machine.disk, small_files, "fail", "as large as a store"),
        (machine.clock, no_time_zone, "fail", "Europe/London is not known"),
        (machine.versions, old_python, "fail", "too old"),
        (machine.versions, other_lock, "warn", "lock has: duckdb."),
        (machine.versions, lacking_package, "fail", "not installed: no-such-package."),
        (machine.encryption, no_extension, "fail", "httpfs"),
        (machine.encryption, not_encrypted, "fail", "readable without its key"),
        (machine.encryption, old_openssl, "warn", "OpenSSL"),
        (secrecy.swap, plain_swap, "warn", "1 places of swap"),
        (secrecy.core_dumps, core_dumps, "fail", "leave its memory"),
        (secrecy.environment, validation_off, "fail", "switches validation off"),
        (secrecy.environment, telemetry, "warn", "ANALYTICS_ENABLED, OTEL"),
        (folder.permissions, loose_umask, "warn", "umask"),
        (folder.file_system, no_locks, "fail", "honour: locks."),
        (folder.file_system, no_renames, "fail", "renaming over a file"),
        (folder.file_system, no_flushes, "fail", "flushing to the disk"),
        (folder.file_system, open_files, "fail", "private files"),
        (folder.file_system, a_share, "warn", "network share (nfs4)"),
        (outside.prefect, unknown_server, "fail", "does not answer"),
    ],
)
def test_what_is_wrong_with_the_machine_is_told(
    shared: Partnership,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    check: Check,
    broken: Callable[..., None],
    state: str,
    said: str,
) -> None:
    settings = load_settings(shared.config)
    with open_control(settings) as control:
        patient = Patient(settings, control, utc_now)
        assert worst(list(check(patient))) in ("ok", "warn")
        with monkeypatch.context() as patch:
            broken(*((patch, tmp_path) if broken.__code__.co_argcount == 2 else (patch,)))
            found = list(check(patient))
    assert worst(found) == state and remedied(found)
    assert any(said in one.said for one in found), found


def test_keys_that_are_missing_open_to_others_or_the_same_are_told(ran: Partnership) -> None:
    home = ran.folder / "keys"
    (home / "identifier.key").unlink()
    (home / "store.key").chmod(0o644)
    said = {one.said.split(":")[0]: one.state for one in looked(ran, custody.keys)}
    assert said == {"identifier": "fail", "store": "fail", "release": "ok", "seal": "ok",
                    "record": "ok"}  # fmt: skip
    (home / "store.key").chmod(0o600)
    text = (home / "release.key").read_text()
    (home / "seal.key").write_text(text.replace(" release ", " seal "))
    found = looked(ran, custody.keys)
    assert any("are the same" in one.said for one in found)
    config = ran.config.read_text()
    ran.config.write_text(config.replace("  record: keys/record.key\n", ""))
    assert any("not signed" in one.said for one in looked(ran, custody.keys))


def test_a_lost_key_is_put_back_and_none_is_made_in_its_place(ran: Partnership) -> None:
    for kind in ("identifier", "store", "release"):
        key = ran.folder / "keys" / f"{kind}.key"
        aside = key.rename(key.with_suffix(".aside"))
        told = [one for one in looked(ran, custody.keys) if one.state == "fail"]
        assert "from its custodian" in told[0].remedy and "never run" in told[0].remedy
        refused = ran.journeys("keys", "new")
        assert refused.exit_code == 1 and f"The {kind} key is missing" in refused.output
        assert not key.exists()
        aside.rename(key)
    # One that nothing has needed yet is made: of a kind that this partnership adds later.
    (ran.folder / "keys" / "record.key").unlink()
    assert ran.journeys("keys", "new").exit_code == 0


def test_what_belongs_to_no_run_is_told(ran: Partnership) -> None:
    (ran.folder / "releases" / "foo").mkdir()
    (ran.folder / "drafts" / "notes.txt").write_text("")
    (found,) = looked(ran, folder.leftovers)
    assert found.state == "warn" and found.remedy
    assert "2 files or folders in drafts, releases belong to no run." in found.said


def test_what_became_of_the_folder_is_told(ran: Partnership) -> None:
    settings, stores = ran.settings, ran.folder / "stores"
    (stores / "20200101-000000-abcd").mkdir()
    (ran.folder / ".partnership.yaml.part").write_text("")
    with open_control(settings) as control:
        control.begin_run("20261122-000000-abcd", at=utc_now(), actor="a", purpose="p")
    found = looked(ran, folder.leftovers)
    assert [one.state for one in found] == ["fail", "warn", "warn"] and remedied(found)
    with run_lock(settings):
        assert [one.state for one in looked(ran, folder.leftovers)] == ["ok"]
    stores.chmod(0o755)
    ran.folder.chmod(0o777)
    assert [one.state for one in looked(ran, folder.permissions)][:2] == ["fail", "fail"]
    ran.folder.chmod(0o700)
    with open_control(settings) as control:
        control.fail_run("20261122-000000-abcd", at=utc_now(), problem="The disk is full.")
    (failed,) = looked(ran, record.runs)
    assert failed.state == "fail" and "The disk is full." in failed.said


@pytest.mark.parametrize(
    ("name", "mode", "state"),
    [
        ("inbox", 0o777, "fail"),
        (
            "inbox",
            0o1777,
            "fail",
        ),  # nobody else may rename it, but anybody may lay a plan beside it
        ("inbox", 0o770, "ok"),
        (".", 0o777, "fail"),
        (".", 0o1777, "ok"),
        ("..", 0o777, "fail"),
        ("inbox/police", 0o777, "ok"),  # of that `permissions` tells
    ],
)
def test_who_may_write_above_an_inbox_is_told(
    shared: Partnership, name: str, mode: int, state: str
) -> None:
    path = (shared.folder / name).resolve()
    before = path.stat().st_mode
    assert worst(looked(shared, above.folders_above)) == "ok"
    path.chmod(mode)
    try:
        found = looked(shared, above.folders_above)
    finally:
        path.chmod(before)
    assert worst(found) == state and remedied(found)
    assert state == "ok" or f": {path}." in found[0].said


def test_a_group_with_others_and_a_link_elsewhere_are_seen(
    shared: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert above._has_others(os.getegid() + 1) and not above._has_others(0)
    elsewhere, inbox = tmp_path / "shared", shared.folder / "inbox"
    elsewhere.mkdir()
    inbox.rename(elsewhere / "inbox")
    inbox.symlink_to(elsewhere / "inbox")
    try:
        elsewhere.chmod(0o770)
        assert worst(looked(shared, above.folders_above)) == "ok"
        monkeypatch.setattr(above, "_has_others", lambda group: group == elsewhere.stat().st_gid)
        assert worst(looked(shared, above.folders_above)) == "fail"
    finally:
        inbox.unlink()
        (elsewhere / "inbox").rename(inbox)


@pytest.mark.parametrize(
    ("name", "mode", "said"),
    [
        ("control.db", 0o644, "may look into: control.db."),
        (".", 0o777, "what a run obeys: the partnership folder."),
        ("partnership.yaml", 0o666, "what a run obeys: partnership.yaml."),
        ("agreements/police.yaml", 0o646, "what a run obeys: agreements/police.yaml."),
        ("agreements", 0o757, "what a run obeys: agreements."),
    ],
)
def test_what_others_may_read_or_change_is_told(
    shared: Partnership, name: str, mode: int, said: str
) -> None:
    path = shared.folder / name
    before = path.stat().st_mode
    assert worst(looked(shared, folder.permissions)) in ("ok", "warn")
    path.chmod(mode)
    try:
        found = looked(shared, folder.permissions)
    finally:
        path.chmod(before)
    assert worst(found) == "fail" and remedied(found)
    assert any(one.said.endswith(said) for one in found), found
    assert all(one.state != "ok" for one in found)


def test_what_is_missing_or_damaged_of_the_current_run_is_told(ran: Partnership) -> None:
    (store,) = ran.folder.glob("stores/*/staging.duckdb")
    (release,) = ran.folder.glob("releases/*/warehouse.duckdb")
    ledger = ran.folder / "ledger-key.json"
    for path in (store, release):
        whole = path.read_bytes()
        path.write_bytes(whole[:4096])
        (found,) = (one for one in looked(ran, record.runs) if one.state == "fail")
        assert "does not open" in found.said and found.remedy
        path.write_bytes(whole)
    assert worst(looked(ran, record.runs)) == "ok"
    # Its first half opens: DuckDB reads a block only when it is asked for.
    for path in (store, release):
        path.write_bytes((whole := path.read_bytes())[: len(whole) // 2])
        (found,) = (one for one in looked(ran, record.runs) if one.state == "fail")
        assert found.said.endswith(f"{path.name} is cut short.") and found.remedy
        path.write_bytes(whole)
    for path in (ledger, store):
        aside = path.rename(path.with_suffix(".aside"))
        (found,) = (one for one in looked(ran, record.runs) if one.state == "fail")
        assert f"is missing: {path.name}." in found.said
        aside.rename(path)


def test_a_register_and_backups_that_are_not_there_are_told(ran: Partnership) -> None:
    assert [one.state for one in looked(ran, custody.backups)] == ["warn", "warn"]
    text, place = ran.config.read_text(), ran.folder.parent / "backups"
    ran.config.write_text(text.replace("retention:\n", f"retention:\n  backups: {place}\n", 1))
    assert "fail" in [one.state for one in looked(ran, custody.backups)]
    ran.journeys("backup", "key", "--out", str(ran.folder.parent / "backup.key"))
    place.mkdir()
    assert [one.state for one in looked(ran, custody.backups)] == ["warn"]
    assert ran.journeys("backup", "make").exit_code == 0
    assert [one.state for one in looked(ran, custody.backups)] == ["ok"]
    later = looked(ran, custody.backups, in_forty_days)
    assert "is 40 days old" in later[0].said
    register = ran.settings.retention.erasures
    assert register is not None and looked(ran, custody.register)[0].state == "ok"
    (mine,) = register.iterdir()
    entry = '{"format": "cohort-journeys-erasure-1", "kind": "removal", "id": "police-x", '
    (mine / "removal-police-x.json").write_text(entry + '"at": "2026-11-22T00:00:00+00:00"}')
    assert "put back from before" in looked(ran, custody.register)[0].said
    ran.config.write_text(text.split("\nretention:\n")[0])
    assert looked(ran, custody.register)[0].state == "warn"


def test_a_control_database_that_is_damaged_lacking_or_taken_back_is_told(
    ran: Partnership,
) -> None:
    path = ran.folder / "control.db"
    whole = path.read_bytes()
    assert [one.state for one in looked(ran, record.control_database)] == ["ok"]
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM record_leaf WHERE number > 3")
    assert looked(ran, record.record)[0].state == "fail"
    path.write_bytes(whole)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE run DROP COLUMN key_epoch")
    found = examine(ran.settings)
    assert any(one.code == "control-database" and one.state == "fail" for one in found)
    # What cannot be looked at for it hides nothing else.
    assert any(one.code == "disk" for one in found) and any(one.code == "keys" for one in found)
    path.write_bytes(b"nothing of the kind" * 1000)
    found = examine(ran.settings)
    assert found[0].code == "control-database" and found[0].state == "fail"
    assert any(one.code == "encryption" and one.state == "ok" for one in found)
    assert ran.journeys("doctor").exit_code == 1
    path.write_bytes(b"")
    assert "is missing or empty" in examine(ran.settings)[0].said
    assert path.read_bytes() == b""
    shutil.rmtree(ran.folder / "checkpoints")
    path.write_bytes(whole)
    assert looked(ran, record.record)[0].state == "warn"


def test_a_release_that_was_cut_short_or_altered_but_opens_is_told(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = ran.folder.glob("releases/*/warehouse.duckdb")
    whole, found = path.read_bytes(), path.stat()
    assert [one.state for one in looked(ran, releases.releases)] == ["ok"]

    def as_of_then(content: bytes) -> None:
        path.chmod(0o600)
        path.write_bytes(content)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    middle = len(whole) // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for content, said in ((whole[:-4096], "of another size"), (altered, "was altered")):
        as_of_then(content)
        if content is altered:
            assert worst(looked(ran, record.runs)) == "ok"  # it opens
        (told,) = looked(ran, releases.releases)
        assert told.state == "fail" and told.remedy
        assert told.said.endswith(f"warehouse.duckdb {'is ' if 'of' in said else ''}{said}.")
    # Of large releases the time is gone by, unless it is asked for.
    monkeypatch.setattr(releases, "ALWAYS_WITHIN", 0)
    assert worst(looked(ran, releases.releases)) == "ok"
    with open_control(ran.settings) as control:
        asked = Patient(ran.settings, control, utc_now, digests=True)
        assert worst(list(releases.releases(asked))) == "fail"
    os.utime(path)
    assert worst(looked(ran, releases.releases)) == "fail"  # another time is always looked into
    as_of_then(whole)
    os.utime(path)
    assert worst(looked(ran, releases.releases)) == "ok"
    path.unlink()
    assert "is missing" in looked(ran, releases.releases)[0].said
    shutil.rmtree(path.parent)
    (told,) = looked(ran, releases.releases)
    assert told.state == "fail" and told.said.endswith(" is missing.") and told.remedy


def test_of_a_release_by_an_earlier_version_it_cannot_be_told(ran: Partnership) -> None:
    with sqlite3.connect(ran.folder / "control.db") as connection:
        connection.execute("DROP TABLE release_file")
    (told,) = looked(ran, releases.releases)
    assert told.state == "warn" and "cannot be told" in told.said and told.remedy
