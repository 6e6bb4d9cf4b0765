"""Why an extract cannot be used, whatever is in its other tables; said in counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from schemas.findings import LEFT_OUT, ROW, Checked
from schemas.policy import Policy
from schemas.tables import Table


def refusals(
    tables: Iterable[Table], checked: Mapping[str, Checked], policy: Policy
) -> Iterator[str]:
    """Why an extract cannot be used; a table below one that is refused is not told as well."""
    refused: set[str] = set()
    for table in tables:
        told = list(_table_refusals(table, checked[table.name], policy))
        if told or refused & set(table.parents.values()):
            refused.add(table.name)
        if not refused & set(table.parents.values()):
            yield from told


def _table_refusals(table: Table, checked: Checked, policy: Policy) -> Iterator[str]:
    limits = policy.thresholds_of(table.partner)
    rejecting = checked.found.filter(pl.col("outcome") == "reject")
    if not rejecting.is_empty():
        yield (
            f"The {table.partner} {table.name} table breaks rules that refuse the whole extract "
            f"({_most_broken(rejecting)})."
        )
    left_out = checked.found.filter(pl.col("outcome").is_in(LEFT_OUT))
    bad = left_out[ROW].n_unique()
    if bad > limits.quarantined * checked.received:
        yield (
            f"Of {checked.received} rows of the {table.partner} {table.name} table, {bad} are "
            f"invalid ({_most_broken(left_out)})."
        )
    for name, rows in _emptied_counts(checked.found):
        given = checked.received - checked.profile["empty"].get(name, checked.received)
        if given >= limits.judged_from and rows > limits.emptied * given:
            yield (
                f"Of {given} values of {name} in the {table.partner} {table.name} table, {rows} "
                "cannot be used."
            )


def _emptied_counts(found: pl.DataFrame) -> Iterable[tuple[str, int]]:
    emptied = found.filter(pl.col("outcome") == "empty")
    return emptied.group_by("column", maintain_order=True).agg(pl.col(ROW).n_unique()).iter_rows()


def _most_broken(found: pl.DataFrame) -> str:
    top = found.group_by("column", "rule").len().sort(
        "len", "column", "rule", descending=[True, False, False]
    )  # fmt: skip
    return "; ".join(f"{rule} in {column}: {count}" for column, rule, count in top.head(3).rows())
