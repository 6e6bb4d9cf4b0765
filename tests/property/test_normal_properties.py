"""A column worked out once for each of its values is what each row would be; empty stays empty."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import Column
from schemas.numbered import RAW, own_category, worked_out
from schemas.standardise import rule_of
from schemas.tables import TABLES

YEAR = 2026
COLUMNS: list[Column] = [
    column
    for tables in TABLES.values()
    for table in tables
    for column in table.columns.values()
    if column.kind != "dob"
]
RULES = {column.kind: rule_of(column, None, YEAR) for column in COLUMNS}
EXAMPLES = sorted({column.example for column in COLUMNS} | {"1979/0163001C", "O'Brien", " x"})
values = st.lists(st.none() | st.sampled_from(EXAMPLES) | st.text(max_size=6), max_size=12)


@settings(max_examples=60, deadline=None)
@given(values)
def test_a_column_is_what_its_rows_are(given_values):
    frame = pl.DataFrame({"a": given_values}, {"a": pl.String})
    for rule in filter(lambda rule: rule is not None, RULES.values()):
        numbered = frame.cast({"a": own_category()})
        made = worked_out(numbered, {"a": rule})["a"]
        direct = frame.rename({"a": RAW}).select(a=pl.when(pl.col(RAW).is_not_null()).then(rule))[
            "a"
        ]
        assert made.to_list() == direct.to_list()
        assert made.dtype == direct.dtype


def test_nothing_is_worked_out_of_nothing():
    frame = pl.DataFrame({"a": []}, {"a": pl.String})
    assert worked_out(frame, {}).equals(frame)
    assert worked_out(frame, {"a": pl.col(RAW).str.len_bytes()}).height == 0
