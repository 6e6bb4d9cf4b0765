"""A warehouse that is slight: for tests of what comes before it, where building it is most of what
a run takes, and of what hangs on few metrics. Everything else is the product's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import polars as pl

    from warehouse.models import Model

MARTS = frozenset({"person", "event", "release_info"})
ALWAYS = frozenset({"data_quality"})
"""By this a run accounts for its rows; it reads nothing but what is staged."""


def in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Have what a child would do done in this process: a child is a second for every run."""
    patch.setattr("flows.intake.apart.in_a_child", lambda function, *args: function(*args))
    patch.setattr(
        "flows.intake.apart.in_a_child_within", lambda limits, function, *args: function(*args)
    )


def trust_the_extension(patch: pytest.MonkeyPatch) -> None:
    """Have nobody check the signature of DuckDB's extension: for a child, which opens many stores.

    The whole file is hashed for it, six times as long as a small store takes to open otherwise.
    """
    from warehouse import connect

    patch.setitem(connect._SETTINGS, "allow_unsigned_extensions", True)


def make_slight(
    patch: pytest.MonkeyPatch,
    marts: Iterable[str] = MARTS,
    measures: Iterable[str] | None = None,
) -> None:
    """Have releases that this process builds hold a few marts only.

    Unless `linkage_quality` is among them, no pair is judged for it: that is linking once more.

    Args:
        patch: Undoes it.
        marts: Which; by default all that a draft of few counts reads.
        measures: The measures that are counted, with the others of their metrics; all by default.
    """
    from warehouse import release

    whole, metrics = release.every_model, release.load_metrics()

    def few(*args: object, **kwargs: object) -> tuple[Model, ...]:
        return _down_to(ALWAYS.union(marts), whole(*args, **kwargs))  # type: ignore[arg-type]

    patch.setattr(release, "every_model", few)
    if "linkage_quality" not in marts:
        _judge_nobody(patch)
    if measures is not None:
        wanted = set(measures)
        some = tuple(m for m in metrics if wanted & {one.measure for one in m.measures})
        patch.setattr(release, "load_metrics", lambda **_: some)


def _judge_nobody(patch: pytest.MonkeyPatch) -> None:
    """Have the links judged as where no record holds an id: once, as of nobody it is all alike."""
    from linkage import quality

    judge = quality.judge

    def nobody(encoded: pl.DataFrame, model: object) -> pl.DataFrame:
        columns = tuple(encoded.columns)
        if columns not in OF_NOBODY:
            OF_NOBODY[columns] = judge(encoded.clear(), model)  # type: ignore[arg-type]
        return OF_NOBODY[columns]

    patch.setattr(quality, "judge", nobody)


OF_NOBODY: dict[tuple[str, ...], pl.DataFrame] = {}
"""Columns of encoded records → what is found where there are no records."""


def _down_to(wanted: Iterable[str], models: Sequence[Model]) -> tuple[Model, ...]:
    """The models of staging, those that are wanted and what they read, with the checks of these."""
    from warehouse.takeover import _reads

    needed = {model.name for model in models if model.layer == "staging"}.union(wanted)
    for model in reversed(models):
        if model.name in needed:
            needed |= model.reads
    left_out = {model.name for model in models} - needed
    return tuple(
        replace(model, checks=tuple(c for c in model.checks if not _reads(model, c) & left_out))
        for model in models
        if model.name in needed
    )
