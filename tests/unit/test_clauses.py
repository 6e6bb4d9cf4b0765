"""The clauses of an agreement: people under 18, and the purpose of drug-test results."""

from __future__ import annotations

import csv
from datetime import date
from importlib import resources
from typing import Any

import polars as pl
import pytest
import yaml

from flows.start import PARTNERS, agreement_text
from governance.agreements import Agreement, check_covers, minimise, parse_agreement
from governance.pace import disclosure_purposes
from schemas.errors import AgreementError

TODAY = date(2026, 11, 22)


def terms(partner: str, **changes: Any) -> Agreement:
    content = yaml.safe_load(agreement_text(partner, True, TODAY)) | changes
    return parse_agreement(yaml.safe_dump(content), f"{partner}.yaml")


def test_a_template_leaves_both_off_and_the_demonstration_names_a_purpose() -> None:
    for partner in PARTNERS:
        template = parse_agreement(agreement_text(partner, False, TODAY), "template.yaml")
        assert not template.under_18 and template.pace_63b_purpose is None
        assert not terms(partner).under_18
    assert terms("police").pace_63b_purpose == "advice_and_treatment"


def test_the_template_names_every_purpose() -> None:
    text = agreement_text("police", False, TODAY)
    assert all(purpose in text for purpose in disclosure_purposes())


def test_every_purpose_has_its_paragraph_source_date_and_status() -> None:
    listed = resources.files("governance").joinpath("law", "pace_63b_purposes.csv")
    rows = list(csv.DictReader(listed.read_text("utf-8").splitlines()))
    assert [row["paragraph"] for row in rows] == [
        "(a)", "(aa)", "(b)", "(c)", "(ca)", "(cb)", "(d)"
    ]  # fmt: skip
    for row in rows:
        assert date.fromisoformat(row["dated"]) and "s.63B(7)" in row["source"]
        assert row["status"] in ("confirmed", "unconfirmed") and row["label"]


@pytest.mark.parametrize("purpose", disclosure_purposes())
def test_results_are_taken_for_a_purpose_that_the_act_lists(purpose: str) -> None:
    agreement = terms("police", pace_63b_purpose=purpose)
    assert agreement.undisclosed == ()
    assert "result" in agreement.shared_columns("drug_test")


def test_without_a_purpose_nothing_of_a_test_is_taken_whatever_is_listed() -> None:
    agreement = terms("police", pace_63b_purpose=None)
    assert agreement.undisclosed == ("drug_test",)
    assert agreement.shared_columns("drug_test") == frozenset()
    assert "drug_test" not in agreement.treatments
    assert "drug_test" not in agreement.taken_columns and "custody" in agreement.taken_columns
    check_covers(agreement, "police")
    frame = pl.DataFrame({"custody_ref": ["1"], "result": ["NEG"]})
    kept, _ = minimise(agreement, {"custody": frame, "drug_test": frame})
    assert set(kept) == {"custody"}


def test_tests_need_not_be_listed_without_a_purpose_but_with_one() -> None:
    tables = yaml.safe_load(agreement_text("police", True, TODAY))["tables"]
    del tables["drug_test"]
    check_covers(terms("police", tables=tables, pace_63b_purpose=None), "police")
    with pytest.raises(AgreementError, match=r"drug_test\.result"):
        check_covers(terms("police", tables=tables), "police")


def test_another_purpose_is_refused_and_the_lawful_ones_are_named() -> None:
    with pytest.raises(AgreementError, match="advice_and_treatment") as caught:
        terms("police", pace_63b_purpose="research")
    assert "research" not in str(caught.value)


@pytest.mark.parametrize("partner", [one for one in PARTNERS if one != "police"])
def test_the_clause_is_of_the_police_agreement_only(partner: str) -> None:
    assert terms(partner).undisclosed == ()
    with pytest.raises(AgreementError, match="`pace_63b_purpose` is a clause of the police"):
        terms(partner, pace_63b_purpose="bail_decision")


@pytest.mark.parametrize(
    "changes",
    [{"under_18": True}, {"pace_63b_purpose": None}, {"pace_63b_purpose": "bail_decision"}],
    ids=str,
)
def test_what_data_are_staged_under_changes_with_a_clause(changes: dict[str, Any]) -> None:
    before, after = terms("police"), terms("police", **changes)
    assert after.treatment_digest != before.treatment_digest
    assert after.document_digest != before.document_digest


def test_a_clause_that_is_absent_is_no_term_so_an_older_signature_holds() -> None:
    content = yaml.safe_load(agreement_text("treatment", True, TODAY))
    del content["under_18"]
    older = parse_agreement(yaml.safe_dump(content), "treatment.yaml")
    older.check_in_force(TODAY)
    terms_then = set(older.model_dump()) - {"signatures", "under_18", "pace_63b_purpose"}
    assert {"purpose", "tables", "retention_days"} <= terms_then
    assert older.document_digest == terms("treatment").document_digest


@pytest.mark.parametrize(
    ("partner", "regime", "under"),
    [
        ("police", None, True),
        ("probation", None, True),
        ("treatment", None, False),
        ("housing", None, False),
        ("police", "part_2", False),
        ("housing", "part_3", True),
    ],
)
def test_police_and_probation_stay_under_part_3_unless_agreed_otherwise(
    partner: str, regime: str | None, under: bool
) -> None:
    assert terms(partner, processing_regime=regime).under_part_3 is under


def test_later_clauses_do_not_void_earlier_signatures() -> None:
    signed = terms("police", processing_regime=None)
    assert (
        signed.document_digest
        == terms("police", exact_dates=False, processing_regime=None).document_digest
    )
    assert signed.document_digest != terms("police", processing_regime="part_2").document_digest
    assert (
        signed.document_digest
        != terms("police", processing_regime=None, exact_dates=True).document_digest
    )
    with pytest.raises(AgreementError):
        terms("police", processing_regime="part_4")


def test_a_use_is_of_tables_of_the_agreement_with_their_parents() -> None:
    assert terms("police").uses == {}
    used = terms("police", uses={"needs-assessment": ["custody", "drug_test"]})
    assert used.uses == {"needs-assessment": ("custody", "drug_test")}
    for wrong in ({"needs-assessment": ["cars"]}, {"needs-assessment": ["drug_test"]}, {"A b": []}):
        with pytest.raises(AgreementError):
            terms("police", uses=wrong)
