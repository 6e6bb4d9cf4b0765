"""Records that are held and not linked: they keep the person id they had, and decide nothing."""

from __future__ import annotations

import polars as pl


def beside(groups: pl.DataFrame, held: pl.Series, persons: pl.DataFrame) -> pl.DataFrame:
    """Put records that took no part in linking beside those that were one person with them.

    Where these are now in several groups, it is the one that has most of them; where none of them
    takes part, those held stay among themselves.

    Args:
        groups: ``record_id``, ``group``, of the records that were linked.
        held: The ``record_id`` of each record that was not.
        persons: ``record_id``, ``person_id``, as they were before.

    Returns:
        ``record_id``, ``group``, of all of them.
    """
    if held.is_empty():
        return groups
    company = (
        persons.join(groups, on="record_id")
        .group_by("person_id", "group")
        .len()
        .sort("len", "group", descending=[True, False])
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", "group")
    )
    kept = (
        held.rename("record_id")
        .to_frame()
        .join(persons, on="record_id", how="left")
        .join(company, on="person_id", how="left")
    )
    among_themselves = pl.col("record_id").min().over("person_id")
    nobodys = pl.col("person_id").is_null()
    placed = kept.select(
        "record_id",
        group=pl.coalesce(
            "group", pl.when(nobodys).then("record_id").otherwise(among_themselves)
        ).cast(groups.schema["group"]),
    )
    return pl.concat([groups, placed])


def without(held: pl.Series, persons: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """What may be told of what became of persons: nothing of those who have held records only.

    Args:
        held: The ``record_id`` of each record that is held.
        persons: ``record_id``, ``person_id``.
        history: ``person_before``, ``person_after`` and more.

    Returns:
        The history without the persons who have no other records.
    """
    told = persons.filter(~pl.col("record_id").is_in(held.implode()))
    alone = persons.join(told, on="person_id", how="anti")["person_id"].unique().implode()
    named = pl.any_horizontal(pl.col("person_before", "person_after").is_in(alone))
    return history.filter(~named.fill_null(value=False))
