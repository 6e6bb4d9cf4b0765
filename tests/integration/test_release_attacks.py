"""Attacks on published tables alone: naive releases fall to them, certified ones do not."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from linked_tables import YEAR, counted, quarters, two_ways
from reading_back import Attacker, told
from scipy.optimize import LinearConstraint

from governance.disclosure.audit import audit
from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certify import Submission, certify
from governance.disclosure.masking import primary
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import DisclosureError, Rule
from governance.disclosure.system import System
from governance.disclosure.tally import tally
from governance.disclosure.timeline import Period, segments, windows

RULE = Rule()
SIZES = {"age": 5, "sex": 2, "area": 6, "substance": 3}
LINKED = (("age", "area"), ("substance", "area"), ("age", "sex"))


def linked(relation: str = "apart") -> Population:
    dimensions = {
        name: Dimension(name, tuple(f"{name}{n}" for n in range(size)), known=True)
        for name, size in SIZES.items()
    }
    tables = tuple(cross("-".join(by), *(dimensions[name] for name in by)) for by in LINKED)
    return Population("people", "people", relation, tuple(dimensions.values()), tables)


def people(number: int, seed: int) -> pl.DataFrame:
    stream = random.Random(seed)
    columns: dict[str, list] = {}
    for name, size in SIZES.items():
        weights = [stream.gammavariate(1.5, 1) for _ in range(size)]
        columns[name] = [f"{name}{n}" for n in stream.choices(range(size), weights, k=number)]
    columns["day"] = [quarters(q, q).first for q in stream.choices(range(3), k=number)]
    return pl.DataFrame(columns)


def truth(population: Population, rows: pl.DataFrame, *periods: Period) -> System:
    """The system of releases that were each masked and rounded alone."""
    runs, window = segments(periods), windows(periods)
    table = tally(population, rows, runs, window[-1])
    shown = []
    for period in window:
        cells = population.matrix.astype(int) @ table.atoms[period].sum(axis=0)
        alone = tally(population, rows, runs, period)
        shown.append(primary(population, cells, alone, RULE))
    return System(population, RULE, window, table.atoms, shown)


def releases(system: System, *periods: Period) -> list[Release]:
    return [
        Release(f"r{n}", RULE, (Published(system.population, period, tuple(shown)),))
        for n, (period, shown) in enumerate(zip(periods, system.shown, strict=True))
    ]


@pytest.fixture(scope="module")
def crowd() -> pl.DataFrame:
    return people(260, seed=4)


def test_tables_masked_one_by_one_are_broken_and_certified_ones_are_not(crowd):
    population = linked()
    naive = truth(population, crowd.drop("day"), YEAR)
    true = naive.base_cells[-1]
    broken = told(Attacker(releases(naive, YEAR)).masked(0), true)
    assert broken > 0
    with pytest.raises(DisclosureError, match="gives a masked count away"):
        audit(naive, insiders=False, repair=False)
    made = certify("r", [Submission(population, YEAR, crowd.drop("day"))])
    assert told(Attacker([made.release]).masked(0), true) == 0


def test_exact_counts_beside_masked_ones_give_most_of_them_away(crowd):
    """What the literature warns of: with the rest exact, masked cells are solved for."""
    naive = truth(linked(), crowd.drop("day"), YEAR)
    attacker = Attacker(releases(naive, YEAR))
    true = naive.base_cells[-1].astype(float)
    masked = naive.masked()[0]
    low, high = np.where(masked, 0, true), np.where(masked, np.inf, true)
    attacker.published = LinearConstraint(attacker.published.A, low, high)
    found = attacker.masked(0)
    pinned = sum(high - low < 0.5 for low, high in found.values())
    assert pinned > len(found) / 4


def test_an_insider_narrows_no_count_of_others(crowd):
    population = linked()
    made = certify("r", [Submission(population, YEAR, crowd.drop("day"))])
    system = truth(population, crowd.drop("day"), YEAR)
    true, stream = system.base_cells[-1], random.Random(1)
    for atom in stream.sample(np.flatnonzero(system.base[0]).tolist(), 4):
        found = Attacker([made.release], own=(0, atom)).masked(0)
        inside = {p: ends for p, ends in found.items() if population.matrix[p, atom]}
        outside = {p: ends for p, ends in found.items() if p not in inside}
        assert told(inside, true, least=1) == told(outside, true) == 0


def test_differences_between_quarters_say_nothing_of_few_who_joined():
    """Each quarter safe alone, the joiners of some cells are narrowed to fewer than a mask's."""
    population = two_ways(3, 3, relation="cumulative")
    rows = counted(population, [6, 21, 7, 30, 5, 12, 9, 6, 44], [1, 0, 0, 2, 1, 3, 0, 0, 1])
    periods = [quarters(0, 0), quarters(0, 1)]
    alone = truth(population, rows, *periods)
    joined = np.array([False, True])

    def narrowed(public: list[Release]) -> int:
        attacker = Attacker(public)
        ranges = [attacker.bounds(joined, cell) for cell in range(len(population.cells))]
        small = alone.base_segments[1] < 5
        return sum(
            high < 4 or high - low < 4
            for (low, high), few in zip(ranges, small, strict=True)
            if few
        )

    assert narrowed(releases(alone, *periods)) > 0
    public: list[Release] = []
    for period in periods:
        one = [Submission(population, period, rows)]
        made = certify(
            f"r{len(public)}", one, earlier=public, still_public=[r.digest for r in public]
        )
        public.append(made.release)
    assert narrowed(public) == 0
    attacker = Attacker(public)
    for number in range(2):
        assert told(attacker.masked(number), alone.base_cells[number]) == 0


def test_joiners_and_leavers_of_a_rolling_count_say_nothing():
    population = two_ways(2, 3, relation="rolling")
    rows = counted(population, [6, 21, 7, 30, 5, 12], [11, 4, 9, 2, 31, 13], [3, 22, 1, 12, 10, 0])
    periods = [quarters(0, 1), quarters(1, 2)]
    system, public = truth(population, rows, *periods), []
    for period in periods:
        one = [Submission(population, period, rows)]
        made = certify(
            f"r{len(public)}", one, earlier=public, still_public=[r.digest for r in public]
        )
        public.append(made.release)
    attacker = Attacker(public)
    for number in range(2):
        assert told(attacker.masked(number), system.base_cells[number]) == 0
    for segment, cell in np.argwhere(system.base_segments < 5):
        low, high = attacker.bounds(np.arange(3) == segment, int(cell))
        assert high >= 4 and high - low >= 4
