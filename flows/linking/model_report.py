"""The page that a trained model is reviewed by: its parameters, its weights, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from linkage.model import Model, Parameters, Weights

WIDEST: Final = 24.0
"""The match weight at which a bar is as long as it gets."""
MOVED: Final = 1.0
"""A weight that changed by more, which doubles the odds, is pointed out (policy, 2026-11-22)."""


@dataclass(frozen=True)
class LevelRow:
    """One level as the page shows it.

    Attributes:
        level: Its name.
        m: How often records of one person reach it.
        u: How often records of two people do.
        weight: What it adds to the match weight, in log2 odds.
        before: What it added in the last model; None if that had no such level.
    """

    level: str
    m: float
    u: float
    weight: float
    before: float | None

    @property
    def change(self) -> float | None:
        """By how much the weight has changed."""
        return None if self.before is None else self.weight - self.before

    @property
    def moved(self) -> bool:
        """Whether the change is to be pointed out; a new level is."""
        return self.change is None or abs(self.change) > MOVED

    @property
    def bar(self) -> tuple[float, float]:
        """Where the weight's bar begins and how long it is, in hundredths, none in the middle."""
        length = min(abs(self.weight) / WIDEST, 1.0) * 50
        return (50.0 if self.weight >= 0 else 50 - length), length


@dataclass(frozen=True)
class Section:
    """One view of the model: its comparisons in order, and the levels that it no longer has."""

    title: str
    thresholds: Mapping[str, tuple[float, float | None]]
    comparisons: Mapping[str, list[LevelRow]]
    gone: list[str]


def sections(model: Model, last: Model | None) -> list[Section]:
    """What a model holds, view by view, beside the last model.

    Args:
        model: The model to review.
        last: The one in force until now; None if it cannot be compared.
    """
    old = last.reduced if last else None
    made = [
        _section(
            "Full view: records with names",
            model.thresholds.model_dump(),
            model.comparisons,
            model.weights(),
            last.thresholds.model_dump() if last else {},
            last.weights() if last else {},
        )
    ]
    if model.reduced:
        made.append(
            _section(
                "Reduced view: clients known by initials",
                model.reduced.thresholds.model_dump(),
                model.reduced.comparisons,
                model.reduced.weights(),
                old.thresholds.model_dump() if old else {},
                old.weights() if old else {},
            )
        )
    return made


def _section(
    title: str,
    thresholds: Mapping[str, float],
    comparisons: Mapping[str, Mapping[str, Parameters]],
    weights: Weights,
    old_thresholds: Mapping[str, float],
    old: Weights,
) -> Section:
    return Section(
        title=title,
        thresholds={name: (at, old_thresholds.get(name)) for name, at in thresholds.items()},
        comparisons={
            name: [
                LevelRow(level, p.m, p.u, weights[name][level], old.get(name, {}).get(level))
                for level, p in levels.items()
            ]
            for name, levels in comparisons.items()
        },
        gone=list(_gone(old, weights)),
    )


def _gone(old: Weights, new: Weights) -> Iterator[str]:
    for name, levels in old.items():
        for level in levels:
            if level not in new.get(name, {}):
                yield f"{name}: {level}"


def model_page(model: Model, last: Model | None) -> str:
    """The page, which needs nothing else, and no script.

    Args:
        model: The model to review.
        last: The one in force until now, if there was one.
    """
    from importlib import resources

    from jinja2 import Environment, StrictUndefined

    template = resources.files("flows").joinpath("templates", "model.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template).render(
        model=model, last=last, sections=sections(model, last)
    )
