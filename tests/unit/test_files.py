"""Files and folders of a partnership: whole or not there, and a fault of the disk is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.files import check_report_target, private_folder, write_json, write_text
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


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.open"])
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
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match="cannot be written"):
        check_report_target(tmp_path / "report.json")
