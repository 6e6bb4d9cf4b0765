"""The stores and the release on the real engine: what is refused, kept and explained."""

from __future__ import annotations

import json
import shutil
import time
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
import warehouse_rows as rows
from slight import make_slight

from schemas.codes import load_codes
from schemas.errors import StoreError
from warehouse import analyst, connect, staging
from warehouse import release as warehouse_release
from warehouse.checks import check_sql, together_sql
from warehouse.cohorts import load_cohorts
from warehouse.definitions import load_definitions
from warehouse.metrics import load_metrics
from warehouse.models import Model, in_order, load_models, parse_model, reads
from warehouse.release import ReleaseSummary, build_release

ROOT = Path(__file__).parents[2]
KEY = rows.STAGING_KEY
PERSONS = {
    "one": {
        "police_custody": [{"arrest_date": "2026-01-01"}, {"arrest_date": "2026-02-01"}],
        "treatment_episode": [{"triaged": "2026-03-01"}],
        "treatment_intervention": [{"modst": "2026-03-02"}],
    },
    "two": {"police_custody": [{"arrest_date": "2026-01-01"}]},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReleaseSummary]:
    """A release, which nobody changes, beside its staging store."""
    return rows.release(tmp_path_factory.mktemp("release") / "made", PERSONS)


@pytest.fixture(scope="module")
def release(made: tuple[Path, ReleaseSummary]):
    path, summary = made
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con, summary
    con.close()


@pytest.fixture
def last(made: tuple[Path, ReleaseSummary], tmp_path: Path) -> Path:
    """A test's own copy of it, with its staging store."""
    folder = made[0].parent.parent
    return shutil.copytree(folder, tmp_path / "last") / made[0].relative_to(folder)


# --- connect ---------------------------------------------------------------------------------


def test_a_store_is_encrypted_private_and_reopens(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    con = connect.open_store(path, KEY)
    con.execute("CREATE TABLE t AS SELECT 'marker-in-clear' AS v FROM range(1000)")
    con.close()
    assert b"marker-in-clear" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    con = connect.open_store(path, KEY, read_only=True)
    assert con.execute("SELECT count(*) FROM t").fetchone() == (1000,)
    con.close()


def test_what_spills_is_encrypted(tmp_path: Path) -> None:
    con = connect.open_store(tmp_path / "store.duckdb", KEY)
    setting = con.execute("SELECT current_setting('temp_file_encryption')").fetchone()
    con.close()
    assert setting == (True,)


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "empty", "unencrypted", "text"])
def test_a_damaged_store_is_one_clear_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "store.duckdb"
    con = connect.open_store(path, KEY)
    con.execute("CREATE TABLE t AS SELECT range AS v FROM range(10000)")
    con.close()
    content = path.read_bytes()
    if damage == "unencrypted":
        path.unlink()
        plain = connect.memory_connection(spill=None)
        plain.execute(f"ATTACH '{path}' AS plain")
        plain.execute("CREATE TABLE plain.t AS SELECT 1 AS v")
        plain.close()
    else:
        path.write_bytes(
            {
                "truncated": content[:100],
                "overwritten": b"\0" * 5000 + content[5000:],
                "empty": b"",
                "text": b"not a database",
            }[damage]
        )
    with pytest.raises(StoreError) as caught:
        connect.open_store(path, KEY, read_only=True)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_store_of_another_key_or_place_is_refused(tmp_path: Path) -> None:
    connect.open_store(tmp_path / "store.duckdb", KEY).close()
    with pytest.raises(StoreError, match="another key"):
        connect.open_store(tmp_path / "store.duckdb", "00" * 32)
    with pytest.raises(StoreError, match="There is no"):
        connect.open_store(tmp_path / "nowhere.duckdb", KEY, read_only=True)
    with pytest.raises(StoreError, match="hexadecimal"):
        connect.open_store(tmp_path / "store.duckdb", "short")


# --- staging ---------------------------------------------------------------------------------


def police(**changes: list) -> dict[str, pl.DataFrame]:
    frames, _ = rows.build({"one": {"police_custody": [{"arrest_date": "2026-01-01"}]}})
    return {name: frames[name] for name in staging.tables_of("police")} | changes


def put(con, events) -> None:
    staging.replace_partner(con, "police", events, run_id="r", data_as_at=date(2026, 6, 30), rows=1)


def test_a_partner_is_replaced_and_the_others_are_left(tmp_path: Path) -> None:
    path, _ = rows.stage(tmp_path, PERSONS)
    con = connect.open_store(path, KEY)
    put(con, police())
    assert con.execute("SELECT count(*) FROM police_custody").fetchone() == (1,)
    assert con.execute("SELECT count(*) FROM treatment_episode").fetchone() == (1,)
    assert con.execute("SELECT rows, run_id FROM extract WHERE partner = 'police'").fetchone() == (
        1,
        "r",
    )
    con.close()


