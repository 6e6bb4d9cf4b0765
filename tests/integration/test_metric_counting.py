"""What is counted, for whom and when: the laws that hold of every metric, on the real engine."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import warehouse_rows as rows
from slight import make_slight

from schemas.errors import ConfigError
from warehouse import connect, metrics
from warehouse.given import Given
from warehouse.metrics import load_metrics
from warehouse.models import load_seed

DAYS = ("2025-04-01", "2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01")


def somebody(number: int) -> dict:
    """Somebody arrested, tested and perhaps treated, on days around the quarters' ends."""
    arrest = DAYS[number % len(DAYS)]
    tables_of: dict = {
        "police_custody": [{"arrest_date": arrest, "sex": "MF"[number % 2]}],
        "police_drug_test": [{"test_date": arrest, "result": "POS_OPIATE"}],
    }
    if number % 3:
        started = "2025-07-01" if number % 3 == 1 else "2026-01-20"
        tables_of["treatment_episode"] = [{"triaged": started}]
        tables_of["treatment_intervention"] = [{"modst": started}]
    return tables_of


PERSONS = {f"person-{number}": somebody(number) for number in range(24)}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    path, _ = rows.release(tmp_path_factory.mktemp("counting"), PERSONS)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


def broken(con: duckdb.DuckDBPyConnection, sql: str) -> list:
    """The rows a law does not hold of."""
    return con.execute(sql).fetchall()


def test_twelve_months_are_the_sum_of_their_four_quarters(release) -> None:
    compared = """
        SELECT year.metric, year.measure, year.period_id, year.split, year.category,
               any_value(year.numerator) AS told, sum(quarter.numerator) AS summed,
               any_value(year.denominator) AS of_told, sum(quarter.denominator) AS of_summed
        FROM figure AS year
        INNER JOIN metric ON metric.metric = year.metric AND metric.relation = 'sum of quarters'
        INNER JOIN period AS ending ON ending.period_id = year.period_id
        INNER JOIN period AS part
            ON part.start_date BETWEEN ending.year_start AND ending.start_date
        INNER JOIN figure AS quarter
            ON (quarter.metric, quarter.measure, quarter.split, quarter.category)
                = (year.metric, year.measure, year.split, year.category)
            AND quarter.period_kind = 'quarter' AND quarter.period_id = part.period_id
        WHERE year.period_kind = 'twelve months'
        GROUP BY ALL"""
    assert release.execute(f"SELECT count(*) FROM ({compared}) WHERE told > 0").fetchone()[0] > 10
    assert not broken(
        release,
        f"FROM ({compared}) WHERE told <> summed OR of_told IS DISTINCT FROM of_summed",
    )


@pytest.mark.parametrize("split", ["age_band", "sex", "ethnicity_group", "area"])
def test_groups_add_up_to_everyone(release, split: str) -> None:
    assert not broken(
        release,
        f"""SELECT metric, measure, period_kind, period_id FROM figure
        WHERE split IN ('all', '{split}')
        GROUP BY ALL
        HAVING sum(numerator) FILTER (split = 'all')
            <> coalesce(sum(numerator) FILTER (split = '{split}'), 0)""",
    )


def test_every_kind_of_category_of_a_metric_adds_up_to_everyone(release) -> None:
    assert not broken(
        release,
        """SELECT part.metric, part.measure, part.period_kind, part.period_id, part.split
        FROM figure AS part
        INNER JOIN figure AS whole
            ON whole.split = 'all'
            AND (whole.metric, whole.measure, whole.period_kind, whole.period_id)
                = (part.metric, part.measure, part.period_kind, part.period_id)
        WHERE part.split NOT IN ('all', 'age_band', 'sex', 'ethnicity_group', 'area')
        GROUP BY ALL
        HAVING sum(part.numerator) <> any_value(whole.numerator)""",
    )


