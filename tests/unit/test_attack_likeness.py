"""The attack by filters that lie near each other: what it finds, and that it finds no chance."""

from __future__ import annotations

import secrets

import numpy as np
import polars as pl
import pytest

from flows.cli.attack import made_up_people
from governance.attacks import likeness
from governance.attacks.groups import pairs_found
from governance.attacks.scenario import as_stored, own_encoding
from governance.encoding import anchored
from governance.encoding.shared import kept
from schemas.encoded import FILTERS, filter_columns

POSTCODE = "like_postcode_date_sector"


@pytest.fixture(autouse=True)
def _the_same_keys(monkeypatch):
    """Keys are drawn anew for each encoding; how many lie near would vary with them."""
    monkeypatch.setattr(secrets, "token_bytes", lambda size: bytes(range(size)))


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return made_up_people(4_000, 7, 0.8)


def chained(people: pl.DataFrame) -> pl.Series:
    """The groups of a kept delivery by its postcodes, looked at year of birth by year of birth."""
    encoded = kept(own_encoding(as_stored(people)))
    return likeness.alike(encoded, people["dob"].dt.year())[POSTCODE]


def test_postcodes_under_a_date_alone_would_show_who_was_born_on_it(people, monkeypatch):
    of_sector = chained(people)
    monkeypatch.setitem(anchored.ANCHORS, "date_sector", ("date",))
    of_date = chained(people)
    has = of_date.is_not_null()
    _, right = pairs_found(of_date.filter(has).to_numpy(), people["dob"].filter(has))
    assert right > 0.9 and has.sum() > 2 * of_sector.is_not_null().sum()


def test_near_filters_of_one_class_are_chained_and_others_are_not():
    rng = np.random.default_rng(3)
    base = int(rng.integers(2**62))
    words = [base, base ^ 0b111, base ^ 0b111000, base, None, ~base, ~base ^ 1]
    columns = {
        name: pl.Series([0] * 7, dtype=pl.Int64) for f in FILTERS for name in filter_columns(*f)
    }
    first, second = filter_columns("surname", "date")
    columns |= {first: pl.Series(words, dtype=pl.Int64), second: pl.Series(words, dtype=pl.Int64)}
    classes = pl.Series([1980, 1980, 1980, 1981, 1980, None, None])
    group = likeness.alike(pl.DataFrame(columns), classes)["like_surname_date"].to_list()
    assert group[0] == group[1] == group[2] is not None
    assert group[3:5] == [None, None]  # of another year, and without a filter
    assert group[5] == group[6] not in (None, group[0])
    assert likeness.alike(pl.DataFrame(columns).head(0), classes.head(0)).height == 0
