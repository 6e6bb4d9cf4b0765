"""A partnership is wiped and restored: nobody who was erased comes back, nothing else is lost."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import someone, write_rows
from dying import killed_before
from every_byte import Gone, found_in
from servers import PostgresServer
from typer.testing import CliRunner

from flows.backup import restoring
from flows.backup.making import make_backup
from flows.backup.manifest import read_ending, write_ending
from flows.backup.opening import backups_in, verify_backup
from flows.backup.restoring import restore_backup
from flows.cli import app
from flows.clock import utc_now
from flows.context import open_control
from flows.doctor.examining import examine
from flows.record.checkpoints import checkpoint_paths, verify_record
from flows.refresh import run_refresh
from flows.rights import requests as rights
from flows.rights.register_files import NoRegister
from governance.audit import Recorder
from governance.control import Control, Reading, copies
from schemas.errors import ConfigError, JourneysError, KeyProblem, RecordProblem, StoreError

if TYPE_CHECKING:
    from conftest import Partnership


@dataclass(frozen=True)
class BackedUp:
    """A partnership, its backup, and the key that opens it."""

    partnership: Partnership
    backup: Path
    key: Path


def back_up(partnership: Partnership) -> BackedUp:
    key, out = partnership.folder.parent / "custodian" / "backup.key", partnership.folder.parent
    made = partnership.journeys("backup", "key", "--out", str(key))
    assert made.exit_code == 0, made.output
    done = partnership.journeys("backup", "make", "--out", str(out / "backups"))
    assert done.exit_code == 0, done.output
    (backup,) = (out / "backups").iterdir()
    return BackedUp(partnership, backup, key)


@pytest.fixture
def backed_up(ran: Partnership) -> BackedUp:
    return back_up(ran)


def wiped(partnership: Partnership) -> Path:
    """The empty machine: only what custodians and other disks have is left. Where the keys are."""
    keys = partnership.folder.parent / "custody"
    shutil.copytree(partnership.folder / "keys", keys)
    shutil.rmtree(partnership.folder)
    return keys


@pytest.mark.usefixtures("slight")
def test_a_wiped_partnership_comes_back_without_whom_it_had_erased(backed_up: BackedUp) -> None:
    ran, one = backed_up.partnership, someone(backed_up.partnership)
    before, gone = ran.record_person(), Gone([one.person], one.records)
    row = {"custody_ref": one.row["custody_ref"]}
    rights.ask(ran.settings, "erasure", "police",
               write_rows(ran.folder.parent / "request.csv", [row]))  # fmt: skip
    run_refresh(ran.settings)
    left = [pair for pair in before if pair[0] not in one.records]
    assert ran.record_person() == left
    witness = ran.folder.parent / "witness.txt"
    shutil.copy(checkpoint_paths(ran.settings)[-1], witness)
    inbox = ran.folder.parent / "inbox"
    shutil.copytree(ran.folder / "inbox", inbox)

    keys = wiped(ran)
    mine = ("backup", "restore", str(backed_up.backup), "--into", str(ran.folder))
    done = CliRunner().invoke(app, [*mine, "--key", str(backed_up.key)])
    assert done.exit_code == 0, done.output
    assert "1 erasures were carried out since" in done.output
    assert all(
        f"{kind}.key" in done.output for kind in ("identifier", "store", "release", "record")
    )
    assert not list(ran.folder.parent.glob(".*restoring*"))
    shutil.copytree(keys, ran.folder / "keys", dirs_exist_ok=True)
    # Nobody reads what was put back until a run has been.
    assert found_in(ran.settings, gone)
    with pytest.raises(JourneysError, match="erases them again"):
        ran.select("SELECT count(*) FROM person")
    run_refresh(ran.settings)
    register = ran.settings.retention.erasures
    assert register is not None
    assert found_in(ran.settings, gone, beside=[register]) == {}
    assert ran.record_person() == left

    found = verify_record(ran.settings)
    assert found.sound and any("was put back on" in note for note in found.notes)
    (fault,) = verify_record(ran.settings, [witness]).faults
    assert "witness.txt" in fault and "put back on" in fault and "is lost" in fault
    # A witness of before the backup, or of after the restore, is met.
    assert verify_record(ran.settings, checkpoint_paths(ran.settings)).sound


def test_a_backup_is_of_everything_but_keys_inboxes_and_leftovers(backed_up: BackedUp) -> None:
    ran, into = backed_up.partnership, backed_up.partnership.folder.parent / "again"
    register = ran.settings.retention.erasures
    assert register is not None and register.is_dir()
    text = read_ending(backed_up.backup).text
    assert ran.settings.partnership not in text and "police" not in text
    restore_backup(backed_up.backup, into, backed_up.key)
    was = {p.relative_to(ran.folder) for p in ran.folder.rglob("*") if p.is_file()}
    now = {p.relative_to(into) for p in into.rglob("*") if p.is_file()}
    missing = {path.parts[0] for path in was - now}
    assert now <= was and missing == {"inbox", "keys", "run.lock"}
    for path in now - {Path("control.db")}:
        assert (into / path).read_bytes() == (ran.folder / path).read_bytes(), path
    assert (into / "inbox" / "police").is_dir() and not list((into / "inbox" / "police").iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in [into, *into.rglob("*")])


def test_what_is_not_whole_not_ours_or_in_the_way_is_refused(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    ran, backup, key = backed_up.partnership, backed_up.backup, backed_up.key
    into, whole = tmp_path / "again", backed_up.backup.read_bytes()
    size = read_ending(backup).manifest.size
    public = ran.folder / "checkpoints" / "record-key-1.pub"
    assert verify_backup(backup).files is None
    found = verify_backup(backup, key, public)
    assert (
        found.pinned
        and found.signed_by
        and found.files == sum(read_ending(backup).manifest.files.values())
    )
    broken = tmp_path / "broken.journeys"
    cut = whole[: size // 2] + whole[size:]
    flipped = bytearray(whole)
    flipped[size // 2] ^= 1
    for content in (whole[:-1], whole[: len(whole) // 2], cut, bytes(flipped), b"", b"x" * 500):
        broken.write_bytes(content)
        for check in (verify_backup, lambda path: restore_backup(path, into, key)):
            with pytest.raises(StoreError):
                check(broken)
        assert not into.exists() and not list(tmp_path.glob(".*restoring*"))
    # Whoever has the public half can seal, and cannot sign.
    ending = read_ending(backup)
    other = replace(ending.manifest, entries=ending.manifest.entries + 1)
    for manifest, signature in ((other, ending.signature), (ending.manifest, "")):
        with broken.open("wb") as file:
            file.write(whole[:size])
            write_ending(file, manifest, signature)
        with pytest.raises(RecordProblem, match="not signed by this partnership"):
            restore_backup(broken, into, key)
    assert not into.exists()
    stranger = tmp_path / "other.key"
    assert ran.journeys("backup", "key", "--out", str(stranger)).exit_code == 1
    assert ran.journeys("backup", "key", "--out", str(stranger), "--replace").exit_code == 0
    with pytest.raises(KeyProblem, match="not sealed to the key"):
        restore_backup(backup, into, stranger)
    with pytest.raises(StoreError, match="is there already"):
        restore_backup(backup, ran.folder, key)
    into.mkdir()
    assert restore_backup(backup, into, key, public_key=public).pinned


@pytest.mark.parametrize("place", ["partnership/control.db", "elsewhere/control.db"])
def test_a_control_database_named_by_its_whole_path_comes_back(
    ran: Partnership, place: str
) -> None:
    path = ran.folder.parent / place.replace("partnership", ran.folder.name)
    path.parent.mkdir(exist_ok=True)
    if path != ran.folder / "control.db":
        (ran.folder / "control.db").rename(path)
    text = ran.config.read_text()
    assert "sqlite:///control.db" in text
    ran.config.write_text(text.replace("sqlite:///control.db", f"sqlite:///{path}"))
    backed_up = back_up(ran)
    wiped(ran)
    path.unlink(missing_ok=True)

    def restore() -> object:
        return restore_backup(backed_up.backup, ran.folder, backed_up.key)

    # One that was cut short when its control database was outside already, or half of it was.
    outside = path.parent != ran.folder
    for step in ((shutil, "copyfileobj"), (Path, "rename")) if outside else ((Path, "rename"),):
        assert killed_before(1, [step], restore) and not ran.folder.exists()
    assert path.is_file() == outside
    restore()
    assert path.is_file() and path.stat().st_mode & 0o777 == 0o600
    with open_control(ran.settings) as control:
        assert control.current_run() is not None
        assert len(control.restores()) == 1
        control.add_audit(Recorder("a", "p").entry("oversight", utc_now()))
    if outside:  # it was worked with since
        shutil.rmtree(ran.folder)
        kept = path.read_bytes()
        for there in (kept, b"", b"another file"):
            path.write_bytes(there)
            with pytest.raises(StoreError, match="There is a control database"):
                restore()
            assert path.read_bytes() == there and not ran.folder.exists()


def test_a_control_database_in_postgresql_comes_back_into_an_empty_one(
    ran: Partnership, postgres_server: PostgresServer
) -> None:
    old, new = postgres_server.new_database(), postgres_server.new_database()
    with open_control(ran.settings) as control, Control(old) as other:
        other.fill(control.rows())
    (ran.folder / "control.db").unlink()
    text = ran.config.read_text()
    ran.config.write_text(text.replace("sqlite:///control.db", old))
    backed_up, before = back_up(ran), ran.record_person()
    keys = wiped(ran)
    name = old.rpartition("/")[2]
    # What was lost is lost with its server; an empty one of the same name takes its place.
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    with pytest.raises(StoreError, match="control database"):
        restore_backup(backed_up.backup, ran.folder, backed_up.key)
    assert not ran.folder.exists()
    postgres_server.execute(f"ALTER DATABASE {new.rpartition('/')[2]} RENAME TO {name}")

    def restore() -> object:
        return restore_backup(backed_up.backup, ran.folder, backed_up.key)

    # Killed while the server takes the rows in, once it has, and before the folder is in its place.
    for step, filled in (
        ((copies, "_go_on_counting"), False),
        ((restoring, "flush"), True),
        ((Path, "rename"), True),
    ):
        assert killed_before(1, [step], restore) and not ran.folder.exists()
        with Control(old) as control:
            assert control.is_empty() != filled and len(control.restores()) == filled
    restore()
    with Control(old) as control:
        assert len(control.restores()) == 1
    shutil.copytree(keys, ran.folder / "keys", dirs_exist_ok=True)
    assert not list(ran.folder.glob("*control*"))
    found = verify_record(ran.settings)
    assert found.sound and any("was put back on" in note for note in found.notes)
    assert ran.record_person() == before
    assert [one.said for one in examine(ran.settings) if one.state == "fail"] == []
    # What is numbered by the database goes on where it was.
    with open_control(ran.settings) as control:
        (current,) = control.committed_runs()
        control.begin_run("29991231-000000-abcd", at=utc_now(), actor="a", purpose="p")
        control.decide_reading(
            Reading(current, utc_now(), "a", "b"),
            Recorder("a", "p").entry("alteration", utc_now(), detail={}),
        )


def test_without_the_register_a_restore_is_refused_or_told(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    ran, into = backed_up.partnership, tmp_path / "again"
    register = ran.settings.retention.erasures
    assert register is not None
    register.rename(tmp_path / "its disk is not mounted")
    with pytest.raises(NoRegister, match="nobody knows who was erased"):
        restore_backup(backed_up.backup, into, backed_up.key)
    assert not into.exists()
    done = restore_backup(
        backed_up.backup, into, backed_up.key, without_register="The disk burnt too"
    )
    assert not done.register
    with open_control(type(ran)(into).settings) as control:
        (entry,) = [one for one in control.audit_entries("oversight") if "why" in one.detail]
    assert entry.detail["register"] == "not at hand"
    assert entry.detail["why"] == "The disk burnt too"
    assert "register of erasures is missing" not in type(ran)(into).journeys("status").output


def test_backups_are_listed_and_those_that_are_not_whole_told(backed_up: BackedUp) -> None:
    ran, folder = backed_up.partnership, backed_up.backup.parent
    make_backup(ran.settings, folder)
    assert [one.problem for one in backups_in(folder)] == ["", ""]
    assert ran.journeys("backup", "list", "--in", str(folder)).exit_code == 0
    backed_up.backup.write_bytes(backed_up.backup.read_bytes()[:-1])
    told = ran.journeys("backup", "list", "--in", str(folder))
    assert told.exit_code == 1 and told.output.count("NOT WHOLE") == 1
    with pytest.raises(ConfigError, match="would be lost with it"):
        make_backup(ran.settings, ran.folder / "backups")
    with open_control(ran.settings) as control:
        made = [one for one in control.audit_entries("oversight") if "backup" in one.detail]
    assert len(made) == 2


def test_killed_at_any_step_a_backup_is_whole_or_not_there(
    ran: Partnership, tmp_path: Path
) -> None:
    key, out = tmp_path / "backup.key", tmp_path / "backups"
    ran.journeys("backup", "key", "--out", str(key))
    steps = [(os, "fsync"), (os, "open"), (Path, "replace"), (Path, "unlink")]
    killed, number = True, 0
    while killed:
        number += 23
        killed = killed_before(number, steps, lambda: make_backup(ran.settings, out))
        for one in backups_in(out) if out.exists() else []:
            assert one.ending is not None
    make_backup(ran.settings, out)
    assert not list(out.glob(".*")) and not (ran.folder / ".control-copy.part").exists()
    into = tmp_path / "again"
    backup = sorted(out.iterdir())[-1]
    steps = [(os, "fsync"), (os, "utime"), (Path, "rename"), (Path, "mkdir"), (Path, "rmdir")]
    killed, number = True, 0
    while killed:
        number += 23
        killed = killed_before(number, steps, lambda: restore_backup(backup, into, key))
        assert not killed or not into.exists() or verify_record(type(ran)(into).settings).sound
        if killed and into.exists():
            shutil.rmtree(into)
    assert verify_record(type(ran)(into).settings).sound


def test_old_backups_of_ours_are_deleted_with_a_receipt_and_others_are_told(
    backed_up: BackedUp,
) -> None:
    ran, folder = backed_up.partnership, backed_up.backup.parent
    text = ran.config.read_text()
    ran.config.write_text(text.replace("retention:\n", f"retention:\n  backups: {folder}\n", 1))
    old = folder / re.sub(r"-2\d{7}-", "-20260101-", backed_up.backup.name)
    strange = folder / old.name.replace("backup-", "backup-00000000-")[:-18]
    for path in (old, strange):
        shutil.copy(backed_up.backup, path)
        os.utime(path, (0, 0))
    assert ran.journeys("retention", "apply", "--yes").exit_code == 0
    assert sorted(folder.iterdir()) == sorted([backed_up.backup, strange])
    (receipt,) = (ran.folder / "receipts").glob("*-retention.json")
    assert old.name in receipt.read_text() and strange.name not in receipt.read_text()
