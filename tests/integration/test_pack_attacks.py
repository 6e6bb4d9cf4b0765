"""Attacks on a publication from the published counts alone: one release, and the next one too.

The attacker solves linear programs over everything that is public. The strongest one is told, of
every two counts of different tables, whether they are of the same units or one holds the other's,
which nobody could know of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attacking
import duckdb
import numpy as np
import publishable
import pytest
import small_marts
import warehouse_rows as rows
from attacking import NEARLY

from governance.disclosure.certify import Submission
from governance.disclosure.masking import primary
from governance.disclosure.overlap import Overlaps, Side
from governance.disclosure.release import Published
from governance.disclosure.rules import Rule
from governance.disclosure.tally import tally
from warehouse.connect import open_release
from warehouse.publish.certified import Beside, Due, certify_due, due
from warehouse.publish.counts import counted

RULE = Rule()
PEOPLE, SEED = 60, 2  # of whom a naive release tells more than it should


def submissions(con: duckdb.DuckDBPyConnection, dues: Sequence[Due]) -> list[Submission]:
    return [counted(con, one.index, one.window, RULE).submission for one in dues]


def sides(given: Sequence[Submission]) -> list[Side]:
    return [Side(one.population, one.period, one.rows) for one in given]


def true_counts(given: Sequence[Submission]) -> list[int]:
    """The true count of every cell."""
    return [
        int(count)
        for one in given
        for count in one.population.matrix
        @ tally(one.population, one.rows, (one.period,), np.ones(1, dtype=bool)).atoms[0]
    ]


def naive(given: Sequence[Submission]) -> list[Published]:
    """Small counts masked and the others rounded, table by table."""
    found = []
    for one in given:
        told = tally(one.population, one.rows, (one.period,), np.ones(1, dtype=bool))
        shown = primary(one.population, one.population.matrix @ told.atoms[0], told, RULE)
        found.append(Published(one.population, one.period, tuple(shown)))
    return found


@pytest.fixture(scope="module")
def small() -> tuple[list[Submission], list[Published]]:
    con = small_marts.marts(PEOPLE, SEED)
    dues = due(con, "quarter", [], 1)
    made, _ = certify_due(con, "small", dues)
    return submissions(con, dues), list(made.release.populations)


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_naive_publication_is_broken(
    small: tuple[list[Submission], list[Published]], is_linked: bool
) -> None:
    given, _ = small
    found = attacking.attack(naive(given), RULE, sides(given) if is_linked else ())
    cells = attacking.masked_small(found, true_counts(given))
    told = found.narrowed(cells)
    ends = {cell: found.bounds(cell) for cell in cells}
    assert told and told == [  # asked of one at a time, they are the same
        cell
        for cell, (low, high) in ends.items()
        if low > NEARLY or high < RULE.most_masked - NEARLY
    ]


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_certified_publication_is_not(
    small: tuple[list[Submission], list[Published]], is_linked: bool
) -> None:
    given, published = small
    found = attacking.attack(published, RULE, sides(given) if is_linked else ())
    cells = attacking.masked_small(found, true_counts(given))
    assert len(cells) > 10
    assert not found.narrowed(cells)


def remainders_told(compared: Overlaps, published: Sequence[Published]) -> int:
    """How many cells would have to be masked for no few that are left to be told."""
    return len(compared.told([one.shown for one in published]))


def test_the_next_publication_leaves_nothing_to_subtract() -> None:
    """A count of a later one is of days that no count of an earlier one has."""
    con = small_marts.marts(PEOPLE, SEED)
    every = due(con, "quarter", [], 2)
    last = max(one.window for one in every)
    first, _ = certify_due(con, "first", [one for one in every if one.window != last])
    second, _ = certify_due(
        con,
        "second",
        due(con, "quarter", [first.release], 2),
        Beside([first.release], [first.release.digest]),
    )
    before = {one.population.name: one for one in first.release.populations}
    for one in second.release.populations:
        assert one.population.name not in before
        kind = one.population.name.rsplit(" ", 1)[0]
        for name, other in before.items():
            if name.rsplit(" ", 1)[0] == kind:
                assert other.period.last < one.period.first


@pytest.mark.slow
def test_a_publication_of_the_whole_warehouse_is_not_broken(tmp_path: Path) -> None:
    """Thirty indexes of 800 people, everything that the real definitions publish."""
    path, _ = rows.release(tmp_path, publishable.persons(800))
    con = open_release(path, rows.RELEASE_KEY)
    dues = due(con, "quarter", [], 1)
    made, _ = certify_due(con, "whole", dues)
    given = submissions(con, dues)
    con.close()
    true, published = true_counts(given), list(made.release.populations)
    compared = Overlaps(sides(given), RULE)
    assert remainders_told(compared, naive(given)) > 5
    assert not remainders_told(compared, published)
    alone = attacking.attack(published, RULE)
    cells = attacking.masked_small(alone, true)
    assert len(cells) > 250
    assert not alone.narrowed(cells)
    # Whoever is told of every two counts whether they are nested learns a little of very few.
    told_more = attacking.attack(published, RULE, sides(given))
    assert len(told_more.narrowed(cells)) <= len(cells) // 50