def test_tables_may_be_named_without_their_partner(tmp_path: Path) -> None:
    con = connect.open_store(tmp_path / "staging.duckdb", KEY)
    staging.create(con)
    staging.create(con)
    put(con, {name.removeprefix("police_"): frame for name, frame in police().items()})
    assert con.execute("SELECT count(*) FROM police_custody").fetchone() == (1,)
    con.close()


def test_staging_refuses_what_was_not_agreed_and_keeps_what_it_had(tmp_path: Path) -> None:
    path, _ = rows.stage(tmp_path, PERSONS)
    con = connect.open_store(path, KEY)
    custody = police()["police_custody"]
    wrong = {
        "unexpected column forename": {
            "police_custody": custody.with_columns(pl.lit("CANARY").alias("forename"))
        },
        "lacks the column outcome": {"police_custody": custody.drop("outcome")},
        "same key twice": {"police_custody": pl.concat([custody, custody])},
        "unexpected table police_vehicle": {"police_vehicle": custody},
        "column's type": {
            "police_custody": custody.with_columns(pl.lit("CANARY").alias("arrest_date"))
        },
    }
    for message, change in wrong.items():
        with pytest.raises(StoreError, match=message) as caught:
            put(con, police(**change))
        assert "CANARY" not in str(caught.value)
        assert caught.value.__context__ is None
        assert con.execute("SELECT count(*) FROM police_custody").fetchone() == (3,)
    missing = police()
    del missing["police_drug_test"]
    with pytest.raises(StoreError, match="lacks the table police_drug_test"):
        put(con, missing)
    with pytest.raises(StoreError, match="no tables for that partner"):
        staging.replace_partner(con, "fire", {}, run_id="r", data_as_at=date(2026, 6, 30), rows=1)
    con.close()


# --- release ---------------------------------------------------------------------------------


def test_every_table_and_column_is_explained(release) -> None:
    con, summary = release
    tables = con.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'release'"
    ).fetchall()
    columns = con.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = 'release'"
    ).fetchall()
    assert {name for name, _ in tables} == set(summary.tables)
    assert all(comment for _, comment in tables)
    assert all(comment for _, _, comment in columns)


def test_no_record_id_or_surrogate_key_is_in_a_release(release) -> None:
    con, _ = release
    columns = con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = 'release'"
    ).fetchall()
    assert not [name for (name,) in columns if name == "record_id" or name.endswith("_key")]


def test_every_metric_is_whole_and_its_model_is_there(release) -> None:
    con, summary = release
    built = {model.name for model in load_models()}
    for metric in load_metrics():
        assert metric.frame in built
    for definition in load_definitions():
        assert definition.model in summary.tables
    counted = {(metric.metric, one.measure) for metric in load_metrics() for one in metric.measures}
    assert set(con.execute("SELECT metric, measure FROM measure").fetchall()) == counted
    published = con.execute("SELECT metric FROM metric WHERE is_published AND kind = 'metric'")
    assert {name for (name,) in published.fetchall()} == {
        "arrest_to_treatment",
        "contact_groups",
        "numbers_in_treatment",
    }
    assert con.execute("SELECT metric FROM metric WHERE kind = 'funnel'").fetchall() == [
        (cohort.cohort,) for cohort in load_cohorts() if cohort.publish
    ]


LABELLED = {
    "accommodation_at_application": "accommodation_at_application",
    "discharge": "discharge_reason",
    "discharge_accommodation": "discharge_accommodation",
    "drug_test": "drug_test_result",
    "duty": "duty",
    "duty_end_reason": "duty_end_reason",
    "ethnicity": "ethnicity",
    "intervention": "modality",
    "intervention_exit": "modality_exit",
    "referral": "referral_source",
    "requirement_outcome": "requirement_outcome",
    "sentence": "sentence_type",
    "substance": "drug",
    "tenancy_end_reason": "tenancy_end_reason",
    "tenancy_type": "tenancy_type",
}


@pytest.mark.parametrize(("known", "accepted"), LABELLED.items())
def test_every_code_a_partner_may_send_has_a_label(release, known: str, accepted: str) -> None:
    con, _ = release
    labels = analyst.select(con, f"SELECT code FROM code WHERE list = '{known}'").rows
    assert load_codes(accepted) <= {code for (code,) in labels}


def test_steps_and_events_have_an_order(release) -> None:
    con, _ = release
    orders = analyst.select(
        con, "SELECT list, count(*) = count(DISTINCT rank) FROM code WHERE rank > 0 GROUP BY list"
    ).rows
    assert dict(orders) == {"event": True, "step": True, "next_step": False}


