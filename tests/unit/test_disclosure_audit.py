"""The joint audit agrees with trying every table there is."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from linked_tables import YEAR, counted, every_table, quarters, two_ways

from governance.disclosure import audit as audits
from governance.disclosure import solver
from governance.disclosure.audit import audit
from governance.disclosure.certify import Submission, certify
from governance.disclosure.masking import primary
from governance.disclosure.moves import Moves
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.system import System, between
from governance.disclosure.tally import tally
from governance.disclosure.timeline import segments, windows

RULE = Rule()
COUNTS = st.lists(st.integers(0, 7), min_size=4, max_size=4)
MOST = 16  # nothing has to move further than the edge, twice


def naive(counts: list[int]) -> System:
    """A table that was masked and rounded cell by cell."""
    population = two_ways()
    runs, window = segments([YEAR]), windows([YEAR])
    told = tally(population, counted(population, counts).drop("day"), runs, window[0])
    cells = population.matrix.astype(int) @ told.atoms.sum(axis=0)
    return System(population, RULE, window, told.atoms, [primary(population, cells, told, RULE)])


def as_release(system: System) -> Release:
    shown = Published(system.population, YEAR, tuple(system.shown[-1]))
    return Release("r", RULE, (shown,))


def values(system: System, tables: np.ndarray) -> dict[int, set[int]]:
    """The values that some tables give each small masked cell."""
    cells = tables @ system.population.matrix.T.astype(int)
    true = system.base_cells[-1]
    small = [p for p, v in enumerate(system.shown[-1]) if v == MASKED and true[p] < 5]
    return {place: set(cells[:, place].tolist()) for place in small}


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_what_the_audit_lets_pass_no_enumeration_narrows(counts):
    system = naive(counts)
    audit(system, insiders=False)
    tables = every_table(as_release(system), MOST)
    assert all({0, 4} <= told for told in values(system, tables).values())


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_the_audit_refuses_exactly_what_an_enumeration_narrows(counts):
    system = naive(counts)
    assume(system.shown[-1][0] != MASKED)  # so that the enumeration is bounded
    tables = every_table(as_release(system), MOST)
    small = values(system, tables)
    safe = all({0, 4} <= found for found in small.values())
    cells = tables @ system.population.matrix.T.astype(int)
    others = [p for p, v in enumerate(system.shown[-1]) if v == MASKED and p not in small]
    wide = all(cells[:, p].max() >= max(4, cells[:, p].min() + 4) for p in others)
    try:
        audit(system, insiders=False, repair=False)
        passed = True
    except DisclosureError:
        passed = False
    assert passed == (safe and wide)


@settings(max_examples=20, deadline=None)
@given(COUNTS)
def test_nobody_who_knows_their_own_record_narrows_another_count(counts):
    system = naive(counts)
    audit(system)
    tables = every_table(as_release(system), MOST)
    for atom in np.flatnonzero(counts):
        known = tables[tables[:, atom] > 0]
        for place, told in values(system, known).items():
            least = 1 if system.population.matrix[place, atom] else 0
            assert {least, 4} <= told


def test_the_repair_masks_few_and_only_more(request):
    system = naive([12, 12, 4, 30])
    before = list(system.shown[-1])
    found = audit(system)
    changed = [p for p, (a, b) in enumerate(zip(before, system.shown[-1], strict=True)) if a != b]
    assert sorted(found.repaired) == changed
    assert {system.shown[-1][p] for p in changed} <= {MASKED}


def test_every_candidate_fits_all_that_is_published():
    system = naive([3, 12, 4, 9])
    found = audit(system)
    low, high = system.bounds()
    for change in found.changes:
        table = system.base.copy()
        for place, by in change.items():
            table[place] += by
        cells = system.counted(table)
        assert (table >= 0).all() and ((cells >= low) & (cells <= high)).all()
        assert between(system.base, table) == dict(change)


def test_a_solver_that_fails_certifies_nothing(monkeypatch):
    class Failed:
        x, status = None, 4

    monkeypatch.setattr(Moves, "search", lambda *args: None)
    monkeypatch.setattr(solver, "milp", lambda *args, **kwargs: Failed())
    with pytest.raises(DisclosureError, match="solver"):
        audit(naive([3, 12, 4, 9]))


@pytest.mark.parametrize("fault", [ValueError, MemoryError, RuntimeError])
def test_a_solver_that_breaks_off_certifies_nothing(monkeypatch, fault):
    def broken(*args, **kwargs):
        raise fault

    monkeypatch.setattr(Moves, "search", lambda *args: None)
    monkeypatch.setattr(solver, "milp", broken)
    with pytest.raises(DisclosureError, match="solver"):
        audit(naive([3, 12, 4, 9]))


def test_a_solver_that_gives_up_leads_to_more_masks_and_no_fewer(monkeypatch):
    class GaveUp:
        x, status = None, 1

    monkeypatch.setattr(Moves, "search", lambda *args: None)  # nothing is found without it
    asked = naive([3, 12, 4, 9])
    audit(asked, insiders=False)
    gave_up = naive([3, 12, 4, 9])
    monkeypatch.setattr(solver, "milp", lambda *args, **kwargs: GaveUp())
    with pytest.raises(DisclosureError, match="gives a masked"):
        audit(gave_up, insiders=False)
    assert gave_up.shown[-1].count(MASKED) >= asked.shown[-1].count(MASKED)


def test_an_audit_that_takes_too_long_certifies_nothing(monkeypatch):
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(audits.time, "monotonic", lambda: next(clock))
    with pytest.raises(DisclosureError, match="longer than it may"):
        audit(naive([3, 12, 4, 9]), limit=50)


def test_the_changes_of_a_quarter_are_not_narrowed_either():
    """Each quarter safe alone, 5 and then 5 again: nobody may know that at most two joined."""
    population = two_ways(1, 1, relation="cumulative")
    rows = counted(population, [6], [1])
    first = certify("q1", [Submission(population, quarters(0, 0), rows)])
    assert first.release.populations[0].shown == ("5",) * 4
    second = certify(
        "q2",
        [Submission(population, quarters(0, 1), rows)],
        earlier=[first.release],
        still_public=[first.release.digest],
    )
    assert second.release.populations[0].shown == (MASKED,) * 4
    grown = certify(
        "q2",
        [Submission(population, quarters(0, 1), counted(population, [6], [30]))],
        earlier=[first.release],
        still_public=[first.release.digest],
    )
    assert grown.release.populations[0].shown == ("35",) * 4


@pytest.mark.parametrize("gap", [-3, 1])
def test_single_units_are_moved_within_what_is_published(gap):
    """Two tables of nine atoms: rows and columns, of which one may move by two and others not."""
    rows = np.zeros((6, 9), dtype=np.int16)
    for atom in range(9):
        rows[atom // 3, atom] = rows[3 + atom % 3, atom] = 1
    low, high = np.zeros(6, dtype=np.int16), np.array([0, 2, 0, 0, 0, 2], dtype=np.int16)
    base = np.full(9, 3)
    target, keep = np.arange(9) == 0, np.arange(9) == 4
    moves = Moves(rows, low, high, base)
    found = moves.search(target, gap, keep, Random(0))
    assert found[0] == gap and found.sum() <= 2
    assert (base + found >= keep).all()
    assert (rows @ found >= low).all() and (rows @ found <= high).all()


def test_what_the_published_counts_rule_out_is_not_found_by_moving_units():
    rows = np.ones((1, 2), dtype=np.int16)
    nought = np.zeros(1, dtype=np.int16)
    target, nobody, random = np.array([True, False]), np.zeros(2, bool), Random(0)
    assert Moves(rows, nought, nought, np.array([3, 4])).search(target, 5, nobody, random) is None
    assert Moves(rows, nought, nought, np.array([3, 4])).search(target, -4, nobody, random) is None
    found = Moves(rows, nought, nought, np.array([3, 4])).search(target, -3, nobody, random)
    assert found.tolist() == [-3, 3]


def test_nobody_who_must_stay_is_moved():
    rows, nought = np.ones((1, 2), dtype=np.int16), np.zeros(1, dtype=np.int16)
    moves, random = Moves(rows, nought, nought, np.array([3, 1])), Random(0)
    target = np.array([True, False])
    assert moves.search(target, 1, ~target, random) is None
    assert moves.search(target, 1, target, random).tolist() == [1, -1]
