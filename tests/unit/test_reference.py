"""The reference pages say what the contracts say, all of it, and are current."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from schemas.codes import code_frame
from schemas.mapping import (
    ColumnMapping,
    Encoding,
    SystemMapping,
    TableMapping,
    load_mapping,
)
from schemas.reference import contract_page, write_pages
from schemas.rules import rules_of
from schemas.tables import TABLES

MAPPINGS = Path(__file__).parents[2] / "docs" / "reference" / "mappings.md"
PAGES = Path(__file__).parents[2] / "docs" / "reference" / "contracts"
RENEW = "run `make reference` to renew it"


@pytest.mark.parametrize("partner", TABLES)
def test_the_page_in_the_docs_is_current(partner):
    assert (PAGES / f"{partner}.md").read_text("utf-8") == contract_page(partner), RENEW


def test_there_is_a_page_for_every_partner_and_no_other():
    assert {path.stem for path in PAGES.iterdir()} == set(TABLES)


@pytest.mark.parametrize("partner", TABLES)
def test_every_field_rule_code_and_example_is_on_the_page(partner):
    page = contract_page(partner)
    for table in TABLES[partner]:
        part = page.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for name, column in table.columns.items():
            assert f"| `{name}` |" in part
            assert column.description and f"`{column.example}`" in part
            if column.codes:
                for code in code_frame(column.codes)["code"]:
                    assert f"| `{code}` |" in page.split(f"### {column.codes}\n")[1]
        for column, rule, asks in rules_of(table):
            assert f"| `{rule}` | `{column}` | {asks} |" in part


@pytest.mark.parametrize("partner", TABLES)
def test_every_link_of_a_page_leads_somewhere(partner):
    page = contract_page(partner)
    headings = set(re.findall(r"^#+ (.+)$", page, re.MULTILINE))
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


def test_pages_are_written_one_for_each_partner(tmp_path):
    written = write_pages(tmp_path / "new")
    assert [path.name for path in written] == [f"{partner}.md" for partner in TABLES]
    assert written[0].read_text("utf-8") == contract_page("police")


def test_the_page_of_mappings_names_every_key_and_no_other():
    page = MAPPINGS.read_text("utf-8")
    for heading, model in (
        ("The file", SystemMapping), ("A table", TableMapping), ("A column", ColumnMapping)
    ):  # fmt: skip
        part = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        keys = {field.alias or name for name, field in model.model_fields.items()}
        assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == keys
    for encoding in get_args(Encoding):
        assert f"`{encoding}`" in page


def test_the_whole_mapping_on_the_page_can_be_used(tmp_path):
    written = MAPPINGS.read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "police-ours.yaml").write_text(written)
    assert set(load_mapping("police", "ours", tmp_path).tables) == {"custody", "drug_test"}