def test_linkage_and_data_quality_are_counted(release) -> None:
    con, _ = release
    both = con.execute(
        "SELECT value FROM linkage_quality WHERE partner_a = 'police' AND partner_b = 'treatment'"
    ).fetchone()
    assert both == (1.0,)
    staged = con.execute(
        "SELECT rows_staged, rows_used FROM data_quality WHERE table_name = 'custody'"
    ).fetchone()
    assert staged == (3, 3)


def test_a_model_is_built_after_all_that_it_reads_however_long_that_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slight(monkeypatch)
    make = warehouse_release._materialise

    def slow(*args: Any, model: Model, **rest: Any) -> None:
        if model.name == "stg_episode":
            time.sleep(0.3)  # others of its layer would be through by then
        make(*args, model=model, **rest)

    monkeypatch.setattr(warehouse_release, "_materialise", slow)
    assert rows.release(tmp_path / "made", PERSONS)[1].tables["event"]


def test_given_linkage_figures_are_kept_and_odd_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slight(monkeypatch, ["linkage_quality"])
    path, owners = rows.stage(tmp_path, PERSONS)
    target = tmp_path / "warehouse.duckdb"

    def build(quality: pl.DataFrame) -> None:
        build_release(
            path,
            KEY,
            owners,
            target,
            rows.RELEASE_KEY,
            run_id="r",
            built_at=datetime(2026, 7, 1),
            linkage_quality=quality,
        )

    build(pl.DataFrame({"partner_a": ["police"], "measure": ["precision"], "value": [0.98]}))
    con = connect.open_release(target, rows.RELEASE_KEY)
    found = analyst.select(con, "SELECT value FROM linkage_quality WHERE measure = 'precision'")
    con.close()
    assert found.rows == [(0.98,)]
    with pytest.raises(StoreError, match="unexpected column surname"):
        build(pl.DataFrame({"partner_a": ["police"], "surname": ["x"]}))


@pytest.mark.parametrize("fault", ["unlinked", "doubled"])
def test_a_failed_check_leaves_the_last_release_as_it_was(last: Path, fault: str) -> None:
    target, before = last, last.read_bytes()
    path, owners = last.parent.parent / "staging.duckdb", rows.build(PERSONS)[1]
    broken = owners.head(1) if fault == "unlinked" else pl.concat([owners, owners])
    with pytest.raises(StoreError, match="check"):
        build_release(
            path,
            KEY,
            broken,
            target,
            rows.RELEASE_KEY,
            run_id="r",
            built_at=datetime(2026, 7, 1),
        )
    assert target.read_bytes() == before
    assert [entry.name for entry in target.parent.iterdir()] == [target.name]


def test_a_model_that_finds_too_little_memory_says_so() -> None:
    con = connect.memory_connection(spill=None)
    con.execute("SET memory_limit = '20MB'")
    model = SimpleNamespace(
        name="figure", is_view=False,
        selected=lambda **_: "SELECT list(i) AS all_of_them FROM range(9_000_000) AS t(i)",
    )  # fmt: skip
    nowhere: Any = SimpleNamespace(shows=lambda _: False)
    with pytest.raises(StoreError, match="more memory or disk") as caught:
        warehouse_release._materialise(con, cast(Model, model), nowhere, exact_dates=True)
    assert "make room" in str(caught.value.remedy)
    assert caught.value.__context__ is None
    con.close()


def test_a_build_of_more_records_may_hold_more_in_memory() -> None:
    sizes = (1_000, 1_000_000, 5_000_000)
    assert [warehouse_release.build_memory(one) for one in sizes] == ["3.0GB", "3.0GB", "8.0GB"]


