"""Measure linkage on labelled people: this product on encoded fields, and Splink on clear text.

Both are trained in the same process on the very file, neither with its labels; the labels only
judge. Pairs are judged by their match weight, groups as they are consolidated (for ours with the
collision guard). Where there are exactly two sources, only what lies across them counts.
"""

from __future__ import annotations

import gc
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from governance.encoding.anchored import encode, encode_under_one_salt, encoding_keys
from governance.encoding.crowded import without_crowds
from governance.encoding.kept import kept
from governance.keys import RootKey
from linkage import clear_text, scoring
from linkage.groups import grouped, groups
from linkage.match import kept_apart, score
from linkage.model import Model
from linkage.unlabelled import train_without_labels
from schemas.encoded import ENCODING_VERSION, STRONG_IDS

SEED: Final = 1
COMMON: Final = 20_000
"""Records that are encoded under one salt to see how unlike people compare."""
WEIGHTS: Final = tuple(range(-8, 17, 2))
"""The match weights at which groups are tried, with the shipped one and those next to the best."""
EVERY: Final = 0.02  # seconds between looks at how much memory is held

Tell = Callable[[str], Any]


@dataclass
class Steps:
    """The time of each step, in seconds, and the most memory held beyond the start, in MB."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: float | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Watch how much memory is held."""
        gc.collect()
        before, most, done = held_mb(), [0.0], threading.Event()

        def watch() -> None:
            while not done.wait(EVERY):
                most[0] = max(most[0], held_mb() or 0.0)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        self.peak_mb = None if before is None else max(most[0] - before, 0.0)


def held_mb() -> float | None:
    """The memory that this process holds, in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * 4096 / 1e6


def measure(people: pl.DataFrame, tell: Tell) -> dict[str, Any]:
    """Link labelled people both ways.

    Args:
        people: From :func:`flows.linking.labelled.read_labelled`.
        tell: Called with what is being done.

    Returns:
        ``encoded`` and ``clear``, each with ``pairs`` and ``groups`` (``shipped`` and ``best``:
        threshold, precision, recall, f1), ``unguarded`` (the best groups as they would be without
        the collision guard; only where it keeps pairs apart), ``sources`` (the same of each pair of
        sources, at the shipped threshold), ``seconds`` and ``peak_mb``; beside them ``records`` and
        ``true_pairs``.
    """
    truth = people.select("record_id", "partner", "person")
    counts = scoring.count_pairs(truth, ["person"])
    across = truth["partner"].n_unique() == 2
    scope = scoring.CROSS if across else scoring.ALL
    judged = {}
    for name, link in (("encoded", _encoded), ("clear", _clear)):
        tell(f"Linking {'encoded fields' if name == 'encoded' else 'clear text'}")
        linked = link(people, _only_across(truth) if across else lambda pairs: pairs)
        judged[name] = _judged(linked, truth, counts, scope)
    return {"records": people.height, "true_pairs": scoring.within(counts, scope), **judged}


@dataclass(frozen=True)
class _Linked:
    pairs: pl.DataFrame  # with `joins`: whether the pair may join two groups
    shipped: float
    grouped: pl.DataFrame
    steps: Steps


Across = Callable[[pl.DataFrame], pl.DataFrame]


def _only_across(truth: pl.DataFrame) -> Across:
    """Keep the pairs of records of two sources."""
    source = truth.select("record_id", "partner")

    def across(pairs: pl.DataFrame) -> pl.DataFrame:
        return (
            pairs.join(source, left_on="record_id_l", right_on="record_id")
            .join(source, left_on="record_id_r", right_on="record_id", suffix="_r")
            .filter(pl.col("partner") != pl.col("partner_r"))
            .drop("partner", "partner_r")
        )

    return across


def _encoded(people: pl.DataFrame, across: Across) -> _Linked:
    steps = Steps()
    with steps.measured():
        with steps.step("encode"):
            identity = _identity(people)
            key_of = encoding_keys(RootKey(secrets.token_bytes(32)), purpose="benchmark", epoch=1)
            encoded = kept(encode(identity, key_of))
        with steps.step("train"):
            some = identity.sample(min(COMMON, identity.height), seed=SEED)
            model = _model(
                train_without_labels(encoded, encode_under_one_salt(some, key_of), seed=SEED)
            )
        with steps.step("predict"):
            scored = across(score(encoded, model.settings()))
            pairs = scored.select(
                "record_id_l", "record_id_r", "match_weight", joins=~kept_apart(model)
            )
        shipped = model.thresholds.link
        with steps.step("cluster"):
            grouped = _grouped(people, pairs, shipped)
    return _Linked(pairs, shipped, grouped, steps)


def _clear(people: pl.DataFrame, across: Across) -> _Linked:
    steps = Steps()
    with steps.measured(), clear_text.ClearText(people) as model:
        with steps.step("train"):
            model.train(seed=SEED)
        with steps.step("predict"):
            pairs = across(model.pairs()).with_columns(joins=pl.lit(value=True))
        with steps.step("cluster"):
            grouped = _grouped(people, pairs, clear_text.LINK_AT)
    steps.seconds["encode"] = 0.0
    return _Linked(pairs, clear_text.LINK_AT, grouped, steps)


def _identity(people: pl.DataFrame) -> pl.DataFrame:
    """What each source's extract gives to encoding."""
    sources = [without_crowds(one) for one in people.partition_by("partner")]
    ids = dict.fromkeys(STRONG_IDS, pl.lit(None, pl.String))
    return pl.concat(sources).with_columns(**ids).sort("record_id")


