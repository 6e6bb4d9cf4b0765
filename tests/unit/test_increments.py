"""Increments make one table: the later period's row of a record counts."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.intake.increments import joined
from flows.sources import find_extract
from flows.sources.naming import Naming
from schemas.errors import ExtractRejected
from schemas.mapping import own_layout
from schemas.reading.rows import FILE_ROW

TABLES = ("custody", "drug_test", "intensive_programme")
NAMING = Naming("police", own_layout("police"), "{table}_{period:%Y-%m}.csv")

row = st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.text("pq", max_size=1))


@given(st.lists(st.lists(row, max_size=5), min_size=1, max_size=4))
def test_it_is_as_if_each_period_were_put_over_the_earlier_ones(periods: list) -> None:
    frames = [pl.DataFrame(one, ("a", "b", "note"), orient="row") for one in periods]
    frames = [frame.cast(pl.String) for frame in frames]
    stands: dict[tuple[str, str], list[str]] = {}
    for one in periods:
        for a, b, _ in one:
            stands.pop((a, b), None)
        for a, b, note in one:
            stands.setdefault((a, b), []).append(note)
    found = joined(frames, ("a", "b"))
    expected = [(a, b, note) for (a, b), notes in stands.items() for note in notes]
    assert sorted(found.select("a", "b", "note").rows()) == sorted(expected)
    if len(frames) > 1:
        every = [one for period in periods for one in period]
        assert [every[number - 1] for number in found[FILE_ROW]] == found.drop(FILE_ROW).rows()


def test_a_period_may_lack_a_column() -> None:
    one, two = pl.DataFrame({"a": ["1"], "b": ["x"]}), pl.DataFrame({"a": ["2"]})
    assert joined([one, two], ("a",)).select("a", "b").rows() == [("1", "x"), ("2", None)]


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_the_files_of_all_periods_are_one_extract(tmp_path: Path) -> None:
    put(tmp_path, "custody_2026-11.csv", "custody_2026-10.csv", "drug_test_2026-10.csv", "x.txt")
    found = find_extract("police", tmp_path, TABLES, NAMING.mapping, NAMING)
    assert found is not None
    assert [path.name for path in found.parts("custody")] == [
        "custody_2026-10.csv",
        "custody_2026-11.csv",
    ]
    assert (found.periods, found.others, len(found.every_file)) == (("2026-10", "2026-11"), 1, 3)
    put(tmp_path, "drug_test_2026-11.csv")
    more = find_extract("police", tmp_path, TABLES, NAMING.mapping, NAMING)
    assert more is not None and more.digest != found.digest


def test_two_files_of_one_period_and_a_table_that_never_came(tmp_path: Path) -> None:
    put(tmp_path, "custody_2026-10.csv")
    with pytest.raises(ExtractRejected, match="not whole"):
        find_extract("police", tmp_path, TABLES, NAMING.mapping, NAMING)
    put(tmp_path, "drug_test_2026-10.csv", "CUSTODY_2026-10.csv")
    with pytest.raises(ExtractRejected, match="two files"):
        find_extract("police", tmp_path, TABLES, NAMING.mapping, NAMING)