def test_what_is_reported_has_a_figure_and_nothing_else_has(release) -> None:
    key = "metric, measure, period_kind, period_id"
    reported = f"SELECT {key} FROM metric_period WHERE is_reported"
    told = f"SELECT DISTINCT {key} FROM figure"
    assert release.execute(reported).fetchall()
    assert not broken(release, f"({reported}) EXCEPT ({told})")
    assert not broken(release, f"({told}) EXCEPT ({reported})")


def states(folder: Path, as_at: dict, given: Given) -> dict:
    """Why each quarter of two measures is not reported, or None where it is."""
    with pytest.MonkeyPatch.context() as patch:
        make_slight(patch, ("metric_period", "outcome"), ("start_28_days", "people_arrested"))
        path, _ = rows.release(folder, PERSONS, as_at, given)
    con = connect.open_release(path, rows.RELEASE_KEY)
    found = con.execute(
        """SELECT measure, period_id, reason FROM metric_period
        WHERE measure IN ('start_28_days', 'people_arrested') AND period_kind = 'quarter'
            AND period_id >= '2025-Q3'"""
    ).fetchall()
    counted = con.execute(
        "SELECT DISTINCT measure, period_id FROM outcome "
        "WHERE measure IN ('start_28_days', 'people_arrested') AND period_id >= '2025-Q3'"
    ).fetchall()
    con.close()
    told = {(measure, period): reason for measure, period, reason in found}
    assert all(told[one] is None for one in counted)
    return told


@pytest.mark.parametrize(
    ("treatment_as_at", "reason"), [("2026-04-28", None), ("2026-04-27", "unfinished")]
)
def test_a_quarter_is_reported_on_the_day_its_follow_up_is_over(
    tmp_path: Path, treatment_as_at: str, reason: str | None
) -> None:
    as_at = {"police": rows.AS_AT, "treatment": date.fromisoformat(treatment_as_at)}
    told = states(tmp_path, as_at, Given())
    assert told["start_28_days", "2026-Q1"] == reason
    assert told["people_arrested", "2026-Q1"] is None
    assert told["people_arrested", "2026-Q2"] == "unfinished"


@pytest.mark.parametrize(
    ("data_from", "reason"), [("2025-10-01", None), ("2025-10-02", "before the data")]
)
def test_a_quarter_before_the_data_are_whole_is_not_reported(
    tmp_path: Path, data_from: str, reason: str | None
) -> None:
    as_at = {"police": rows.AS_AT, "treatment": rows.AS_AT}
    given = Given(data_from={"treatment": date.fromisoformat(data_from)})
    told = states(tmp_path, as_at, given)
    assert told["start_28_days", "2025-Q4"] == reason
    assert told["start_28_days", "2025-Q3"] == "before the data"
    assert told["start_28_days", "2026-Q1"] is None


def test_a_declared_date_holds_back_what_it_does_not_reach_and_a_late_extract_is_told(
    tmp_path: Path,
) -> None:
    as_at = {"police": rows.AS_AT, "treatment": rows.AS_AT}
    given = Given(
        complete_to={"treatment": date(2026, 4, 27)},  # a day too few for the lag of 28
        cadence_days={"treatment": 64, "police": 1},
    )
    told = states(tmp_path, as_at, given)
    assert told["start_28_days", "2026-Q1"] == "unfinished"
    assert told["start_28_days", "2025-Q4"] is None
    with pytest.MonkeyPatch.context() as patch:
        make_slight(patch, ("data_issue", "data_quality"))
        path, _ = rows.release(tmp_path / "issues", PERSONS, as_at, given)
    con = connect.open_release(path, rows.RELEASE_KEY)
    late = con.execute(
        "SELECT partner, place, \"rows\" FROM data_issue WHERE issue = 'extract_overdue'"
    ).fetchall()
    reach = con.execute("SELECT DISTINCT partner, data_as_at FROM data_quality").fetchall()
    con.close()
    assert late == [("treatment", "extract", 1)]
    assert ("treatment", date(2026, 4, 27)) in reach and ("police", rows.AS_AT) in reach


