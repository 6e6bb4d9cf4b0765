"""Every attack on the shipped encoding, and on weak ones that must fall to the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from governance.attacks import shipped, weak_targets
from governance.attacks.result import Result
from governance.attacks.scenario import make_scenario

OVERLAPS: Final = (0.05, 0.2, 0.8)
USUAL: Final = 0.2  # the overlap of the targets, at which weak encodings are attacked as well
Tell = Callable[[str], Any]


@dataclass(frozen=True)
class People:
    """Made-up people: those in the store, others for the attacker's list, and the public."""

    inside: pl.DataFrame
    outside: pl.DataFrame
    public: pl.DataFrame


def run_suite(
    people: People, seed: int, tell: Tell, overlaps: tuple[float, ...] = OVERLAPS
) -> list[Result]:
    """Attack the shipped encoding at each overlap, and the weak encodings once.

    Args:
        people: Whom the store and the lists are drawn from.
        seed: Of the choice of whom the attacker knows.
        tell: Called with what is being done.
        overlaps: Shares of the target's people on the attacker's list.

    Returns:
        Results of the shipped encoding first, in the order of overlaps.
    """
    return list(_results(people, seed, tell, overlaps))


def _results(
    people: People, seed: int, tell: Tell, overlaps: tuple[float, ...]
) -> Iterator[Result]:
    tell("Encoding the store, and looking for who shares a date or a postcode")
    store = shipped.store_of(people.inside)
    everybody = (people.inside, people.outside, people.public)
    for overlap in overlaps:
        scenario = make_scenario(*everybody, overlap, seed)
        yield from shipped.attack(scenario, store, tell)
    tell("Attacking with everybody known in some postcodes")
    by_area = make_scenario(*everybody, USUAL, seed, by_area=True)
    yield from shipped.attack_by_area(by_area, store)
    yield from weak_targets.attack_records(make_scenario(*everybody, max(overlaps), seed))
    yield from weak_targets.attack(make_scenario(*everybody, USUAL, seed), tell)


def standing(results: list[Result]) -> list[str]:
    """The weak encodings that no attack broke: while there is one, the suite proves nothing."""
    weak = [result for result in results if result.weak]
    broken = {result.encoding for result in weak if not result.passed}
    return sorted({result.encoding for result in weak} - broken)


def over_budget(results: list[Result]) -> list[Result]:
    """Results of the shipped encoding that are over their budget."""
    return [result for result in results if not result.weak and not result.passed]