def _model(trained: dict[str, Any]) -> Model:
    return Model.model_validate(
        {
            "name": "benchmark",
            "view": "full",
            "trained": "in this process",
            "encoding_version": ENCODING_VERSION,
            "trained_on": {"source": "the file, without its labels"},
            "approved_by": "nobody: it is not for use",
            **trained,
        }
    )


def _grouped(people: pl.DataFrame, pairs: pl.DataFrame, weight: float) -> pl.DataFrame:
    """The groups of both sides, without chains; across two sources a group is never dense."""
    joined = pairs.filter(pl.col("joins") & (pl.col("match_weight") >= weight))
    if people["partner"].n_unique() == 2:
        return groups(people["record_id"], joined)
    return grouped(people.select("record_id", first="record_id"), joined).groups


def _judged(
    linked: _Linked, truth: pl.DataFrame, counts: dict[str, int], scope: str
) -> dict[str, Any]:
    labelled = scoring.label_pairs(linked.pairs, truth)
    at = linked.shipped
    pairs = {one: scoring.score_pairs(labelled, counts, one, at) for one in _scopes(truth, scope)}
    shipped = {row["scope"]: row for row in scoring.score_groups(linked.grouped, truth)}
    tried = _tried(truth, linked.pairs, scope, {at: shipped[scope]})
    best = _best(tried)
    of_scope = labelled.filter("cross") if scope == scoring.CROSS else labelled
    best_pairs = scoring.best_threshold(of_scope, scoring.within(counts, scope))
    if of_scope.is_empty():  # no weight is best then, and JSON has no infinity
        best_pairs["threshold"] = at
    seconds = {**linked.steps.seconds, "total": sum(linked.steps.seconds.values())}
    unguarded = {}
    if not linked.pairs["joins"].all():
        free = linked.pairs.with_columns(joins=True)
        rates = _rates(_groups_at(truth, free, best, scope))
        unguarded = {"unguarded": {"threshold": float(best), **rates}}
    return {
        "pairs": {
            "shipped": {"threshold": at, **_rates(pairs[scope])},
            "best": best_pairs,
        },
        "groups": {
            "shipped": {"threshold": at, **_rates(tried[at])},
            "best": {"threshold": float(best), **_rates(tried[best])},
        },
        **unguarded,
        "sources": {
            one: {
                "true_pairs": pairs[one]["true_pairs"],
                "pairs": _rates(pairs[one]),
                "groups": _rates(shipped[one]),
            }
            for one in pairs
            if one != scope
        },
        "seconds": seconds,
        "peak_mb": linked.steps.peak_mb,
    }


def _tried(
    truth: pl.DataFrame, pairs: pl.DataFrame, scope: str, known: dict[float, dict[str, Any]]
) -> dict[float, dict[str, Any]]:
    """How good the groups are by match weight: every other one, and those next to the best.

    Args:
        truth: ``record_id``, ``partner``, ``person``.
        pairs: The scored pairs, with ``joins``.
        scope: What is judged.
        known: What is known already.
    """
    rows = dict(known)

    def look_at(*weights: float) -> None:
        for weight in weights:
            if weight not in rows:
                rows[weight] = _groups_at(truth, pairs, weight, scope)

    look_at(*WEIGHTS)
    look_at(_best(rows) - 1, _best(rows) + 1)
    return rows


def _best(rows: dict[float, dict[str, Any]]) -> float:
    return max(rows, key=lambda weight: float(rows[weight]["f1"]))


def _groups_at(
    truth: pl.DataFrame, pairs: pl.DataFrame, weight: float, scope: str
) -> dict[str, Any]:
    rows = scoring.score_groups(_grouped(truth, pairs, weight), truth)
    return next(row for row in rows if row["scope"] == scope)


def _scopes(truth: pl.DataFrame, scope: str) -> list[str]:
    """The scope that is judged, and each two sources within it."""
    both = [one for one in scoring.scopes(truth) if one not in (scoring.ALL, scoring.CROSS)]
    names = truth["partner"].unique()
    within = {f"{name}–{name}" for name in names}
    return [scope, *(one for one in both if scope == scoring.ALL or one not in within)]


def _rates(row: dict[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in ("precision", "recall", "f1")}
