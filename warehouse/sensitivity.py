"""The figures of a release over a range of link thresholds: what would they be, linked otherwise?

Everything that hangs on who is whom is built once more for each threshold, in a database of its own
in memory, by the same models. Only counts come out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import duckdb
import polars as pl

from warehouse.models import SQL_FOLDER, Model, parse_model

GIVEN: Final = "sensitivity_given"
"""The table that the mart reads."""

PERSONS: Final = "record_person"
"""The table that says who is whom."""

FIGURES: Final = {
    "threshold_offset": pl.Float64,
    "kind": pl.String,
    "name": pl.String,
    "measure": pl.String,
    "category": pl.String,
    "numerator": pl.Int64,
    "denominator": pl.Int64,
}


def figures_over_range(
    con: duckdb.DuckDBPyConnection, models: Sequence[Model], persons: Mapping[float, pl.DataFrame]
) -> pl.DataFrame:
    """Work out every figure under each linking.

    Args:
        con: A connection on which all of the models have been built that do not read the outcome.
        models: All models, each after what it reads.
        persons: Match weight above or below the link threshold → ``record_id``, ``person_id``.

    Returns:
        The columns of :data:`FIGURES`; among them the figures at the threshold in force, where
        there are any others.
    """
    if not persons:
        return pl.DataFrame(schema=FIGURES)
    hanging = hanging_on_persons(models)
    found = {0.0: con.execute(_figures_model().sql).pl()}
    found |= {offset: _figures(con, hanging, linked) for offset, linked in persons.items()}
    return pl.concat(
        figures.with_columns(threshold_offset=pl.lit(offset)).select(
            pl.col(name).cast(kind) for name, kind in FIGURES.items()
        )
        for offset, figures in found.items()
    )


def read_by_figures() -> frozenset[str]:
    """The models that the figures read at once."""
    return _figures_model().reads


def needed_by_figures(models: Sequence[Model]) -> frozenset[str]:
    """What has to be there before :func:`figures_over_range` is called with these models.

    What hangs on who is whom is built there once more, so it is not among it.
    """
    hanging = hanging_on_persons(models)
    read = frozenset[str]().union(*(model.reads for model in hanging))
    return read_by_figures() | (read - {PERSONS, *(model.name for model in hanging)})


def hanging_on_persons(models: Sequence[Model]) -> list[Model]:
    """The models that the figures read, however indirectly, and that hang on who is whom."""
    wanted = set(_figures_model().reads)
    for model in reversed(models):
        if model.name in wanted:
            wanted |= model.reads
    hanging = {PERSONS}
    for model in models:
        if model.reads & hanging:
            hanging.add(model.name)
    return [model for model in models if model.name in wanted & hanging]


def _figures(
    con: duckdb.DuckDBPyConnection, models: Sequence[Model], persons: pl.DataFrame
) -> pl.DataFrame:
    (path,) = con.execute("SELECT current_setting('search_path')").fetchall()[0]
    con.execute("ATTACH ':memory:' AS otherwise")
    try:
        con.execute(f"SET search_path = 'otherwise.main,{path}'")
        con.register("incoming", persons.to_arrow())
        con.execute(f"CREATE TABLE otherwise.main.{PERSONS} AS SELECT * FROM incoming")
        for model in models:
            what = "VIEW" if model.is_view else "TABLE"
            con.execute(f"CREATE {what} otherwise.main.{model.name} AS {model.sql}")
        return con.execute(_figures_model().sql).pl()
    finally:
        con.unregister("incoming")
        con.execute(f"SET search_path = '{path}'")
        con.execute("DETACH otherwise")


@cache
def _figures_model() -> Model:
    text = (SQL_FOLDER / "figures.sql").read_text("utf-8")
    return parse_model("figures", "figures", text)
