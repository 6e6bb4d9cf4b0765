"""Score pairs of encoded records with Splink and gather them into groups, one group a person."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from linkage.model import Model
from linkage.store import Carried
from schemas.encoded import encoded_schema

Weights = dict[str, dict[str, float]]

# Two levels whose weights differ by less say the same thing.
WEIGHT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Links:
    """What linking found.

    Attributes:
        pairs: ``record_id_l`` < ``record_id_r``, ``match_weight`` in log2 odds, ``linked``; every
            pair at or above the model's review threshold.
        groups: ``record_id``, ``group``; every record once. A group is named by its lowest record,
            which is a name for this run only.
        compared: Pairs that shared a block and were scored.
        guarded: Pairs above the link threshold that the collision guard kept apart.
    """

    pairs: pl.DataFrame
    groups: pl.DataFrame
    compared: int
    guarded: int


def link(encoded: pl.DataFrame, model: Model, carried: Carried | None = None) -> Links:
    """Link encoded records into groups that are believed to be one person each.

    Args:
        encoded: The columns of ``schemas.encoded.encoded_schema()``; ``record_id`` unique.
        model: A trained model.
        carried: What was decided of records that have not changed, before their key was rotated.

    Raises:
        ModelError: The model does not fit the encoding.
    """
    scored = score(encoded, model.settings())
    above = scored.filter(pl.col("match_weight") >= model.thresholds.review).with_columns(
        strong=pl.col("match_weight") >= model.thresholds.link, collision=collision(model.weights())
    )
    pairs = above.select(
        "record_id_l",
        "record_id_r",
        "match_weight",
        linked=pl.col("strong") & ~pl.col("collision"),
    )
    if carried is not None:
        pairs = _with_carried(pairs, carried)
    return Links(
        pairs=pairs,
        groups=groups(encoded["record_id"], pairs.filter("linked")),
        compared=scored.height,
        guarded=above.filter(pl.col("strong") & pl.col("collision")).height,
    )


def _with_carried(pairs: pl.DataFrame, carried: Carried) -> pl.DataFrame:
    """The pairs with what was carried in the place of what was scored, where neither changed."""
    standing = pl.all_horizontal(
        pl.col("record_id_l", "record_id_r").is_in(carried.records.implode())
    )
    scored, kept = pairs.filter(~standing), carried.pairs.filter(standing)
    return pl.concat([scored, kept.select(pairs.columns)]).sort("record_id_l", "record_id_r")


def collision(weights: Weights) -> pl.Expr:
    """True for pairs that look like two people of one household, whom no strong id makes one.

    Agreement on what a family shares must not outweigh the one attribute that tells its members
    apart. Twins: the forenames are different and the surnames are not. A father and a son of one
    name: the dates of birth are different. (The first is the twins rule of the MoJ Core Person
    Record.)

    Args:
        weights: The match weight of each level, by comparison.
    """
    twins = _reached("forename", "different", weights) & ~_reached("surname", "different", weights)
    father_and_son = _reached("dob", "different", weights)
    return (twins | father_and_son) & ~_reached("strong_id", "any agrees", weights)


def _reached(comparison: str, level: str, weights: Weights) -> pl.Expr:
    return (pl.col(f"mw_{comparison}") - weights[comparison][level]).abs() < WEIGHT_TOLERANCE


def score(encoded: pl.DataFrame, settings: Any) -> pl.DataFrame:
    """Every blocked pair with its match weight, in all and of each comparison (``mw_*``).

    Works in a throwaway in-memory database that holds nothing but the encoded columns. Settings
    that retain matching columns add the level of each comparison (``gamma_*``).
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    # Splink's messages quote SQL and settings; ours are the only ones a run should print.
    logging.getLogger("splink").setLevel(logging.CRITICAL)
    connection = duckdb.connect(":memory:")
    try:
        api = DuckDBAPI(connection)
        frame = api.register(
            encoded.select(list(encoded_schema())).to_arrow(), table_name="encoded"
        )
        linker = Linker(frame, settings, log_level=logging.CRITICAL)
        predicted = linker.inference.predict(warning_mode="never")
        return _read(connection, predicted.physical_name)
    finally:
        connection.close()


def _read(connection: duckdb.DuckDBPyConnection, table: str) -> pl.DataFrame:
    """The scored pairs, each with its lower record on the left."""
    return connection.execute(
        f"""
        SELECT least(record_id_l, record_id_r) AS record_id_l,
               greatest(record_id_l, record_id_r) AS record_id_r,
               match_weight, COLUMNS('^(mw|gamma)_')
        FROM {table}
        ORDER BY 1, 2
        """
    ).pl()


def groups(records: pl.Series, links: pl.DataFrame) -> pl.DataFrame:
    """Connected components of the links, by Splink's own clustering.

    Args:
        records: Every record id once.
        links: ``record_id_l``, ``record_id_r``.

    Returns:
        ``record_id``, ``group``, sorted by record.
    """
    from splink.backends.duckdb import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    connection = duckdb.connect(":memory:")
    try:
        api = DuckDBAPI(connection)
        clustered = cluster_pairwise_predictions_at_threshold(
            nodes=pl.DataFrame({"record_id": records}).to_arrow(),
            edges=links.select("record_id_l", "record_id_r").to_arrow(),
            db_api=api,
            node_id_column_name="record_id",
        )
        return connection.execute(
            f'SELECT record_id, cluster_id AS "group" FROM {clustered.physical_name} ORDER BY 1'
        ).pl()
    finally:
        connection.close()
