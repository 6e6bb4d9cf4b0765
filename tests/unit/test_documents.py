"""YAML that people write: whatever is wrong with it is one sentence, and no value is shown."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from flows.settings import load_settings
from governance.agreements import load_agreement
from schemas.documents import read_document
from schemas.errors import AgreementError, ConfigError

BROKEN = {
    "an impossible date": ("a: 1\nstarts: 2027-02-30\n", "line 2"),
    "an impossible date in a list": ("a:\n  - 1\n  - 2027-13-01\n", "line 3"),
    "a key that is a list": ("a: 1\n? [1, 2]\n: 3\n", "line 2"),
    "a key that is a list, within": ("a:\n  b:\n    ? {c: 1}\n    : 3\n", "line 3"),
    "a number that is none": ("a: !!int ''\n", "line 1"),
    "a date that is none": ("a: !!timestamp x\n", "line 1"),
    "brackets within brackets": ("a: " + "[" * 1000 + "]" * 1000 + "\n", "too deeply"),
    "a character that no text has": ("a: 1\nb: \x00\n", "line 2"),
    "a merge": ("a: &a {b: 1}\nc:\n  <<: *a\n", "line 3"),
    "merges of merges": (
        "a0: &a0 {k: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)),
        "not valid YAML",
    ),
    "aliases of aliases": (
        "a0: &a0 [1]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "not valid YAML",
    ),
    "a list that holds itself": ("a: &a [*a, *a]\n", "not valid YAML"),
    "a key given twice": ("a: 1\nb: 2\na: 3\n", "line 3"),
    "a no that is text": ("a: 1\nb: [yes, no]\n", "line 2"),
    "a no that is a key": ("a: 1\nno: 2\n", "line 2"),
    "a number in eights": ("a: 1\nb: 010\n", "line 2"),
    "a number in sixteens": ("a: 1\nb: 0x10\n", "line 2"),
    "a number in parts": ("a: 1_000\n", "line 1"),
    "a time that is a number": ("a: 1\nb:\n  - 1:30\n", "line 3"),
    "a time with a fraction": ("a: 1:30.5\n", "line 1"),
}


@pytest.mark.parametrize("text,where", BROKEN.values(), ids=BROKEN.keys())
def test_broken_yaml_is_told_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "partnership.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as config:
        load_settings(path)
    with pytest.raises(AgreementError) as agreement:
        load_agreement(path)
    for caught in (config, agreement):
        assert "partnership.yaml" in caught.value.problem and where in caught.value.problem
        assert "2027" not in str(caught.value) and len(caught.value.problem) < 200


class _Anything(BaseModel):
    a: object
    b: object = None


def test_what_yaml_takes_for_another_is_text_in_quotation_marks(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("a: ['no', \"010\", '1:30', true, 10, -3, 0.5, 2026-04-01]\n")
    assert read_document(path, _Anything, ConfigError).a == [
        "no", "010", "1:30", True, 10, -3, 0.5, date(2026, 4, 1)
    ]  # fmt: skip
    path.write_text("a: 010\n")
    with pytest.raises(ConfigError, match="one that YAML takes for another") as caught:
        read_document(path, _Anything, ConfigError)
    assert "quotation marks" in caught.value.remedy


def test_a_document_that_goes_on_or_is_no_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "police.yaml"
    path.write_text("a: 1\n" + "#" * 1024**2)
    with pytest.raises(AgreementError, match="longer than any that people write"):
        load_agreement(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is no file"):
        read_document(path, BaseModel, ConfigError)


def refused(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("call", ["stat", "read_text"])
def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "police.yaml"
    path.write_text("a: 1\n")
    monkeypatch.setattr(Path, call, refused)
    with pytest.raises(AgreementError, match="cannot be read"):
        load_agreement(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(path)
