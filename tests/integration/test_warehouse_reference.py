"""The pages that the warehouse describes: whole, linked and drawn, and every figure traced."""

from __future__ import annotations

import json
import os.path
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.releases.lineage import ancestry, figures
from flows.releases.lineage_page import lineage_page, packaged_agreements
from flows.start import start
from warehouse import staging
from warehouse.checks import check_words
from warehouse.metrics import load_metrics
from warehouse.reference import pages, write_pages
from warehouse.reference.described import describe
from warehouse.reference.diagram import entity_diagram
from warehouse.reference.metrics import columns_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def warehouse():
    return describe()


@pytest.fixture(scope="module")
def found(warehouse):
    return pages(warehouse) | {"lineage.md": lineage_page(warehouse)}


def test_the_pages_in_the_docs_are_current(found) -> None:
    stale = [
        name
        for name, page in found.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text("utf-8") != page
    ]
    assert stale == [], "run `make reference` to renew them"


def test_there_is_a_page_for_every_table_and_no_other(found) -> None:
    written = {f"warehouse/{path.name}" for path in (REFERENCE / "warehouse").iterdir()}
    assert written == {name for name in found if name.startswith("warehouse/")}


def test_every_table_has_a_page_with_every_column_and_check(warehouse, found) -> None:
    for name, mart in warehouse.marts.items():
        page = found[f"warehouse/{name}.md"]
        assert mart.description in page
        for column, meaning in mart.explained(exact_dates=True).items():
            assert f"| `{column}` |" in page
            assert meaning.replace("|", "\\|") in page
        for check in mart.checks:
            assert check_words(check) in page


def test_every_link_leads_to_a_page_and_heading(found) -> None:
    for name, page in found.items():
        if not name.endswith(".md"):
            continue
        for path, _, heading in (
            link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", page)
        ):
            target = (REFERENCE / name).parent.joinpath(path) if path else REFERENCE / name
            key = os.path.relpath(target, REFERENCE)
            text = found.get(key) or target.read_text("utf-8")
            headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            assert not heading or heading in headings, f"{name} → {path}#{heading}"


@pytest.mark.parametrize(
    "check, words",
    [
        ("unique a, b", "No two rows share `a`, `b`."),
        ("not_null a", "Never missing: `a`."),
        ("accepted a: X, Y", "`a` is one of: X, Y."),
        ("related a -> other.b", "Every `a` is a `b` of `other`."),
        ("rows = SELECT 1", "It has as many rows as this counts: `SELECT 1`."),
        ("holds a > 0", "In every row: `a > 0`."),
    ],
)
def test_a_check_is_said_in_words(check, words) -> None:
    assert check_words(check) == words


def test_the_diagram_shows_every_table_and_reference(warehouse) -> None:
    drawn = ElementTree.fromstring(entity_diagram(warehouse))
    said = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for name in warehouse.marts:
        assert name in said
        for column, (other, _) in warehouse.references(name).items():
            assert (column if column == other else f"{column} → {other}") in said


def test_nothing_drawn_lies_upon_another_table(warehouse) -> None:
    drawn = ElementTree.fromstring(entity_diagram(warehouse))
    boxes = [
        tuple(int(box.attrib[key]) for key in ("x", "y", "width", "height"))
        for box in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if box.attrib.get("class") == "box"
    ]
    for place, (x, y, width, height) in enumerate(boxes):
        for ox, oy, _, _ in boxes[place + 1 :]:
            assert not (x <= ox < x + width and y <= oy < y + height)


def test_pages_of_tables_that_are_no_more_are_taken_away(tmp_path, monkeypatch) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "gone.md").write_text("old")
    monkeypatch.setattr("warehouse.reference.pages", lambda: {"warehouse/here.md": "new"})
    assert write_pages(tmp_path) == [tmp_path / "warehouse" / "here.md"]
    assert [path.name for path in (tmp_path / "warehouse").iterdir()] == ["here.md"]


def test_the_sex_of_a_person_comes_from_every_record_that_says_it(warehouse) -> None:
    found = {table for table, column in warehouse.lineage.origins(("person", "sex"))
             if column == "sex"}  # fmt: skip
    assert found == {name for name, columns in staging.TABLES.items() if "sex" in columns}


@pytest.mark.parametrize("figure", figures().values(), ids=lambda one: one.name)
def test_a_figure_reaches_the_extract_and_its_clause(warehouse, figure) -> None:
    traced = ancestry(warehouse, figure, packaged_agreements(), {})
    # Every table that the definition names is reached, by a column at least.
    assert {one.whole_table for one in traced.named} == set(figure.sources)
    assert figure.frame in traced.models
    for origin in traced.origins:
        # What is restricted is in no packaged agreement, so nothing of it is taken in.
        assert origin.agreement or origin.table == "suspected_drug_death"
        assert set(origin.held_as) <= set(staging.TABLES[f"{origin.partner}_{origin.table}"])


def test_one_measure_hangs_on_no_more_than_its_metric(warehouse) -> None:
    metric = next(one for one in load_metrics() if len(one.measures) > 1)
    types = warehouse.lineage.types
    parts = [columns_of(metric, types, measure) for measure in metric.measures]
    assert frozenset().union(*parts) == columns_of(metric, types)


def test_the_command_follows_a_figure_by_the_partnerships_own_agreements(
    warehouse, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("warehouse.reference.described.describe", lambda *_: warehouse)
    start(tmp_path / "partnership", demo=True, today=date(2026, 7, 1))
    told, out = tmp_path / "partnership" / "partnership.yaml", tmp_path / "lineage.json"
    found = CliRunner().invoke(
        app, ["lineage", "arrests/arrests", "--config", str(told), "--json", str(out)]
    )
    assert found.exit_code == 0
    assert "counts     the rows of int_arrest" in found.stdout
    assert "  police custody.arrest_date " in found.stdout
    report = json.loads(out.read_text("utf-8"))
    for origin in report["origins"]:
        assert f"{origin['partner']} {origin['table']}.{origin['column']} " in found.stdout