def test_a_release_is_replaced_whole(
    last: Path, made: tuple[Path, ReleaseSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    (last.parent.parent / "staging.duckdb").unlink()
    make_slight(monkeypatch)
    again, second = rows.release(last.parent.parent, {"one": PERSONS["one"]})
    assert again == last
    assert (made[1].tables["person"], second.tables["person"]) == (2, 1)
    con = connect.open_release(last, rows.RELEASE_KEY)
    assert analyst.select(con, "SELECT count(*) FROM person").rows == [(1,)]
    tables = analyst.select(con, "SELECT table_name FROM duckdb_tables()").rows
    assert {table for (table,) in tables} == set(second.tables) < set(made[1].tables)
    con.close()


def test_a_release_of_no_data_can_be_built(tmp_path: Path) -> None:
    path = tmp_path / "staging.duckdb"
    con = connect.open_store(path, KEY)
    staging.create(con)
    con.close()
    summary = build_release(
        path,
        KEY,
        rows.build({})[1],
        tmp_path / "warehouse.duckdb",
        rows.RELEASE_KEY,
        run_id="r",
        built_at=datetime(2026, 7, 1),
    )
    assert summary.tables["person"] == 0
    assert summary.checks > 100


# --- models ----------------------------------------------------------------------------------


def test_models_come_after_what_they_read() -> None:
    seen: set[str] = set()
    models = load_models()
    names = {model.name for model in models}
    for model in models:
        assert model.reads & names <= seen, model.name
        seen.add(model.name)


def test_layers_only_read_downwards() -> None:
    layer = {model.name: model.layer for model in load_models()}
    for model in load_models():
        above = {
            "staging": {"intermediate", "marts"},
            "intermediate": {"marts"},
            "marts": set(),
        }[model.layer]
        assert not [name for name in model.reads if layer.get(name) in above], model.name


def test_every_mart_declares_its_checks_and_every_model_says_what_a_row_is() -> None:
    for model in load_models():
        assert model.description, model.name
        assert model.checks, model.name


def test_dependencies_leave_out_common_table_expressions() -> None:
    sql = "WITH a AS (SELECT * FROM b) SELECT * FROM a, c WHERE EXISTS (SELECT 1 FROM d)"
    assert reads(sql) == {"b", "c", "d"}


def test_models_in_a_circle_are_refused() -> None:
    circle = {
        "a": Model("a", "marts", "", "", reads=frozenset({"b"})),
        "b": Model("b", "marts", "", "", reads=frozenset({"a"})),
    }
    with pytest.raises(StoreError, match="circle"):
        in_order(circle)


def test_a_model_file_is_read() -> None:
    text = "-- One row.\n-- Or two.\n-- column a: What a is.\n-- check: unique a\nSELECT 1 AS a;\n"
    model = parse_model("m", "marts", text)
    assert (model.description, model.columns, model.checks, model.sql) == (
        "One row. Or two.",
        {"a": "What a is."},
        ("unique a",),
        "SELECT 1 AS a",
    )


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        ("unique a", 1),
        ("unique a, b", 0),
        ("not_null b", 1),
        ("accepted b: x, y", 0),
        ("accepted b: x", 1),
        ("related a -> other.k", 2),
        ("rows = SELECT 5", 2),
        ("rows = SELECT 3", 0),
        ("holds a > 1", 2),
        ("holds b <> 'z'", 1),
    ],
)
def test_checks_count_the_rows_that_break_them(check: str, broken: int) -> None:
    con = connect.memory_connection(spill=None)
    con.execute("CREATE TABLE t AS FROM (VALUES (1, 'x'), (1, 'y'), (2, NULL)) AS v(a, b)")
    con.execute("CREATE TABLE other AS SELECT 2 AS k")
    assert con.execute(check_sql("t", check)).fetchone() == (broken,)
    together = con.execute(together_sql("t", [check, "holds TRUE"])).fetchone()
    assert (bool(together[0]), together[1]) == (bool(broken), 0)


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(StoreError, match="unknown kind"):
        check_sql("t", "probably fine")


def test_policy_numbers_are_those_agreed(release) -> None:
    con, _ = release
    agreed = {
        "journey_gap": 21,
        "start_short": 28,
        "start_long": 90,
        "effective": 84,
        "continuity": 21,
        "next_contact": 90,
        "waiting": 21,
        "representation": 183,
        "progress_alcohol": 9,
        "known_before": 365,
        "quarters_kept": 8,
    }
    days = dict(con.execute("SELECT name, days FROM policy").fetchall())
    assert {name: days.get(name) for name in agreed} == agreed


def test_release_info_is_one_row(release) -> None:
    con, _ = release
    found = analyst.select(con, "SELECT run_id, people, records, earliest_as_at FROM release_info")
    assert found.rows == [("20260701-000000-test", 2, 4, date(2026, 6, 30))]
    assert json.dumps(found.columns)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model("bad", "marts", "One row.", "SELECT 'CANARY'::DATE AS a"), "model bad failed"),
        (Model("bare", "marts", "One row.", "SELECT 1 AS a"), "explanations are not the same"),
        (
            Model("odd", "marts", "One row.", "SELECT 1 AS a", {"a": "A."}, ("unique b",)),
            "cannot be run",
        ),
    ],
)
def test_a_faulty_model_is_named_and_nothing_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model, message: str
) -> None:
    monkeypatch.setattr("warehouse.release.every_model", lambda *_: (model,))
    with pytest.raises(StoreError, match=message) as caught:
        rows.release(tmp_path, PERSONS)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None
    assert not list((tmp_path / "releases").iterdir())


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    for layer in ("staging", "marts"):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "same.sql").write_text("SELECT 1 AS a", "utf-8")
    with pytest.raises(StoreError, match="Two models are named same"):
        load_models(tmp_path)


def test_without_the_extension_nothing_is_written_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "find_spec", lambda _: None)
    with pytest.raises(StoreError, match="httpfs"):
        connect.open_store(tmp_path / "store.duckdb", KEY)
    assert not list(tmp_path.iterdir())
