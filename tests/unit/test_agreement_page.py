"""The page of the agreement's clauses and codes says what the program knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from flows.agreements.page import MEANING, agreement_page
from governance.agreements import Agreement, codes
from governance.agreements.parts import Law

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_as_the_program_makes_it() -> None:
    page = (DOCS / "reference" / "agreement.md").read_text("utf-8")
    assert page == agreement_page(), "run `make reference` to renew it"


def test_every_clause_and_code_is_on_it() -> None:
    page = agreement_page()
    assert list(MEANING) == list(Agreement.model_fields)
    assert all(f"`{name}`" in page for name in Law.model_fields)
    assert all(f"`{code}`" in page for code in codes.gateways())


@pytest.mark.parametrize("block", re.findall(
    r"```yaml\n(.*?)```", (DOCS / "how-to" / "complete-an-agreement.md").read_text("utf-8"), re.S
))  # fmt: skip
def test_what_the_how_to_shows_names_clauses_that_there_are(block: str) -> None:
    shown = yaml.safe_load(block)
    assert set(shown) <= set(Agreement.model_fields) | {"partners"}
    if "law" in shown:
        Law.model_validate(shown["law"])
