"""A draft of one small table, made in no time: for tests of the lifecycle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pack as packs
import pytest

from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certify import Submission, certify
from governance.disclosure.timeline import Period, shares_days
from warehouse.publish.making import Made, NothingDue, Public, Tell, Terms
from warehouse.publish.one_off import counted_again
from warehouse.publish.pack import empty

MONTHS = {"quarter": 3, "half-year": 6, "year": 12}
SEX = Dimension("sex", ("F", "M", "U"), known=True)


def make_few(
    con: duckdb.DuckDBPyConnection,
    draft_id: str,
    terms: Terms,
    public: Public,
    made_at: datetime,
    tell: Tell,
) -> Made | NothingDue:
    """Everyone by sex, in the last window that ended before the data do."""
    window = _window(con, terms.period)
    past = (*public.releases, *public.closed)
    shut = [part.period for one in past for part in one.populations]
    if window in shut:
        return NothingDue(f"Nothing new to publish; a window ended on {window.last:%-d %B %Y}.")
    tell("Counting everyone by sex")
    name = f"everyone {window.first}"
    people = Population(name, "people", "apart", (SEX,), (cross(f"{name} by sex", SEX),))
    rows = con.execute("SELECT person_id AS person, sex FROM person").pl()
    made = certify(
        draft_id,
        [Submission(people, window, rows)],
        earlier=public.releases,
        still_public=[one.digest for one in public.releases],
        withdrawn=public.withdrawn,
        rule=terms.rule,
        public=[
            *(
                Submission(one.population, one.period, rows)
                for release in public.releases
                for one in release.populations
                if one.population.name.startswith("everyone") and shares_days(one.period, window)
            ),
            *counted_again(con, public),
        ],
    )
    (table,) = made.tables().values()
    pack = packs.pack(
        release_id=made.release.release_id,
        partnership=terms.partnership,
        made_at=made_at,
        tables={name: empty(name) for name in packs.COLUMNS},
        releases=(*public.releases, made.release),
        base=terms.rule.base,
        threshold=terms.rule.threshold,
    )
    report = {"cells": 4, "masks": {"small": 1}, "left_out": [], "changes": ["One window more"]}
    return Made(
        f"Everyone, {window.first} to {window.last}",
        pack,
        (made,),
        {"everyone.csv": table.write_csv().encode(), "index.html": b"<!doctype html>"},
        {
            "report.json": json.dumps(report).encode(),
            "masks.csv": b"table,reason\n",
            "terms.json": terms.as_file(),
        },
    )


@contextmanager
def few_counts() -> Iterator[None]:
    """Have drafts made of one small table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warehouse.publish.making.make", make_few)
        yield


def _window(con: duckdb.DuckDBPyConnection, period: str) -> Period:
    """The last window of so many months, from 1 April, that ended by the day all data reach to."""
    as_at: tuple[Any, ...] = con.execute(
        "SELECT least(police_as_at, probation_as_at, treatment_as_at, housing_as_at) "
        "FROM release_info"
    ).fetchall()[0]
    day, months = as_at[0] + timedelta(days=1), MONTHS[period]
    passed = (12 * day.year + day.month - 4) // months * months
    last = _month(passed + 4) - timedelta(days=1)
    return Period(_month(passed + 4 - months), last)


def _month(number: int) -> date:
    year, month = divmod(number - 1, 12)
    return date(year, month + 1, 1)
