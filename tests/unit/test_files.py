"""Files and folders of a partnership: whole or not there, and a fault of the disk is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.files import (
    check_report_target,
    folder_digest,
    is_kept,
    private_folder,
    remove_folder,
    remove_unfinished,
    write_json,
    write_private,
    write_text,
)
from flows.housekeeping import keep_only
from schemas.errors import ConfigError, StoreError


def refused(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("x")
    with pytest.raises(StoreError, match="is not a folder"):
        private_folder(tmp_path / "stores")
    with pytest.raises(StoreError, match="is not a folder"):
        private_folder(tmp_path / "stores" / "run")


@pytest.mark.parametrize("call", ["mkdir", "chmod"])
def test_a_folder_that_cannot_be_made_private_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(Path, call, refused)
    with pytest.raises(StoreError, match="permissions"):
        private_folder(tmp_path / "stores")


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "os.open"])
def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "a.csv").write_text("old")
    with monkeypatch.context() as patched:
        patched.setattr(call, refused)
        with pytest.raises(StoreError, match=r"a\.csv cannot be written"):
            write_text(tmp_path / "a.csv", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


def test_a_report_goes_only_where_there_is_a_folder(tmp_path: Path) -> None:
    check_report_target(tmp_path / "report.json")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="no folder"):
        check_report_target(tmp_path / "none" / "report.json")
    with pytest.raises(StoreError):
        write_json(tmp_path / "none" / "report.json", {})
    assert list(tmp_path.iterdir()) == []


def test_a_report_replaces_no_folder_and_no_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigError, match="not a plain file"):
            check_report_target(target)
    assert (tmp_path / "pipe").is_fifo()


def test_a_report_that_could_not_be_written_is_told_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        check_report_target(tmp_path / ("x" * 252))
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ConfigError, match="cannot be written"):
        check_report_target(tmp_path / "report.json")


def test_a_private_file_is_private_from_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(path: Path) -> None:
        assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == 0

    monkeypatch.setattr("flows.files.keep_from_others", judged)
    before = os.umask(0)
    try:
        write_private(tmp_path / "a.bundle", b"secret")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bundle").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("write", [lambda p: write_private(p, b"secret"), check_report_target])
def test_a_link_that_was_laid_where_a_file_is_written_is_not_followed(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    (tmp_path / "victim").write_text("whole")
    (tmp_path / ".a.part").symlink_to("victim")
    write(tmp_path / "a")
    assert (tmp_path / "victim").read_text() == "whole"
    assert not (tmp_path / ".a.part").exists()


def test_a_file_that_is_laid_there_meanwhile_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").write_text("whole")
    (tmp_path / ".a.part").symlink_to("victim")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    with pytest.raises(StoreError):
        write_private(tmp_path / "a", b"secret")
    assert (tmp_path / "victim").read_text() == "whole"


JSON, HTML, CSV = "--json report", "--html page", "--csv report"
SEALED = "cohort-journeys-sealed-1\nbody"


@pytest.mark.parametrize(
    ("what", "content"),
    [
        *((JSON, text) for text in ("{}", "[1, 2]", '{"partners": {}}\n', "", "\n")),
        (HTML, "<!doctype html>\n<html>"),
        (CSV, "table,row,column,rule,outcome,count\n"),
        ("--out file", SEALED),
        ("model", '{"encoding_version": 3}'),
    ],
)
def test_a_report_replaces_an_earlier_one_of_its_kind(
    tmp_path: Path, what: str, content: str
) -> None:
    (tmp_path / "report").write_text(content)
    check_report_target(tmp_path / "report", what)


@pytest.mark.parametrize("what", [JSON, HTML, CSV, "--out file"])
@pytest.mark.parametrize(
    "content",
    [
        "cohort-journeys-key 1 store epoch=1 made=2026-11-22 00",
        "cohort-journeys-partner-2 00",
        '{"format": "cohort-journeys-bundle-1"}',
        '{"format": "cohort-journeys-receipt-1"}',
        '{"encoding_version": 3, "name": "a model"}',
        "0000-0000-0000-0000-0000",
        "SQLite format 3\0",
        "\0\0\0\0\0\0\0\0DUCK",
        "partnership: A\n",
        "custody_key,forename\n",
        "[" * 100_000,
        '"text"',
        "7",
    ],
)
def test_a_report_replaces_nothing_else(tmp_path: Path, what: str, content: str) -> None:
    (tmp_path / "kept").write_text(content)
    with pytest.raises(ConfigError, match="Name another file"):
        check_report_target(tmp_path / "kept", what)
    assert (tmp_path / "kept").read_text() == content


@pytest.mark.parametrize("what", [JSON, HTML, CSV])
def test_no_report_lies_among_what_a_partnership_keeps(tmp_path: Path, what: str) -> None:
    (tmp_path / "partnership.yaml").write_text("")
    (tmp_path / "empty.key").touch()
    for folder in ("keys/partners", "inbox/police", "receipts", "models", "out"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("inbox")
    for place in (
        "keys/a",
        "keys/partners/a",
        "inbox/police/a",
        "receipts/a",
        "models/a",
        "link/police/a",
        "empty.key",
    ):
        with pytest.raises(ConfigError, match="Name another file"):
            check_report_target(tmp_path / place, what)
    for place in ("a", "out/a"):
        check_report_target(tmp_path / place, what)


@pytest.mark.parametrize("mark", ["partnership.yaml", "control.db", "ledger-key.json"])
def test_a_partnership_is_known_whatever_its_yaml_is_called(tmp_path, mark):
    place = tmp_path / "stores" / "report.json"
    assert not is_kept(place)
    (tmp_path / mark).touch()
    assert is_kept(place) and is_kept(tmp_path / "keys" / "deep" / "x")
    assert not is_kept(tmp_path / "report.json")


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, others = tmp_path / ".one.txt.part", ("one.txt", ".hidden", "two.part")
    for name in (left.name, *others):
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.part").mkdir()
    remove_unfinished(tmp_path, "two*")
    assert left.exists()
    remove_unfinished(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {*others, ".folder.part"}


def test_a_folder_whose_removal_is_cut_short_has_a_name_that_nothing_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "20261122-010203-abcd"
    folder.mkdir()
    (folder / "key.json").write_text("x")

    def cut_short(path: Path) -> None:
        raise OSError

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr("flows.files.shutil.rmtree", cut_short)
        remove_folder(folder)
    assert [one.name for one in tmp_path.iterdir()] == [f".{folder.name}.gone"]
    assert keep_only(tmp_path, {folder.name}) == 1
    assert not any(tmp_path.iterdir())


def test_a_folder_is_known_by_its_files_but_for_what_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "a.py").write_text("1")
    before = folder_digest(tmp_path)
    for name in ("a.cpython-311.pyc", "a.cpython-311.pyc.140234"):  # one is being written
        (tmp_path / "__pycache__" / name).write_text("x")
    assert folder_digest(tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert folder_digest(tmp_path) != before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert folder_digest(tmp_path) != before