def test_a_metric_of_the_partnerships_own_is_counted(tmp_path: Path) -> None:
    own = tmp_path / "metrics"
    own.mkdir()
    packaged = Path(metrics.__file__).parent / "arrests.yaml"
    told = packaged.read_text("utf-8").replace("metric: arrests", "metric: own_arrests")
    (own / "own_arrests.yaml").write_text(told.replace("publish: true\n", ""), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        make_slight(patch, ("metric", "outcome"))
        path, _ = rows.release(tmp_path / "made", PERSONS, given=Given(metrics=own))
    con = connect.open_release(path, rows.RELEASE_KEY)
    counted = con.execute(
        "SELECT metric, count(*) FROM outcome WHERE metric IN ('arrests', 'own_arrests') "
        "GROUP BY metric ORDER BY metric"
    ).fetchall()
    con.close()
    assert [name for name, _ in counted] == ["arrests", "own_arrests"]
    assert counted[0][1] == counted[1][1] > 0


def test_without_a_partner_nothing_that_needs_it_is_reported(tmp_path: Path) -> None:
    told = states(tmp_path, {"police": rows.AS_AT}, Given())
    assert set(told.values()) == {"partner not sent"}


def test_a_restricted_metric_is_counted_only_where_it_is_asked_for(tmp_path: Path, release) -> None:
    restricted = {metric.metric for metric in load_metrics() if metric.status == "restricted"}
    assert restricted
    reasons = "SELECT DISTINCT reason FROM metric_period INNER JOIN metric USING (metric) "
    withheld = f"{reasons} WHERE status = 'restricted'"
    assert release.execute(withheld).fetchall() == [("restricted",)]
    asked = Given(restricted_metrics=frozenset(restricted))
    path, _ = rows.release(tmp_path, PERSONS, given=asked, marts=("metric", "metric_period"))
    con = connect.open_release(path, rows.RELEASE_KEY)
    assert (None,) in con.execute(withheld).fetchall()
    con.close()


def test_a_restricted_metric_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a restricted one"):
        rows.release(tmp_path, {}, given=Given(restricted_metrics=frozenset({"arrests"})))
    assert not (tmp_path / "releases" / "warehouse.duckdb").exists()


SPLITS = {"all", "age_band", "sex", "ethnicity_group", "area"}


def test_every_indicator_is_answered_by_a_measure_or_says_why_not(release) -> None:
    kinds = {metric.metric: SPLITS | set(metric.by) for metric in load_metrics()}
    listed = {(row["metric"], row["measure"]) for row in load_seed("indicator") if row["metric"]}
    told = release.execute("SELECT * FROM indicator").pl().to_dicts()
    assert {(row["metric"], row["measure"]) for row in told if row["metric"]} == listed
    for row in told:
        assert (row["metric"] is None) == (row["status"] == "not available")
        assert row["metric"] is None or row["split"] in kinds[row["metric"]], row["indicator"]
        assert row["reason"] or row["metric"]


def test_the_targets_that_boards_know_are_data(release) -> None:
    told = release.execute(
        "SELECT metric || '/' || measure, target FROM indicator WHERE target IS NOT NULL"
    ).fetchall()
    assert dict(told) == {
        "team_assessment/within_28_days": 80,
        "team_caseload/taken_on": 80,
        "team_prison_referral/reported": 80,
        "team_treatment/commenced": 80,
        "waiting_time/within_3_weeks": 95,
        "effective_treatment/effective": 90,
        "numbers_in_effective_treatment/opiate_or_crack": 400,
        "numbers_in_effective_treatment/others": 236,
        "completion_of_exits/completed": 50,
        "new_presentations/started_journey": 290,
        "hepatitis_b/offered": 92,
        "hepatitis_b/accepted": 31,
        "hepatitis_b/vaccinated": 28,
        "hepatitis_c/offered": 90,
        "hepatitis_c/accepted": 46,
        "profiles_completed/start": 80,
        "profiles_completed/review": 80,
        "profiles_completed/exit": 80,
        "quality_of_life/change": 20,
    }
