"""Laws of spells: the days recorded are the days covered, and each is counted once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warehouse.deaths import tell
from warehouse.models import load_models

START = date(2024, 1, 1)
AS_AT = START + timedelta(days=60)
BY_NAME = {model.name: model for model in load_models()}


def on(number: int) -> date:
    """The day so many days after the first."""
    return START + timedelta(days=number)


DAY = st.integers(0, 70).map(on)
SPELLS = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["custody", "tenancy"]), DAY,
              st.none() | DAY),
    max_size=12,
)  # fmt: skip
DEATHS = st.dictionaries(st.sampled_from(["one", "two"]), DAY, max_size=1)


def spells_of(recorded: list[tuple], deaths: dict[str, date]) -> list[dict[str, Any]]:
    """What int_spell makes of recorded spells."""
    con = duckdb.connect()
    con.execute("CREATE TABLE extract AS SELECT 'p' AS partner, ?::DATE AS data_as_at", [AS_AT])
    con.execute("CREATE TABLE int_death (person_id VARCHAR, death_date DATE)")
    con.execute("CREATE TABLE seed_code (list VARCHAR, code VARCHAR, label VARCHAR)")
    con.execute("CREATE TABLE seed_untold_reason (list VARCHAR, code VARCHAR, told_as VARCHAR)")
    tell(con, told=True)
    con.execute(
        "CREATE TABLE int_recorded_spell (person_id VARCHAR, partner VARCHAR, spell_type VARCHAR,"
        "spell_key BIGINT, start_date DATE, recorded_end DATE, detail_list VARCHAR,"
        "detail VARCHAR, begins_with VARCHAR, ended_well BOOLEAN)"
    )
    for key, (person, kind, start, end) in enumerate(recorded):
        con.execute(
            "INSERT INTO int_recorded_spell VALUES (?, 'p', ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
            [person, kind, key, start, end],
        )
    for death in deaths.items():
        con.execute("INSERT INTO int_death VALUES (?, ?)", death)
    found = con.execute(BY_NAME["int_spell"].sql).pl().to_dicts()
    con.close()
    return found


def days_of(start: date, end: date | None, death: date | None) -> set[date]:
    """The days of one recorded spell, day by day: the slow way."""
    if end is not None and end < start:
        return set()
    last = min(AS_AT, end or AS_AT)
    if death is not None and start <= death <= AS_AT and (end is None or end > AS_AT):
        last = death
    return {start + timedelta(days=number) for number in range((last - start).days)}


@settings(max_examples=40, deadline=None)
@given(SPELLS, DEATHS)
def test_spells_cover_the_days_that_were_recorded(
    recorded: list[tuple], deaths: dict[str, date]
) -> None:
    found = spells_of(recorded, deaths)
    begun = [spell for spell in recorded if spell[2] <= AS_AT]
    assert len(found) == len(begun)
    for person, kind in {(spell[0], spell[1]) for spell in begun}:
        covered: set[date] = set()
        for of, which, start, end in begun:
            if (of, which) == (person, kind):
                covered |= days_of(start, end, deaths.get(person))
        own = [
            row["own_days"]
            for row in found
            if (row["person_id"], row["spell_type"]) == (person, kind)
        ]
        assert sum(own) == len(covered)


@settings(max_examples=40, deadline=None)
@given(SPELLS)
@example([("one", "custody", on(0), on(5)), ("one", "custody", on(6), None)])
@example([("one", "custody", on(0), on(5)), ("one", "custody", on(7), None)])
def test_a_stretch_has_no_break_and_stretches_lie_apart(recorded: list[tuple]) -> None:
    found = spells_of(recorded, {})
    stretches: dict[tuple[str, str], dict[int, list[tuple[date, date]]]] = {}
    for row in found:
        of_kind = stretches.setdefault((row["person_id"], row["spell_type"]), {})
        of_kind.setdefault(row["stretch_number"], []).append((row["start_date"], row["until"]))
    for of_kind in stretches.values():
        assert sorted(of_kind) == list(range(1, len(of_kind) + 1))
        ends: date | None = None
        for number in sorted(of_kind):
            spells = sorted(of_kind[number])
            assert ends is None or (spells[0][0] - ends).days > 1
            reached = spells[0][1]
            for start, until in spells[1:]:
                assert (start - reached).days <= 1
                reached = max(reached, until)
            ends = reached


RELEASES = st.lists(st.tuples(DAY, st.none() | DAY), max_size=4)


@settings(max_examples=40, deadline=None)
@given(DAY, st.none() | DAY, RELEASES)
def test_times_in_prison_are_those_of_a_slow_reading(
    sentenced: date, ends: date | None, releases: list[tuple[date, date | None]]
) -> None:
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE stg_sentence AS SELECT 'one' AS person_id, 1 AS sentence_key, 'SC' AS "
        "sentence_type, 'custody' AS sentence_category, ?::DATE AS sentence_date, ?::DATE AS "
        "sentence_end_date",
        [sentenced, ends],
    )
    con.execute(
        "CREATE TABLE stg_prison_release (sentence_key BIGINT, release_date DATE, "
        "recall_date DATE, sentence_expiry_date DATE)"
    )
    for released, recalled in releases:
        con.execute("INSERT INTO stg_prison_release VALUES (1, ?, ?, NULL)", [released, recalled])
    sql = BY_NAME["int_custody_period"].sql
    found = con.execute(f"SELECT start_date, begins_with, recorded_end FROM ({sql})").fetchall()
    con.close()

    def out(start: date, after: date) -> date | None:
        later = [released for released, _ in releases if released >= start and released > after]
        return min(later, default=ends)

    expected = {(sentenced, "sentence", out(sentenced, date.min))}
    for recalled in {recalled for _, recalled in releases if recalled is not None}:
        free_from = max(released for released, again in releases if again == recalled)
        expected.add((recalled, "recall", out(recalled, free_from)))
    assert set(found) == expected
    assert len(found) == len(expected)
