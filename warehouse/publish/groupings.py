"""The splits of published counts, and ever wider groupings of their categories.

``groupings.yaml`` says which; ``finest`` chooses, for one set of counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from governance.disclosure.masking import MOST_ROUNDING, MOST_SMALL, rounding_to_expect
from governance.disclosure.rules import Rule

FILE = Path(__file__).with_name("groupings.yaml")
ELSEWHERE = "Elsewhere or not known"
NOT_KNOWN = "Not known"
OF_PEOPLE = ("sex", "age_band", "ethnicity_group", "area")

Grouping = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Split:
    """Something that published counts are split by.

    Attributes:
        name: Its column in the marts.
        known: Whether others know it of a person anyway.
        residual: Groups that do not count among the small ones.
        groupings: Group → what is in it, finest grouping first.
        rest: The group of what no group names; nothing where there is none.
    """

    name: str
    known: bool
    residual: frozenset[str]
    groupings: tuple[Grouping, ...]
    rest: str = ELSEWHERE

    def grouped(self, given: pl.Series, grouping: Grouping) -> pl.Series:
        """A column of categories as groups; missing where no group holds one."""
        names = {one: group for group, members in grouping.items() for one in members}
        rest = self.rest if self.rest in grouping else None
        return given.replace_strict(names, default=rest, return_dtype=pl.String)


@cache
def _declared() -> Mapping[str, Mapping[str, Any]]:
    """What the file says."""
    return dict(yaml.safe_load(FILE.read_text("utf-8")))


def of_people(areas: Sequence[str]) -> tuple[Split, ...]:
    """The splits that every person has.

    Args:
        areas: Every area, the one where most people live first.
    """
    return tuple(_split(name, areas) for name in OF_PEOPLE)


def own(name: str, categories: Sequence[str]) -> Split:
    """A split that only one metric has.

    Args:
        name: The kind of category.
        categories: Every category there is, for a kind that the file does not declare: they are
            published as they are.
    """
    if name in _declared():
        return _split(name, ())
    plain: Grouping = {category: (category,) for category in categories}
    return Split(name, False, frozenset({NOT_KNOWN}), (plain,))


def finest(
    split: Split, given: pl.Series, counted: pl.Series, lines: Sequence[frozenset[str]], rule: Rule
) -> Grouping | None:
    """The finest grouping that says enough; None where most of none could be shown.

    At most a fifth of its cells are small, and rounding is to be expected to move its median count
    by no more than 3 per cent. Where no grouping can have that, it is the widest with few small
    cells.

    Args:
        split: The split.
        given: The category of every unit.
        counted: The state of every unit.
        lines: The states that each published count counts.
        rule: What is small.
    """
    # What is small of everyone is masked whatever the grouping.
    lines = [line for line in lines if counted.is_in(sorted(line)).sum() >= rule.threshold]
    widest = None
    for grouping in split.groupings if lines else ():
        groups = split.grouped(given, grouping)
        units = pl.DataFrame({"group": groups, "state": counted})
        shown = [group for group in grouping if group not in split.residual]
        counts = [
            units.filter(pl.col("group") == group, pl.col("state").is_in(sorted(line))).height
            for group in shown
            for line in lines
        ]
        if len(shown) > 1 and few_small(counts, rule):
            widest = grouping
            kept = [rule.rounded(count) for count in counts if count >= rule.threshold]
            if (rounding_to_expect(kept, rule) or 0) <= MOST_ROUNDING:
                break
    return widest


def wider_next(kinds: Sequence[str]) -> tuple[dict[str, str], ...]:
    """Ever wider groups of what came next after a step: kind → group.

    Kinds that the file does not name stay as they are.
    """
    found = []
    for grouping in _declared()["next_step"]["groupings"]:
        groups = {one: str(group) for group, members in grouping.items() for one in members}
        found.append({kind: groups.get(kind, kind) for kind in kinds})
    return tuple(found)


def few_small(counts: Sequence[int], rule: Rule) -> bool:
    """Whether at most a fifth of some counts are small."""
    return sum(count < rule.threshold for count in counts) <= MOST_SMALL * len(counts)


def as_published(split: Split, categories: Sequence[str]) -> Grouping:
    """The grouping that published categories are of."""
    for grouping in split.groupings:
        if tuple(grouping) == tuple(categories):
            return grouping
    return {one: () if one == ELSEWHERE else (one,) for one in categories}


def _split(name: str, areas: Sequence[str]) -> Split:
    """A split that the file declares."""
    said = _declared()[name]
    if "largest" in said:
        groupings: list[Grouping] = [
            # By name: in the order of their size they would rank the areas that are masked.
            {**{area: (area,) for area in sorted(areas[:many])}, ELSEWHERE: ()}
            for many in said["largest"]
            if many <= len(areas)
        ]
    else:
        groupings = [
            {str(group): tuple(map(str, members)) for group, members in grouping.items()}
            for grouping in said["groupings"]
        ]
    residual = frozenset(said["residual"])
    rest = str(said.get("rest", ELSEWHERE))
    return Split(name, bool(said["known"]), residual, tuple(groupings), rest)
