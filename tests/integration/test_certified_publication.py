"""What is due is counted, certified and read off the public releases again."""

from __future__ import annotations

import json
from datetime import date, datetime

import duckdb
import polars as pl
import pytest
import small_marts
from small_marts import QUARTERS, STARTS

from governance.disclosure.certify import Certified, certify
from governance.disclosure.checker import check
from governance.disclosure.release import Release, read_release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from warehouse.metrics import load_metrics
from warehouse.publish.assemble import assemble, shown_of, tables_of
from warehouse.publish.certified import Beside, Due, certify_due, due, next_due, public_again
from warehouse.publish.counts import COUNTED_BY, counted
from warehouse.publish.indexes import KEPT_BACK, closed_sets, indexes
from warehouse.publish.making import _until
from warehouse.publish.standing import standings
from warehouse.publish.windows import Window, window_of

RULE = Rule()
NEXT = {"transitions arrest", "transitions referral"}
BY_KEY = {"funnel released", "outcomes tests", "outcomes treated", *NEXT}


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return small_marts.marts()


@pytest.fixture(scope="module")
def dues(con: duckdb.DuckDBPyConnection) -> tuple[Due, ...]:
    return due(con, "quarter", [])


@pytest.fixture(scope="module")
def made(con: duckdb.DuckDBPyConnection, dues: tuple[Due, ...]) -> tuple[Certified, Certified]:
    """A publication, and the one after it."""
    last = max(one.window for one in dues)
    old, new = ([one for one in dues if (one.window == last) is is_new] for is_new in (False, True))
    first, _ = certify_due(con, "first", old)
    second, _ = certify_due(
        con,
        "second",
        new,
        Beside([first.release], [first.release.digest]),
    )
    return first, second


@pytest.fixture(scope="module")
def releases(made: tuple[Certified, Certified]) -> list[Release]:
    return [one.release for one in made]


def test_what_is_restricted_or_not_asked_for_is_no_index(con: duckdb.DuckDBPyConnection) -> None:
    assert {index.key for index in indexes(con)} == BY_KEY


def test_a_restricted_metric_that_is_asked_for_goes_through_the_gate() -> None:
    con = small_marts.marts()
    con.execute("UPDATE metric_period SET is_reported = TRUE, reason = NULL")
    quarter = window_of(STARTS[3], "quarter")
    every = due(con, "quarter", [])
    (asked,) = (one for one in every if one.index.name == "deaths" and one.window == quarter)
    for died, shown in ((12, "10"), (3, MASKED)):
        con.execute("DELETE FROM outcome WHERE metric = 'deaths'")
        con.execute(
            "INSERT INTO outcome SELECT 'deaths', 'deaths', ?, 'all', 'All', person_id, 1, NULL "
            "FROM person ORDER BY person_id LIMIT ?",
            [QUARTERS[3], died],
        )
        certified, _ = certify_due(con, "asked", [asked])
        outcomes = tables_of([certified.release])["outcomes"]
        assert outcomes.filter(pl.col("split") == "All")["numerator"].to_list() == [shown]
    con.close()


def test_a_mean_is_not_published(con: duckdb.DuckDBPyConnection) -> None:
    tests = next(index for index in indexes(con) if index.name == "tests")
    assert {line.labels[0] for line in tests.lines} == {"soon", "later"}


def test_the_sets_of_stages_are_those_that_can_be_reached() -> None:
    assert closed_sets([(1, 1), (2, 1), (3, 2), (4, 3)]) == (
        frozenset({1}),
        frozenset({1, 2}),
        frozenset({1, 2, 3}),
        frozenset({1, 2, 3, 4}),
    )
    assert len(closed_sets([(1, 1), (2, 1), (3, 2), (4, 2)])) == 5


def test_measures_of_one_denominator_ask_about_the_same_units() -> None:
    assert len(standings(["x", "x"])) == 4
    assert len(standings(["x", "y"])) == 8
    assert standings([None]) == (("counted",),)


def test_a_quarter_that_is_not_reported_is_not_due(dues: tuple[Due, ...]) -> None:
    assert max(one.window for one in dues) == window_of(STARTS[4], "quarter")
    assert {one.window for one in dues if one.index.is_stock} == {
        Window(date(2025, 4, 1), date(2026, 3, 31))
    }


def test_longer_windows_need_all_their_quarters(con: duckdb.DuckDBPyConnection) -> None:
    windows = {one.window for one in due(con, "year", []) if not one.index.is_stock}
    assert windows == {Window(date(2025, 4, 1), date(2026, 3, 31))}


