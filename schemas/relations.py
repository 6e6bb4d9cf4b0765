"""Rules between tables: consent that covers what belongs to a person, and parents.

A record's parent is held to the contract before the record is, so what is known of the parent is
what became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from schemas.findings import ROW, Checked, failure, no_failures, without_rows
from schemas.tables import Table, find_table


def consenting(
    table: Table, typed: pl.DataFrame, checked: Mapping[str, Checked]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set aside every row of a person who withheld consent, here or in a parent's table.

    Args:
        table: The table.
        typed: Its rows.
        checked: The tables held to the contract so far; a parent that is not among them is
            passed over.

    Returns:
        The other rows, and the findings of rows that withhold consent and say more than that.
    """
    rows = _without_rows_of_parents(table, typed, checked)
    if table.consent is None:
        return rows, no_failures()
    # A list of the partnership's own may write its codes small.
    refused = rows.filter(pl.col(table.consent).cast(pl.String).str.to_uppercase() == "N")
    others = [name for name in table.columns if name not in table.given_without_consent]
    too_much = refused.filter(pl.any_horizontal(pl.col(others).is_not_null()))
    left = _without(rows, refused, _whose(table), nulls_equal=True)
    return left, failure(too_much[ROW], table.consent, "data_without_consent")


def _without_rows_of_parents(
    table: Table, rows: pl.DataFrame, checked: Mapping[str, Checked]
) -> pl.DataFrame:
    """The rows but for those of parents set aside, by their key or by whose they are.

    Of a person who did not consent a parent need not hold its own key.
    """
    for columns, name in table.parents.items():
        if name in checked:
            aside = checked[name].set_aside
            rows = _without(rows, aside, columns)
            whose = _whose(find_table(table.partner, name))
            if whose and set(whose) <= set(table.columns):
                rows = _without(rows, aside, whose)
    return rows


def _whose(table: Table) -> tuple[str, ...]:
    """The columns that tell whose a row is where consent is withheld."""
    return tuple(name for name in table.given_without_consent if name != table.consent)


def _without(
    rows: pl.DataFrame, others: pl.DataFrame, by: tuple[str, ...], *, nulls_equal: bool = False
) -> pl.DataFrame:
    if others.is_empty():
        return rows
    return rows.join(others, on=by, how="anti", nulls_equal=nulls_equal, maintain_order="left")


def unaccompanied(
    table: Table, own: pl.DataFrame, sent: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """The findings of records to which nothing belongs in a table where something should.

    Args:
        table: The table.
        own: Its rows.
        sent: The tables as they came; one that is not among them is passed over.
    """
    below = {
        rule: sent[name].select(pl.col(*table.key).cast(pl.String).str.strip_chars())
        for name, rule in table.expected.items()
        if name in sent and set(table.key) <= set(sent[name].columns)
    }
    found = [
        failure(own.join(those, on=table.key, how="anti")[ROW], table.key[-1], rule)
        for rule, those in below.items()
    ]
    return pl.concat([no_failures(), *found])


def parental(table: Table, own: pl.DataFrame, checked: Mapping[str, Checked]) -> pl.DataFrame:
    """The findings of records whose parent is not kept, or that contradict it."""
    known = {
        columns: checked[name].frame for columns, name in table.parents.items() if name in checked
    }
    found = [one for columns, parent in known.items() for one in _held(table, own, columns, parent)]
    return pl.concat([no_failures(), *found])


def _held(
    table: Table, own: pl.DataFrame, columns: tuple[str, ...], parent: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Records held against one parent; a parent is known by its key, so each has one at most."""
    needed = {name for rule in table.cross_rules for name in rule.parent_columns}
    seen = parent.lazy().select(*columns, *(pl.col(n).alias(f"{n}__parent") for n in needed))
    held = (
        seen.join(own.lazy(), on=columns, how="inner")
        .select(
            ROW,
            *((~rule.holds.fill_null(value=True)).alias(rule.rule) for rule in table.cross_rules),
        )
        .sort(ROW)
        .collect()
    )
    yield failure(without_rows(own, held[ROW])[ROW], columns[-1], "parent_missing")
    for rule in table.cross_rules:
        yield failure(held[ROW].filter(held[rule.rule]), rule.column, rule.rule)
