"""An audit of many atoms looks near the truth, and what it finds holds over all of them."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from linked_tables import YEAR

from governance.disclosure.catalogue import Dimension, Population, cross, where
from governance.disclosure.certify import Submission, certify
from governance.disclosure.checker import check
from governance.disclosure.near import ALL_OF, ENOUGH, near
from governance.disclosure.tally import tally

SIZES = {"state": 2, "age": 8, "area": 40, "sex": 3}


@pytest.fixture(scope="module")
def declared() -> Population:
    dimensions = [
        Dimension(name, tuple(f"{name} {n}" for n in range(size)), known=name != "state")
        for name, size in SIZES.items()
    ]
    tables = tuple(cross(f"by {one.name}", dimensions[0], one) for one in dimensions[1:])
    nobody = (where(age="age 0", sex="sex 2"),)
    return Population("people", "people", "apart", tuple(dimensions), tables, nobody)


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    stream = random.Random(4)
    rows = [
        {
            name: f"{name} {min(stream.randrange(n), stream.randrange(n))}"
            for name, n in SIZES.items()
        }
        for _ in range(500)
    ]
    return pl.DataFrame(rows).filter(~((pl.col("age") == "age 0") & (pl.col("sex") == "sex 2")))


def test_what_is_near_holds_everyone_and_some_of_every_count(
    declared: Population, people: pl.DataFrame
) -> None:
    told = tally(declared, people, (YEAR,), np.ones(1, dtype=bool))
    some = near(declared, told.atoms)
    assert len(declared.atoms) > ALL_OF
    assert len(some.atoms) < len(declared.atoms)
    assert set(np.flatnonzero(told.atoms.any(axis=0))) <= set(some.atoms)
    everywhere = declared.matrix.sum(axis=1)
    assert (some.matrix.sum(axis=1) >= np.minimum(everywhere, ENOUGH)).all()
    for part, total in declared.totals:
        rest = declared.matrix[total] & ~declared.matrix[part]
        assert (some.matrix[total] & ~some.matrix[part]).sum() >= min(rest.sum(), ENOUGH)
    assert (some.coordinates == declared.atoms[some.atoms]).all()


def test_few_atoms_are_all_looked_at(people: pl.DataFrame) -> None:
    sex = Dimension("sex", ("sex 0", "sex 1", "sex 2"), known=True)
    small = Population("people", "people", "apart", (sex,), (cross("by sex", sex),))
    told = tally(small, people, (YEAR,), np.ones(1, dtype=bool))
    assert near(small, told.atoms).atoms.tolist() == [0, 1, 2]


def test_the_checker_counts_over_all_atoms(declared: Population, people: pl.DataFrame) -> None:
    made = certify("many atoms", [Submission(declared, YEAR, people)], insiders=False)
    assert check(made.release, [], made.certificate).counts > 10