def test_what_is_public_is_never_due_again(
    con: duckdb.DuckDBPyConnection, releases: list[Release]
) -> None:
    assert due(con, "quarter", releases) == ()
    assert due(con, "half-year", releases) == ()
    assert next_due(con, "quarter", releases, date(2026, 7, 29)) == date(2026, 10, 28)
    # Of data that stopped coming, no day of the calendar is promised.
    assert _until(date(2026, 10, 28), date(2026, 7, 29)).endswith(
        "complete once every partner's data reach 28 October 2026; they reach 29 July 2026."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE cohort SET is_published = FALSE", "can no longer be counted"),
        ("UPDATE stage SET meaning = 'Another' WHERE stage = 'contact'", "another definition"),
        ("UPDATE cohort SET entry_rules = 'only F'", "another definition"),
        ("DELETE FROM stage WHERE cohort = 'released' AND stage_number = 4", "another definition"),
        ("DELETE FROM measure WHERE measure = 'later'", "another definition"),
        ("UPDATE metric SET category_kind = 'other'", "another definition"),
    ],
)
def test_what_is_public_and_defined_otherwise_now_stops_what_is_new(
    releases: list[Release], change: str, says: str
) -> None:
    """A cohort's file that was taken away, or changed, since it was published."""
    con = small_marts.marts(20)
    con.execute(change)
    with pytest.raises(DisclosureError, match=says):
        public_again(con, releases, RULE)
    con.close()


def test_cohorts_that_begin_alike_are_the_same_people_by_definition() -> None:
    con = small_marts.marts(20)
    con.execute("UPDATE cohort SET is_published = TRUE")
    lines = {one.name: one.lines for one in indexes(con) if one.kind == "funnel"}
    assert lines["kept"][0].meaning == lines["released"][0].meaning
    assert len({line.meaning for line in lines["released"]}) == len(lines["released"])
    con.execute("UPDATE cohort SET entry_rules = 'only F' WHERE cohort = 'kept'")
    other = next(one for one in indexes(con) if one.name == "kept")
    assert other.lines[0].meaning != lines["released"][0].meaning
    con.close()


def test_a_declared_meaning_tells_areas_elsewhere_apart(
    con: duckdb.DuckDBPyConnection, dues: tuple[Due, ...]
) -> None:
    """Which areas are elsewhere hangs on which are told."""
    one = next(due for due in dues if due.index.key == "funnel released")
    groups = [
        {"NR1": ("NR1",), "Elsewhere or not known": ()},
        {"NR2": ("NR2",), "Elsewhere or not known": ()},
    ]
    told = [
        {
            row.meaning
            for table in counted(
                con, one.index, one.window, RULE, {"area": grouping}
            ).submission.population.tables
            for row in table.rows
            if "Elsewhere or not known" in row.labels
        }
        for grouping in groups
    ]
    assert told[0] and not told[0] & told[1]


def test_what_is_kept_back_is_there() -> None:
    there = {(one.metric, part.measure) for one in load_metrics() for part in one.measures}
    assert there >= KEPT_BACK


