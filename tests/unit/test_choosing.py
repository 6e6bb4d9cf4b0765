"""Which files of a source are pulled, and what the ledger makes of them: by rules alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sources.choosing import Choice, Terms, choose, young
from flows.sources.ledger import become
from flows.sources.naming import Naming, expression
from flows.sources.problems import SourceAway, SourceRefused, SourceUnsound
from flows.sources.remote import Item
from flows.sources.retrying import FIRST_WAIT, LONGEST_WAIT, retried
from governance.control import Pull
from schemas.mapping import load_mapping, own_layout

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MONTHLY = "{table}_{period:%Y-%m}*.csv"


def item(name: str, hours: float = 1, size: int = 10) -> Item:
    return Item(name, size, NOW - timedelta(hours=hours), str(hours))


def month(period: str, *, hours: float = 1, suffix: str = "") -> list[Item]:
    """Both tables that every police extract has."""
    return [item(f"{table}_{period}{suffix}.csv", hours) for table in ("custody", "drug_test")]


def terms(pattern: str | None = MONTHLY, **more: Any) -> Terms:
    return Terms(Naming("police", own_layout("police"), pattern), **more)


def chosen(items: list[Item], on: Terms) -> Choice:
    return choose(items, on, [one.name for one in items])


def periods(choice: Choice) -> list[str]:
    return [unit.period for unit in choice.units]


def test_the_newest_snapshot_is_taken_and_earlier_ones_are_passed_over() -> None:
    there = [*month("2026-09"), *month("2026-11"), *month("2026-10")]
    found = chosen(there, terms())
    assert (periods(found), found.late) == (["2026-11"], 2)


def test_every_increment_is_taken_in_the_order_of_their_periods() -> None:
    there = [*month("2026-11"), *month("2026-09"), *month("2026-10")]
    found = chosen(there, terms(delivery="increment"))
    assert (periods(found), found.late) == (["2026-09", "2026-10", "2026-11"], 0)


@pytest.mark.parametrize("where", ["../", "/etc/", "..\\", "a\n", "a\0"])
def test_a_name_that_leads_out_of_the_inbox_is_of_no_file(where: str) -> None:
    named = [item(f"{where}{one}_2026-10.csv") for one in ("custody", "drug_test")]
    found = chosen(named, terms("*{table}_{period:%Y-%m}.csv", delivery="increment"))
    assert (found.units, found.arriving, found.lacking) == ((), 0, ())


def test_a_delivery_that_is_not_whole_waits_and_says_what_it_lacks() -> None:
    there = [*month("2026-10"), item("custody_2026-11.csv")]
    found = chosen(there, terms())
    assert (periods(found), found.arriving, found.lacking) == (["2026-10"], 1, ("drug_test",))
    waiting = choose(month("2026-11"), terms(), ["custody_2026-11.csv"])
    assert (waiting.units, waiting.arriving, waiting.lacking) == ((), 1 + 1, ())


def test_two_files_of_one_table_and_period_are_refused_unless_the_newest_counts() -> None:
    there = [*month("2026-11", hours=5), *month("2026-11", hours=2, suffix="_v2")]
    with pytest.raises(SourceUnsound, match="2 files for one table of 2026-11"):
        chosen(there, terms())
    (unit,) = chosen(there, terms(resupplies="newest")).units
    assert [one.name for one, _ in unit.files] == [
        "custody_2026-11_v2.csv",
        "drug_test_2026-11_v2.csv",
    ]


def test_names_are_read_by_the_mapping_where_the_pattern_names_no_table() -> None:
    naming = Naming("police", load_mapping("police", "connect"), "*{period:%Y%m%d}*")
    names = [pattern for one in naming.mapping.tables.values() for pattern in one.file]
    name = names[0].replace("*", "_20261105_", 1).replace("*", "x")
    named = naming.of(name)
    assert named is not None and named.period == "2026-11-05" and named.tables
    assert naming.of("letter_20261105.docx") is None


@pytest.mark.parametrize(
    "name", ["custody.csv.part", "custody.csv.filepart", ".custody.csv", "custody.csv.tmp"]
)
def test_what_is_still_written_is_nobodys_file(name: str) -> None:
    assert Naming("police", own_layout("police")).of(name) is None


@pytest.mark.parametrize(
    "pattern",
    ["{table}.csv", "{period:%Y}{period:%m}", "{period:%B}", "{period:%m}", "{period:%Y-%d}"],
)
def test_a_pattern_without_a_plain_period_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="period"):
        expression(pattern, ("custody",))


@given(st.integers(-7200, 7200), st.integers(0, 900))
def test_a_file_is_young_until_it_has_stood_still(age: int, settle: int) -> None:
    there = [Item("custody_2026-11.csv", 1, NOW - timedelta(seconds=age), "x")]
    found = young(there, terms(settle=timedelta(seconds=settle)), NOW)
    assert bool(found) == (settle > 0 and not age >= settle)


# The ledger


def pulled(period: str, digest: str, hours: float = 1, state: Any = "landed") -> Pull:
    return Pull("police", period, digest, "", 2, 20, NOW - timedelta(hours=hours), state, NOW)


@pytest.mark.parametrize(
    ("new", "before", "how", "state"),
    [
        (("2026-11", "b"), [], {}, "landed"),
        (("2026-11", "a"), [("2026-10", "a")], {}, "known"),
        (("2026-11", "b"), [("2026-10", "a")], {}, "landed"),
        (("2026-09", "b"), [("2026-10", "a")], {}, "late"),
        (("2026-09", "b"), [("2026-10", "a")], {"delivery": "increment"}, "landed"),
        (("2026-10", "b"), [("2026-10", "a", 5)], {}, "refused"),
        (("2026-10", "b"), [("2026-10", "a", 5)], {"delivery": "increment"}, "refused"),
        (("2026-10", "b"), [("2026-10", "a", 5)], {"resupplies": "newest"}, "landed"),
        (("2026-10", "b", 5), [("2026-10", "a", 1)], {"resupplies": "newest"}, "refused"),
        (("2026-10", "a"), [("2026-10", "a", 5, "replaced"), ("2026-10", "b")], {}, "refused"),
        (
            ("2026-10", "a", 1),
            [("2026-10", "a", 5, "replaced"), ("2026-10", "b", 3)],
            {"resupplies": "newest"},
            "landed",
        ),
        (("2026-11", "a"), [("2026-10", "a", 5, "replaced"), ("2026-10", "b")], {}, "known"),
        (("2026-10", "b"), [("2026-10", "b", 5, "refused"), ("2026-10", "a")], {}, "refused"),
        (("", "b"), [("", "a")], {}, "landed"),
        (("", "b"), [("", "a", 5, "replaced"), ("", "b")], {}, "known"),
        (("", "a"), [("", "a", 5, "replaced"), ("", "b")], {}, "landed"),
    ],
)
def test_what_becomes_of_a_delivery(new: Any, before: Any, how: Any, state: str) -> None:
    assert become(pulled(*new), [pulled(*one) for one in before], terms(**how)) == state


@given(
    st.lists(st.tuples(st.sampled_from(["2026-09", "2026-10", "2026-11"]), st.sampled_from("abc"))),
    st.sampled_from(["snapshot", "increment"]),
)
def test_what_stands_is_the_last_that_came_and_does_not_land_twice(
    deliveries: Any, delivery: Any
) -> None:
    ledger: list[Pull] = []
    for number, (period, content) in enumerate(deliveries):
        new = pulled(period, f"{content} of {period}", hours=-number)
        on = terms(delivery=delivery, resupplies="newest")
        state = become(new, ledger, on)
        if state == "landed":
            ledger = [
                replace(one, state="replaced")
                if (one.period, one.state) == (period, "landed")
                else one
                for one in ledger
            ]
        ledger.append(replace(new, state=state))
        stands = {one.period: one for one in ledger if one.state == "landed"}
        was_late = any((one.digest, one.state) == (new.digest, "late") for one in ledger)
        if not was_late and period in stands:
            assert stands[period].digest == new.digest
        assert become(new, ledger, on) in ("known", "late")


# Trying again


def test_waits_grow_and_end() -> None:
    waits: list[float] = []

    def never() -> None:
        raise SourceAway("It did not answer.", "Wait.")

    with pytest.raises(SourceAway):
        retried(never, 9, waits.append, lambda: 1.0)
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert len(waits) == 8 and max(waits) == LONGEST_WAIT
    halved: list[float] = []
    with pytest.raises(SourceAway):
        retried(never, 2, halved.append, lambda: 0.0)
    assert halved == [FIRST_WAIT / 2]


def test_what_is_refused_is_not_tried_again() -> None:
    calls = []

    def refused() -> None:
        calls.append(1)
        raise SourceRefused("Not you.", "Go.")

    with pytest.raises(SourceRefused):
        retried(refused, 9, lambda seconds: None)
    assert len(calls) == 1
