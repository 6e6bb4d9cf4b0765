"""Extracts in an inbox: whole or not, the same or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.sources import check_untouched, find_extract, remove
from schemas.errors import ExtractRejected

TABLES = ("custody", "drug_test")


def fill(inbox: Path, **files: str) -> Path:
    inbox.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (inbox / f"{name}.csv").write_text(text)
    return inbox


def test_an_empty_or_absent_inbox_holds_no_extract(tmp_path: Path) -> None:
    assert find_extract("police", tmp_path / "none", TABLES) is None
    assert find_extract("police", fill(tmp_path, notes="x"), TABLES) is None


def test_part_of_an_extract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExtractRejected, match=r"drug_test\.csv is not in its inbox"):
        find_extract("police", fill(tmp_path, custody="a"), TABLES)


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    one = find_extract("police", fill(tmp_path / "1", custody="a", drug_test="b"), TABLES)
    same = find_extract("police", fill(tmp_path / "2", custody="a", drug_test="b"), TABLES)
    swapped = find_extract("police", fill(tmp_path / "3", custody="b", drug_test="a"), TABLES)
    assert one and same and swapped
    assert one.digest == same.digest != swapped.digest


def test_names_are_matched_in_any_case_and_others_counted(tmp_path: Path) -> None:
    fill(tmp_path, drug_test="b", readme="c")
    (tmp_path / "CUSTODY.CSV").write_text("a")
    found = find_extract("police", tmp_path, TABLES)
    assert found and found.others == 1 and found.files["custody"].name == "CUSTODY.CSV"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    found = find_extract("police", fill(tmp_path, custody="a", drug_test="b"), TABLES)
    assert found
    check_untouched(found)
    (tmp_path / "custody.csv").write_text("a and more")
    with pytest.raises(ExtractRejected, match="changed while it was being read"):
        check_untouched(found)


def test_removing_takes_the_extract_and_nothing_else(tmp_path: Path) -> None:
    found = find_extract("police", fill(tmp_path, custody="a", drug_test="b", mine="c"), TABLES)
    assert found and remove(found) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