def test_a_measure_that_is_kept_back_is_in_no_line(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = next(one for one in indexes(con) if one.name == "tests").lines
    kept = {("tests", line.labels[0]) for line in lines}
    monkeypatch.setattr("warehouse.publish.indexes.KEPT_BACK", kept)
    assert "tests" not in {one.name for one in indexes(con)}


def test_true_counts_are_those_of_the_marts(con: duckdb.DuckDBPyConnection) -> None:
    """Before the gate: each line of all is what the mart sums to."""
    quarter = window_of(STARTS[1], "quarter")
    for index in indexes(con):
        if index.is_stock:
            continue
        rows = counted(con, index, quarter, RULE).submission.rows
        for line in index.lines:
            found = rows.get_column(COUNTED_BY).is_in(sorted(line.states)).sum()
            assert found == of_marts(con, index.key, line.labels), line.labels[-1]


def of_marts(con: duckdb.DuckDBPyConnection, key: str, labels: tuple[str, ...]) -> int:
    query = {
        "funnel released": "SELECT count(*) FROM cohort_stage WHERE period_id = ? "
        f"AND stage_number = {labels[0]}",
        "outcomes tests": f"SELECT coalesce(sum({labels[-1]}), 0) FROM outcome "
        f"WHERE metric = 'tests' AND period_id = ? AND measure = '{labels[0]}'",
        f"transitions {labels[0].lower()}": "SELECT count(*) FROM transition WHERE period_id = ? "
        f"AND step = lower('{labels[0]}') AND next_kind IN ('{labels[1]}', "
        f"CASE '{labels[1]}' WHEN 'All' THEN 'New arrest' END, "
        f"CASE '{labels[1]}' WHEN 'All' THEN 'No new step' END)",
    }[key]
    return int(con.execute(query, [QUARTERS[1]]).fetchall()[0][0])


def test_what_came_after_each_step_is_told_as_finely_as_that_step_allows() -> None:
    con = small_marts.marts()
    quarter = window_of(STARTS[1], "quarter")
    con.execute(
        "INSERT INTO transition SELECT ?, person_id, 'referral', CASE WHEN row_number() OVER "
        "(ORDER BY person_id) = 1 THEN 'New arrest' ELSE 'No new step' END FROM person LIMIT 9",
        [QUARTERS[1]],
    )
    told = {
        one.name: counted(con, one, quarter, RULE).submission.population.dimensions[0].categories
        for one in indexes(con)
        if one.kind == "transitions"
    }
    con.close()
    assert told == {
        "arrest": ("Arrest: New arrest", "Arrest: No new step"),
        "referral": ("Referral: A new step", "Referral: No new step"),
    }


def test_too_small_a_split_is_widened_or_left_out(con: duckdb.DuckDBPyConnection) -> None:
    few = small_marts.marts(60)
    index = next(one for one in indexes(con) if one.key == "funnel released")
    quarter = window_of(STARTS[1], "quarter")
    many, small = (counted(one, index, quarter, RULE) for one in (con, few))
    by = {one.name: one.categories for one in many.submission.population.dimensions}
    assert by["sex"] == ("Female", "Male", "Not known")
    assert set(small.left_out) > set(many.left_out)
    few.close()


def test_the_certificates_hold(made: tuple[Certified, Certified]) -> None:
    first, second = made
    assert check(first.release, [], first.certificate).tables
    assert check(second.release, [first.release], second.certificate).tables


def test_what_is_public_can_be_counted_again_though_there_are_new_categories(
    releases: list[Release],
) -> None:
    con = small_marts.marts()
    con.execute("UPDATE person SET area = 'NR9' WHERE person_id = 'p1'")
    con.execute("UPDATE outcome SET category = 'Both' WHERE person_id = 'p2' AND metric = 'tests'")
    shown = [one for release in releases for one in release.populations]
    windows = [Window(one.period.first, one.period.last) for one in shown]
    again = public_again(con, releases, RULE, windows)
    assert [one.population for one in again] == [one.population for one in shown]
    con.close()


def test_what_can_no_longer_be_counted_stops_a_publication(releases: list[Release]) -> None:
    con = small_marts.marts()
    con.execute("DELETE FROM metric WHERE metric = 'tests'")
    windows = [Window(p.period.first, p.period.last) for p in releases[0].populations]
    with pytest.raises(DisclosureError, match="no longer be counted"):
        public_again(con, releases, RULE, windows)
    con.close()


def test_anyone_can_read_the_tables_off_the_releases(releases: list[Release]) -> None:
    again = [read_release(json.loads(json.dumps(one.document()))) for one in releases]
    for name, table in tables_of(releases).items():
        assert table.height
        assert table.equals(tables_of(again)[name])


def test_twelve_months_are_the_sum_of_what_is_shown(releases: list[Release]) -> None:
    table = tables_of(releases)["funnel"]
    year = table.filter(table["period"] == "Twelve months to June 2026")
    assert year.height
    for row in year.to_dicts():
        parts = table.filter(
            table["split"] == row["split"],
            table["category"] == row["category"],
            table["step"] == row["step"],
            table["period_start"] >= row["period_start"],
            table["period_end"] <= row["period_end"],
            ~table["period"].str.starts_with("Twelve"),
        )
        shown = parts["people"].to_list()
        assert len(shown) == 4
        assert row["people"] == (
            MASKED if MASKED in shown else str(sum(int(value) for value in shown))
        )


def test_no_published_count_spans_two_windows(releases: list[Release]) -> None:
    periods = [
        (shown.population.name.rsplit(" ", 1)[0], shown.period)
        for release in releases
        for shown in release.populations
    ]
    for place, (name, one) in enumerate(periods):
        for other_name, other in periods[:place]:
            assert name != other_name or one.last < other.first or other.last < one.first


def test_a_pack_is_made_of_them(made: tuple[Certified, Certified], releases: list[Release]) -> None:
    pack = assemble(
        releases,
        before=releases[:1],
        partnership="A partnership",
        contact="the data lead",
        demonstration=True,
        made_at=datetime(2026, 9, 1),
        as_at={"police": date(2026, 8, 31)},
        definitions=[],
        newest=made[1],
    )
    assert pack.release_id == "second"
    assert set(pack.tables["changes"]["table"]) == {"funnel", "outcomes", "transitions"}
    with pytest.raises(DisclosureError, match="without the release"):
        assemble(
            releases[:1],
            partnership="A partnership",
            contact="the data lead",
            demonstration=True,
            made_at=datetime(2026, 9, 1),
            as_at={},
            definitions=[],
            newest=made[1],
        )


def test_curves_never_rise(releases: list[Release]) -> None:
    for one in shown_of(releases):
        shown = [int(value) for value in one.curve.values() if value != MASKED]
        assert shown == sorted(shown, reverse=True)


def test_ever_more_are_reached_and_in_the_end_who_reached_the_step(releases: list[Release]) -> None:
    curves, funnel = (tables_of(releases)[name] for name in ("survival", "funnel"))
    assert curves.height
    funnel = funnel.filter(split="All", category="All", step_number=2)
    for (cohort, start, end), curve in curves.group_by("cohort", "period_start", "period_end"):
        shown = [int(one) for one in curve.sort("days")["percent"] if one.isdigit()]
        assert shown == sorted(shown)
        (step,) = funnel.filter(cohort=cohort, period_start=start, period_end=end).to_dicts()
        if shown and step["percent"].isdigit():
            assert shown[-1] <= int(step["percent"])


def test_what_one_measure_masks_no_other_shows() -> None:
    """22 of 23 were offered it: whoever reads that 22 accepted or not can tell of the one."""
    con = small_marts.marts(1, 1)
    con.execute(
        "INSERT INTO metric VALUES ('offers', 'metric', 'Offers', 'journeys', 'sum of quarters', "
        "'all', 'proxy', TRUE)"
    )
    con.execute(
        "INSERT INTO measure VALUES ('offers', 'a', 'Offered', 'is_said', NULL, 'is_offered'), "
        "('offers', 'b', 'Accepted', 'is_said AND is_offered', NULL, 'is_accepted')"
    )
    con.execute(
        "INSERT INTO metric_period SELECT 'offers', 'a', period_kind, start_date, complete_on, "
        "is_reported, reason FROM metric_period WHERE metric = 'tests'"
    )
    period = con.execute("SELECT period_id FROM period ORDER BY start_date").fetchall()[0][0]
    for n in range(23):
        who, offered = f"offer-{n}", int(n < 22)
        con.execute("INSERT INTO person VALUES (?, 'F', '25-34', 'White', 'NR1')", [who])
        con.execute(
            "INSERT INTO outcome VALUES ('offers', 'a', ?, 'all', 'All', ?, ?, 1)",
            [period, who, offered],
        )
        if offered:
            con.execute(
                "INSERT INTO outcome VALUES ('offers', 'b', ?, 'all', 'All', ?, ?, 1)",
                [period, who, int(n < 11)],
            )
    index = next(one for one in indexes(con) if one.name == "offers")
    given = counted(con, index, window_of(STARTS[0], "quarter"), RULE).submission
    made = certify("offers", [given], rule=RULE)
    table = tables_of([made.release])["outcomes"].filter(pl.col("split") == "All")
    shown = {row["measure"]: (row["numerator"], row["denominator"]) for row in table.to_dicts()}
    assert shown == {"a": (MASKED, "25"), "b": ("10", MASKED)}


def test_who_is_in_one_measure_and_not_in_another_that_holds_it_is_not_told() -> None:
    """5 and 5 would say that no more than two began between day 29 and day 90."""
    con = small_marts.marts(10)
    con.execute(
        "INSERT INTO metric VALUES "
        "('starts', 'metric', 'Starts', 'people', 'sum of quarters', 'all', 'proxy', TRUE)"
    )
    con.execute(
        "INSERT INTO measure VALUES ('starts', 'later', 'Later', 'TRUE', NULL, 'days <= 90'), "
        "('starts', 'soon', 'Soon', 'TRUE', NULL, 'days <= 28')"
    )
    con.execute(
        "INSERT INTO metric_period SELECT 'starts', measure, period_kind, start_date, complete_on, "
        "is_reported, reason FROM metric_period WHERE metric = 'tests' AND measure = 'soon'"
    )
    period = con.execute("SELECT period_id FROM period ORDER BY start_date").fetchall()[0][0]
    for n in range(40):
        who = f"start-{n}"
        con.execute("INSERT INTO person VALUES (?, 'F', '25-34', 'White', 'NR1')", [who])
        for measure, most in (("soon", 5), ("later", 7)):
            con.execute(
                "INSERT INTO outcome VALUES ('starts', ?, ?, 'all', 'All', ?, ?, 1)",
                [measure, period, who, int(n < most)],
            )
    index = next(one for one in indexes(con) if one.name == "starts")
    given = counted(con, index, window_of(STARTS[0], "quarter"), RULE).submission
    con.close()
    made = certify("starts", [given], rule=RULE)
    table = tables_of([made.release])["outcomes"].filter(pl.col("split") == "All")
    shown = {row["measure"]: row["numerator"] for row in table.to_dicts()}
    assert MASKED in shown.values() and set(shown.values()) <= {MASKED, "5"}
