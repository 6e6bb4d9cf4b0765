"""A run whose warehouse is slight: for tests of what comes before it, where building it is most of
what a run takes. Everything else of the run is the product's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from warehouse.models import Model

MARTS = frozenset({"person", "event", "release_info"})


def make_slight(patch: pytest.MonkeyPatch) -> None:
    """Have runs in this process build three marts: all that a draft of few counts reads."""
    from warehouse import release

    whole = release.every_model

    def few(*args: object, **kwargs: object) -> tuple[Model, ...]:
        return _down_to(MARTS, whole(*args, **kwargs))  # type: ignore[arg-type]

    patch.setattr(release, "every_model", few)


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
