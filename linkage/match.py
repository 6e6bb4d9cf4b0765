"""Score pairs of encoded records with Splink and gather them into groups, one group a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from linkage.blocking import (
    BLOCKING_COLUMNS,
    candidate_pairs,
    crowded_blocks,
    full_view_blocks,
    without_what_is_nobodys,
)
from linkage.comparisons import as_compared
from linkage.consolidate import consolidate
from linkage.engines import Engine, in_duckdb
from linkage.incremental import (
    PAIRS,
    Kept,
    fingerprinted,
    method_of,
    nothing_kept,
    standing,
    touched,
)
from linkage.model import Model
from linkage.reduced import Attached, is_reduced
from linkage.review import Decisions

Weights = dict[str, dict[str, float]]

# Two levels whose weights differ by less say the same thing.
WEIGHT_TOLERANCE = 1e-9

PAIRS_AT_ONCE: Final = 5_000_000
"""How many pairs are scored in one go, so that memory follows the records and not the pairs."""

PAIRS_A_THREAD: Final = 122_880
"""How many pairs DuckDB gives a thread; of no more a second one would find nothing to do."""


@dataclass(frozen=True)
class Links:
    """What linking found.

    Attributes:
        kept: What the next run goes on from: every pair at or above the model's review threshold,
            the records' fingerprints, and the blocks that were left out.
        groups: ``record_id``, ``group``; every record once. A group is named by its lowest record,
            which is a name for this run only.
        compared: Pairs that were scored in this run.
        guarded: Pairs above the link threshold that the collision guard keeps apart.
        parted: Groups that were chains of people and were parted.
        giants: Those of them that were very large.
        attached: Which clients known by initials only have joined their person.
    """

    kept: Kept
    groups: pl.DataFrame = field(repr=False)
    compared: int
    guarded: int
    parted: int
    giants: int
    attached: Attached

    @property
    def pairs(self) -> pl.DataFrame:
        """``record_id_l`` < ``record_id_r``, ``match_weight`` (log2), ``guarded``, ``linked``."""
        return self.kept.pairs


def link(
    encoded: pl.DataFrame,
    model: Model,
    kept: Kept | None = None,
    *,
    decisions: Decisions | None = None,
    engine: Engine = in_duckdb,
) -> Links:
    """Link encoded records into groups that are believed to be one person each.

    Only pairs that the last run could not have judged are scored; the groups are those that a run
    from nothing would make.

    Args:
        encoded: The columns of ``schemas.encoded.encoded_schema()``; ``record_id`` unique.
        model: A trained model.
        kept: What the last run left; of another method, it is passed over.
        decisions: What reviewers decided of pairs of records.
        engine: Where pairs are scored; which makes no difference to what is found.

    Raises:
        ModelError: The model does not fit the encoding.
    """
    method = method_of(model)
    encoded = _in_order(encoded)
    if kept is None or kept.method != method:
        kept = nothing_kept(method)
    crowded = crowded_blocks(encoded)
    records = fingerprinted(encoded, kept)
    fresh = touched(encoded, records, crowded, kept)
    candidates = candidate_pairs(
        full_view_blocks(encoded, crowded), records.select("record_id", "first"), fresh
    )
    told = without_what_is_nobodys(encoded, crowded)
    pairs = pl.concat([standing(kept, records, fresh), judged(told, candidates, model, engine)])
    firsts = records.select("record_id", "first")
    found = consolidate(
        told, firsts, pairs.filter("linked"), model, decisions, pairs.filter("guarded")
    )
    return Links(
        kept=Kept(
            method, records.drop("changed"), crowded, pairs.sort("record_id_l", "record_id_r")
        ),
        groups=found.groups,
        compared=candidates.height,
        guarded=pairs.filter("guarded", pl.col("match_weight") >= model.thresholds.link).height,
        parted=found.parted,
        giants=found.giants,
        attached=found.attached,
    )


def _in_order(encoded: pl.DataFrame) -> pl.DataFrame:
    """The records by their ids, and known to be: such are joined in a fifteenth of the time."""
    if encoded["record_id"].is_sorted():
        return encoded.with_columns(pl.col("record_id").set_sorted())
    return encoded.sort("record_id")


def judged(
    encoded: pl.DataFrame, candidates: pl.DataFrame, model: Model, engine: Engine = in_duckdb
) -> pl.DataFrame:
    """The candidate pairs that reach the review threshold, and whether each is a link.

    Args:
        encoded: The encoded records.
        candidates: ``record_id_l``, ``record_id_r``.
        model: A trained model.
        engine: Where they are scored.
    """
    settings = model.settings()
    if candidates.is_empty():
        return pl.DataFrame(schema=PAIRS)
    scored = score(encoded, settings, candidates, least=model.thresholds.review, engine=engine)
    weights = model.weights()
    strong = pl.col("match_weight") >= model.thresholds.link
    return scored.filter(comparable(encoded, weights)).select(
        "record_id_l",
        "record_id_r",
        "match_weight",
        guarded=kept_apart(model),
        linked=strong & ~kept_apart(model),
    )


def comparable(encoded: pl.DataFrame, weights: Weights) -> pl.Expr:
    """True for scored pairs that the full view may judge: of two names, or of one strong id.

    What has initials only would be told by its date of birth alone; the reduced view judges it.

    Args:
        encoded: The encoded records.
        weights: The match weight of each level, by comparison.
    """
    initialled = encoded.filter(is_reduced())["record_id"].implode()
    either = pl.any_horizontal(pl.col("record_id_l", "record_id_r").is_in(initialled))
    return ~either | at_level("strong_id", "agree", weights)


def kept_apart(model: Model) -> pl.Expr:
    """True for scored pairs that the collision guard keeps apart, if the model has one."""
    return collision(model.weights()) if model.guard else pl.lit(value=False)


def collision(weights: Weights) -> pl.Expr:
    """True for scored pairs that look like two people of one household.

    Args:
        weights: The match weight of each level, by comparison.
    """
    return like_relatives(lambda comparison, level: at_level(comparison, level, weights))


def like_relatives(reached: Callable[[str, str], pl.Expr]) -> pl.Expr:
    """True for pairs that look like two people of one household, whom no strong id makes one.

    Agreement on what a family shares must not outweigh the one attribute that tells its members
    apart. Twins: one surname, and forenames that have not even the initial in common, or little
    more than that where their strong ids differ. A father and a son of one name: the dates of
    birth are different. (The first is the twins rule of the MoJ Core Person Record, which asks for
    one postcode as well; twins who moved have two.)

    Args:
        reached: True where a pair reaches a level of a comparison.
    """
    other_ids = reached("strong_id", "all that can be compared differ")
    levels = ("distant, of one initial", "of one initial", "distant")
    unlike = pl.any_horizontal(reached("forename", level) for level in levels)
    other_forename = reached("forename", "different") | (unlike & other_ids)
    twins = other_forename & reached("surname", "exact")
    father_and_son = reached("dob", "different")
    return (twins | father_and_son) & ~reached("strong_id", "agree")


def at_level(comparison: str, level: str, weights: Weights) -> pl.Expr:
    """True for scored pairs that reach a level, which its weight shows."""
    return (pl.col(f"mw_{comparison}") - weights[comparison][level]).abs() < WEIGHT_TOLERANCE


def score(
    encoded: pl.DataFrame,
    settings: Any,
    candidates: pl.DataFrame | None = None,
    *,
    least: float | None = None,
    engine: Engine = in_duckdb,
) -> pl.DataFrame:
    """Pairs with their match weight, in all and of each comparison (``mw_*``).

    Works in a throwaway in-memory database that holds nothing but the encoded columns. Settings
    that retain matching columns add the level of each comparison (``gamma_*``).

    Args:
        encoded: The encoded records.
        settings: From ``Model.settings`` or ``splink_settings``.
        candidates: ``record_id_l``, ``record_id_r``: the pairs to score; else all that share a
            block.
        least: Leave out pairs of a lower match weight.
        engine: Where to score them.
    """
    from splink import Linker

    if candidates is not None:
        ends = pl.concat([candidates["record_id_l"], candidates["record_id_r"]]).unique()
        encoded = encoded.filter(pl.col("record_id").is_in(ends.implode()))
        # Reading rules that find pairs costs a tenth of what scoring a night's few pairs does.
        settings = replace(settings, blocking_rules_to_generate_predictions=[])
    compared = as_compared(encoded)
    if candidates is None:  # Splink meets records by columns of their own
        compared = compared.hstack(encoded.select(BLOCKING_COLUMNS))
    with engine() as api:
        if candidates is not None and candidates.height <= PAIRS_A_THREAD:
            api.duckdb_con.execute("SET threads = 1")
        frame = api.register(compared.to_arrow(), table_name="encoded")
        # Settings are ours, and checking them costs more than scoring a night's few pairs.
        linker = Linker(frame, settings, log_level=logging.CRITICAL, validate_settings=False)
        if candidates is None:
            return _predicted(linker, least).sort("record_id_l", "record_id_r")
        found = []
        for number, some in enumerate(candidates.iter_slices(PAIRS_AT_ONCE)):
            pairs = some.select(
                join_key_l="record_id_l", join_key_r="record_id_r", match_key=pl.lit("0")
            )
            table = api.register(pairs.to_arrow(), table_name=f"candidates_{number}")
            linker.table_management.register_blocked_pairs_for_predict(table)
            found.append(_predicted(linker, least))
        return pl.concat(found).sort("record_id_l", "record_id_r")


def _predicted(linker: Any, least: float | None) -> pl.DataFrame:
    """The scored pairs, each with its lower record on the left."""
    predicted = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    pairs = pl.DataFrame(predicted.as_pyarrow_table())
    predicted.drop_table_from_database_and_remove_from_cache()
    ends = pl.col("record_id_l", "record_id_r")
    return pairs.select(
        pl.min_horizontal(ends).alias("record_id_l"),
        pl.max_horizontal(ends).alias("record_id_r"),
        "match_weight",
        cs.matches("^(mw|gamma)_"),
    )
