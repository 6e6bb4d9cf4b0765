"""Extracts in an inbox: whole or not, the same or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.sources.inbox import check_untouched, find_extract, remove
from schemas.errors import ExtractRejected
from schemas.mapping import load_mapping

TABLES = ("custody", "drug_test")


def fill(inbox: Path, **files: str) -> Path:
    inbox.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (inbox / f"{name}.csv").write_text(text)
    return inbox


def test_an_empty_inbox_holds_no_extract(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_text("x")
    (tmp_path / ".custody.csv.part").write_text("x")
    assert find_extract("police", tmp_path, TABLES) is None


def test_an_inbox_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(ExtractRejected, match="is not there"):
        find_extract("police", tmp_path / "none", TABLES)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExtractRejected, match="is not a folder"):
        find_extract("police", tmp_path / "file", TABLES)


def test_files_by_other_names_are_refused_and_not_named(tmp_path: Path) -> None:
    fill(tmp_path, custody_2026="a", Jones="b")
    with pytest.raises(ExtractRejected) as caught:
        find_extract("police", tmp_path, TABLES)
    said = str(caught.value)
    assert "holds 2 files but no custody.csv or drug_test.csv" in said
    assert "Jones" not in said and "2026" not in said


def test_an_extract_in_a_folder_of_its_own_is_not_overlooked(tmp_path: Path) -> None:
    fill(tmp_path / "extract", custody="a", drug_test="b")
    with pytest.raises(ExtractRejected, match="holds 1 folder but no custody"):
        find_extract("police", tmp_path, TABLES)


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, custody="a", Custody="b", drug_test="c")
    with pytest.raises(ExtractRejected, match="2 files that could be its custody table"):
        find_extract("police", tmp_path, TABLES)


def refused(*args: object, **kwargs: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("call", ["iterdir", "is_file", "stat"])
def test_an_inbox_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    fill(tmp_path, custody="a", drug_test="b")
    monkeypatch.setattr(Path, call, refused)
    with pytest.raises(ExtractRejected, match="cannot be read"):
        find_extract("police", tmp_path, TABLES)


def test_an_extract_that_may_not_be_removed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_extract("police", fill(tmp_path, custody="a", drug_test="b"), TABLES)
    assert found
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(ExtractRejected, match="cannot be removed"):
        remove(found)


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


def test_what_came_while_a_run_went_on_is_not_removed_with_what_it_read(tmp_path: Path) -> None:
    found = find_extract("police", fill(tmp_path, custody="a", drug_test="b"), TABLES)
    (tmp_path / "new").write_text("of tonight")
    (tmp_path / "new").replace(tmp_path / "custody.csv")
    assert found and remove(found) == 1
    assert (tmp_path / "custody.csv").read_text() == "of tonight"
    assert not (tmp_path / "drug_test.csv").exists()


def test_an_optional_table_need_not_be_there_and_is_found_where_it_is(tmp_path: Path) -> None:
    tables = (*TABLES, "intensive_programme")
    without = find_extract("police", fill(tmp_path, custody="a", drug_test="b"), tables)
    assert without and set(without.files) == set(TABLES)
    found = find_extract("police", fill(tmp_path, intensive_programme="c"), tables)
    assert found and set(found.files) == set(tables) and found.digest != without.digest


def test_a_mapping_says_which_file_is_which_table(tmp_path: Path) -> None:
    mapping = load_mapping("police", "niche")
    fill(tmp_path, **{"custody": "a", "Niche Drug Test March": "b"})
    found = find_extract("police", tmp_path, TABLES, mapping)
    assert found and found.files["drug_test"].name == "Niche Drug Test March.csv"
    fill(tmp_path, **{"old custody": "a"})
    with pytest.raises(ExtractRejected, match="2 files that could be its custody table") as caught:
        find_extract("police", tmp_path, TABLES, mapping)
    assert "old" not in str(caught.value)


def test_one_file_may_hold_several_tables_and_is_removed_once(tmp_path: Path) -> None:
    (tmp_path / "connect_march.xlsx").write_bytes(b"a")
    (tmp_path / "readme.txt").write_bytes(b"b")
    found = find_extract("police", tmp_path, TABLES, load_mapping("police", "connect"))
    assert found and len(set(found.files.values())) == 1 and found.others == 1
    assert remove(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["readme.txt"]


def test_a_mapped_table_that_is_missing_is_named_as_ours(tmp_path: Path) -> None:
    fill(tmp_path, custody="a")
    with pytest.raises(ExtractRejected, match="its drug_test file is not in its inbox"):
        find_extract("police", tmp_path, TABLES, load_mapping("police", "niche"))
