"""Where nothing is lost the account of rows balances, and where one is lost it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flows.accounting import Rows, as_report, balance, from_report

few = st.integers(0, 50)
TABLE = st.sampled_from(["police custody", "police drug_test", "housing person", "housing duty"])


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """What each place counts of a table in which nothing is lost."""
    kept, put = draw(few), {name: draw(few) for name in ("quarantined", "withheld")}
    suppressed, erased = draw(st.integers(0, kept)), 0
    staged = kept - suppressed
    erased = draw(st.integers(0, staged))
    staged -= erased
    left = staged
    told = {}
    for name in ("rows_unplaced", "rows_undated", "rows_ahead"):
        told[name] = draw(st.integers(0, left))
        left -= told[name]
    told |= {"rows_staged": staged, "rows_used": left}
    rows = Rows(received=kept + sum(put.values()), **put, suppressed=suppressed)
    return {"rows": rows, "erased": erased, "staged": staged, "told": told}


drawn = st.dictionaries(TABLE, tables(), min_size=1)


def counted(found: dict[str, Any], what: str) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {"police": {}, "housing": {}}
    for name, one in found.items():
        partner, table = name.split()
        result[partner][table] = one[what]
    return result


def balanced(found: dict[str, Any], *, fresh: bool = True, **how: Any) -> dict[str, Any]:
    rows = counted(found, "rows")
    told = {tuple(name.split()): one["told"] for name, one in found.items()}
    return balance(
        rows if fresh else {},
        {} if fresh else rows,
        counted(found, "erased"),
        counted(found, "staged"),
        told,
        how.get("stopped", {}),
        is_untold=True,
    )


def each(found: dict[str, Any]) -> list[Rows]:
    return [rows for tables in found.values() for rows in tables.values()]


@given(drawn, st.booleans(), st.sampled_from([{}, {"police": "expired"}]))
def test_where_nothing_is_lost_it_balances_this_night_and_the_next(
    found: dict[str, Any], fresh: bool, stopped: dict[str, str]
) -> None:
    first = balanced(found, fresh=fresh, stopped=stopped)
    assert all(one.balances for one in each(first))
    # The next night brings nothing new: what became of the rows is carried on.
    told = {tuple(name.split()): one["told"] for name, one in found.items()}
    again = balance({}, from_report(as_report(first)), {}, counted(found, "staged"), told, stopped)
    assert again == first


@given(drawn, st.data())
def test_a_row_that_is_lost_or_doubled_anywhere_does_not_balance(
    found: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(found)))
    by = data.draw(st.sampled_from([-1, 1, 7]))
    place = data.draw(st.sampled_from(["staged", "rows_staged", "received", "suppressed"]))
    one = dict(found[name])
    if place == "rows_staged":
        one["told"] = one["told"] | {"rows_used": one["told"]["rows_used"] + by}
    elif place == "staged":
        one["staged"] = one["staged"] + by
    else:
        one["rows"] = replace(one["rows"], **{place: getattr(one["rows"], place) + by})
    assert not all(rows.balances for rows in each(balanced(found | {name: one})))
