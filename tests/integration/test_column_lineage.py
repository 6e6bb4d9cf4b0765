"""Where a column comes from: as the engine plans it, back to an extract's columns and clauses."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.releases.lineage import figures, find_figure
from governance.pseudonymise import made_from
from schemas.errors import ConfigError
from schemas.tables import TABLES as SENT
from warehouse import cohorts, staging
from warehouse.connect import memory_connection
from warehouse.lineage import Lineage, columns_read, trace
from warehouse.metrics import load_metrics
from warehouse.models import parse_model


@pytest.fixture
def con():
    with memory_connection(spill=None) as made:
        made.execute("CREATE TABLE a (k INTEGER, x INTEGER, y INTEGER, unused INTEGER)")
        made.execute("CREATE TABLE b (k INTEGER, z INTEGER)")
        yield made


@pytest.mark.parametrize(
    "sql, read",
    [
        ("SELECT x FROM a", {("a", "x")}),
        ("SELECT x FROM a WHERE y > 1", {("a", "x"), ("a", "y")}),
        ("SELECT a.x FROM a JOIN b USING (k)", {("a", "x"), ("a", "k"), ("b", "k")}),
        ("WITH w AS (SELECT *, x + y AS s FROM a) SELECT s FROM w", {("a", "x"), ("a", "y")}),
        ("WITH w AS (SELECT * FROM a) SELECT x FROM w UNION ALL SELECT y FROM w",
         {("a", "x"), ("a", "y")}),
        # What is used twice, and would be worked out once with all its columns.
        ("WITH w AS (SELECT k, max(x) AS most, max(y) AS other FROM a GROUP BY k) "
         "SELECT one.most FROM w AS one JOIN w AS two USING (k)", {("a", "x"), ("a", "k")}),
        ("SELECT lag(x) OVER (ORDER BY y) AS before FROM a", {("a", "x"), ("a", "y")}),
        ("SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND z = 1)",
         {("a", "x"), ("a", "k"), ("b", "k"), ("b", "z")}),
    ],
)  # fmt: skip
def test_what_decides_a_column_is_read_and_nothing_else(con, sql, read) -> None:
    assert columns_read(con, sql) == read


def test_steps_are_followed_back_to_the_staging_store() -> None:
    lineage = Lineage(
        types={},
        parents={
            ("mart", "m"): frozenset({("int_x", "i")}),
            ("int_x", "i"): frozenset({("police_custody", "arrest_date"), ("seed_code", "code")}),
            ("int_x", "other"): frozenset({("police_custody", "outcome")}),
        },
    )
    assert lineage.origins(("mart", "m")) == {("police_custody", "arrest_date")}


def test_each_column_of_a_model_is_traced_alone(con) -> None:
    con.execute("CREATE TABLE m AS SELECT k, x AS first, y AS second FROM a")
    model = parse_model("m", "marts", "-- One row.\nSELECT k, x AS first, y AS second FROM a")
    lineage = trace(con, (model,))
    assert lineage.parents["m", "first"] == {("a", "x")}
    assert lineage.parents["m", "second"] == {("a", "y")}


def test_every_staged_column_is_made_from_columns_of_the_extract() -> None:
    for partner, tables in SENT.items():
        for table in tables:
            made = made_from(table)
            named = table.identity is not None and table.identity.postcode is None
            # Where no postcode is sent, what it would have become is there and empty.
            empty = {"postcode_district", "no_fixed_abode"} if named else set()
            assert set(staging.TABLES[f"{partner}_{table.name}"]) - empty <= set(made)
            assert {source for sources in made.values() for source in sources} <= set(table.columns)


def test_every_file_of_a_publication_is_traced() -> None:
    files = {one.file for one in figures().values()} - {""}
    assert files == {"outcomes.csv", "funnel.csv", "transitions.csv"}


def test_a_metric_that_there_is_not_is_told_of_by_name() -> None:
    with pytest.raises(ConfigError, match="no metric or cohort of that name"):
        find_figure("waiting")
    metric = load_metrics()[0]
    with pytest.raises(ConfigError, match="no measure of that name"):
        find_figure(f"{metric.metric}/nothing")
    found = find_figure(f"{metric.metric}/{metric.measures[0].measure}")
    assert found.measure == metric.measures[0]


def test_a_partnerships_own_cohort_can_be_followed(tmp_path) -> None:
    text = (Path(cohorts.__file__).parent / "rough_sleeping.yaml").read_text("utf-8")
    own = text.replace("cohort: rough_sleeping", "cohort: of_our_own", 1)
    (tmp_path / "of_our_own.yaml").write_text(own, "utf-8")
    found = find_figure("of_our_own", tmp_path)
    assert found.frame == "int_cohort_of_our_own"
    assert "housing rough_sleeping" in found.sources
