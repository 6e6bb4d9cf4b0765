"""Every attack on the shipped encoding, and on weak ones that must fall to the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from governance.attacks import row_order, shipped, weak_targets
from governance.attacks.result import Result
from governance.attacks.scenario import Scenario, make_hostel_scenario, make_scenario

OVERLAPS: Final = (0.05, 0.2, 0.8)
USUAL: Final = 0.2  # the overlap of the targets, at which weak encodings are attacked as well
BY_AREA, ONE_TOWN, BOOKS = "known by area", "of one town", "with residents' books"
SEVERAL, SEVERAL_BY_AREA = "several records", "several records, by area"
Tell = Callable[[str], Any]


@dataclass(frozen=True)
class People:
    """Made-up people, each with one record unless said otherwise.

    Args:
        inside: Those in the store.
        outside: As many others, of another town, for the attacker's list.
        public: Others, who stand for public lists of names.
        town: Twice as many people of one town, half of whom are in the store.
        partnership: The people of several partners, as they are, with ids of their own.
        records: What those partners hold of them, several records a person.
    """

    inside: pl.DataFrame
    outside: pl.DataFrame
    public: pl.DataFrame
    town: pl.DataFrame
    partnership: pl.DataFrame
    records: pl.DataFrame


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
    special = _special(people, seed)
    for where, scenario in special.items():
        tell(f"Whom else the attacker may know: {where}")
        same = scenario.target is people.inside
        held = store if same else shipped.store_of(scenario.target)
        yield from shipped.attack_where(where, scenario, held)
    tell("The order of rows")
    yield from row_order.attack(special[ONE_TOWN])
    yield weak_targets.place_in_groups(BOOKS, special[BOOKS])
    yield weak_targets.weigh(special[BY_AREA], BY_AREA)
    yield weak_targets.contradict(special[SEVERAL_BY_AREA], SEVERAL_BY_AREA)
    yield from weak_targets.attack_records(make_scenario(*everybody, max(overlaps), seed))
    yield from weak_targets.attack(make_scenario(*everybody, USUAL, seed), tell)


def _special(people: People, seed: int) -> dict[str, Scenario]:
    """Whom else the attacker may know, and what else may be in the store."""
    everybody = (people.inside, people.outside, people.public)
    several = (people.partnership, people.outside, people.public)
    return {
        BY_AREA: make_scenario(*everybody, USUAL, seed, by_area=True),
        ONE_TOWN: make_scenario(*_town(people, seed), people.public, USUAL, seed),
        BOOKS: make_hostel_scenario(*everybody, seed),
        **{
            where: replace(
                make_scenario(*several, USUAL, seed, by_area=by_area), target=people.records
            )
            for where, by_area in ((SEVERAL, False), (SEVERAL_BY_AREA, True))
        },
    }


def _town(people: People, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who of the town is in the store, and who is not."""
    mixed = people.town.sample(fraction=1, shuffle=True, seed=seed)
    half = mixed.height // 2
    return mixed.head(half), mixed.tail(half)


def standing(results: list[Result]) -> list[str]:
    """The weak encodings that no attack broke: while there is one, the suite proves nothing."""
    weak = [result for result in results if result.weak]
    broken = {result.encoding for result in weak if not result.passed}
    return sorted({result.encoding for result in weak} - broken)


def over_budget(results: list[Result]) -> list[Result]:
    """Results of the shipped encoding that are over their budget."""
    return [result for result in results if not result.weak and not result.passed]
