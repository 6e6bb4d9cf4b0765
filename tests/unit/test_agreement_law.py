"""The law that an agreement names: what a field needs and is not named stops that field."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

import polars as pl
import pytest
import yaml

from flows.start import PARTNERS, agreement_text
from governance.agreements import (
    Agreement,
    check_covers,
    codes,
    gaps_in_words,
    minimise,
)
from governance.agreements.law import tables_stopped
from schemas.documents import check_document
from schemas.errors import AgreementError
from schemas.tables import TABLES

TODAY = date(2026, 11, 22)


@cache
def whole(partner: str) -> dict[str, Any]:
    """A demonstration agreement as it is written; nobody may change it."""
    content: dict[str, Any] = yaml.safe_load(agreement_text(partner, True, TODAY))
    return content


def terms(
    partner: str, law: dict[str, Any] | None = None, *, without_law: bool = False, **changes: Any
) -> Agreement:
    """A demonstration agreement with parts of its law, or clauses, changed and signed anew."""
    content = whole(partner) | changes
    content["law"] = None if without_law else {**content["law"], **(law or {})}
    agreement = check_document(content, f"{partner}.yaml", Agreement, AgreementError)
    signed = [
        one.model_copy(update={"document_digest": agreement.document_digest})
        for one in agreement.signatures
    ]
    return agreement.model_copy(update={"signatures": tuple(signed)})


def listed(name: str) -> list[dict[str, str]]:
    text = resources.files("governance").joinpath("law", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_column_of_every_contract_has_its_kinds_and_nothing_else_does(partner: str) -> None:
    contract = {(table.name, column) for table in TABLES[partner] for column in table.columns}
    assert set(codes.columns(partner)) == contract
    kinds = {kind for given in codes.columns(partner).values() for kind in given}
    assert kinds <= set(codes.categories()) and all(codes.columns(partner).values())


@pytest.mark.parametrize("partner", PARTNERS)
def test_kinds_agree_with_the_contract_on_what_an_identifier_is(partner: str) -> None:
    kinds = codes.columns(partner)
    for table in TABLES[partner]:
        for column, spec in table.columns.items():
            is_one = spec.role in ("key", "parent", "identifier")
            assert (kinds[table.name, column] == ("identifier",)) is is_one, column


@pytest.mark.parametrize("name", ["gateways", "conditions", "categories"])
def test_every_line_of_law_has_its_source_date_and_status(name: str) -> None:
    for row in listed(name):
        assert date.fromisoformat(row["dated"]) and row["source"] and row["label"]
        assert row["status"] in ("confirmed", "unconfirmed")


def test_what_a_condition_or_a_kind_needs_is_something_the_law_knows() -> None:
    assert {need for row in listed("conditions") for need in row["needs"].split()} == {
        "schedule_1", "policy_document"
    }  # fmt: skip
    assert {need for row in listed("categories") for need in row["needs"].split()} == {
        "special", "offence", "confidence"
    }  # fmt: skip


@pytest.mark.parametrize("partner", PARTNERS)
def test_a_demonstration_lacks_nothing(partner: str) -> None:
    agreement = terms(partner)
    agreement.check_in_force(TODAY)
    assert agreement.gaps == {} and gaps_in_words(agreement) == []


def test_without_an_article_9_condition_special_fields_stop_and_the_others_go_on() -> None:
    agreement = terms("police", {"article_9": []})
    agreement.check_in_force(TODAY)
    check_covers(agreement, "police")
    assert ("custody", "ethnicity") in agreement.gaps
    assert "ethnicity" not in agreement.shared_columns("custody")
    assert "arrest_date" in agreement.shared_columns("custody")
    assert "Article 9" in agreement.not_taken["drug_test"], (
        "a result is of health: no test is whole"
    )
    frame = pl.DataFrame({"custody_ref": ["1"], "ethnicity": ["W1"], "shoe_size": ["9"]})
    kept, over_shared = minimise(agreement, {"custody": frame, "drug_test": frame})
    assert kept["custody"].columns == ["custody_ref"] and "drug_test" not in kept
    assert over_shared["custody"] == ("shoe_size",), "what is listed is not over-shared"
    (said,) = gaps_in_words(agreement)
    assert "custody.ethnicity" in said and "`article_9`" in said


def test_health_fields_of_housing_stop_and_its_duties_go_on() -> None:
    agreement = terms("housing", {"article_9": []})
    check_covers(agreement, "housing")
    assert {column for _, column in agreement.gaps} == {
        "need_drug", "need_alcohol", "need_mental_health", "need_learning_disability",
        "need_physical_health", "accommodation_at_application", "ethnicity",
    }  # fmt: skip
    assert agreement.undisclosed == ()


@pytest.mark.parametrize(
    ("partner", "law", "changes", "wanting"),
    [
        ("treatment", {"article_9": []}, {}, "Article 9"),
        ("treatment", {"confidentiality": None}, {}, "duty of confidentiality"),
        ("treatment", {"opt_out": None}, {}, "opt-out"),
        ("treatment", {}, {"decisions": []}, "Caldicott Guardian"),
        ("treatment", {"schedule_1": []}, {}, "Schedule 1"),
        ("police", {"article_10": None}, {}, "Article 10"),
        ("probation", {"schedule_1": []}, {}, "Schedule 1"),
        ("probation", {"policy_document": None}, {}, "policy document"),
    ],
)
def test_a_partner_of_which_nothing_would_be_left_is_refused_with_the_reason(
    partner: str, law: dict[str, Any], changes: dict[str, Any], wanting: str
) -> None:
    agreement = terms(partner, law, **changes)
    agreement.check_in_force(TODAY)
    with pytest.raises(AgreementError, match="for want of .*" + wanting):
        check_covers(agreement, partner)


@pytest.mark.parametrize(
    ("partner", "law", "wanting"),
    [
        ("police", {"section_35": None}, "section_35"),
        ("police", {"section_36_4": None}, "section_36_4"),
        ("police", {"article_6": None}, "article_6"),
        ("housing", {"article_6": None}, "article_6"),
    ],
)
def test_without_a_basis_no_field_is_used(partner: str, law: dict[str, Any], wanting: str) -> None:
    with pytest.raises(AgreementError, match=f"`{wanting}`.*no field"):
        terms(partner, law).check_in_force(TODAY)


def test_for_law_enforcement_part_3_has_conditions_of_its_own() -> None:
    only_part_3 = {
        "law_enforcement_purpose": True, "section_36_4": None, "article_6": None,
        "article_9": [], "article_10": None, "schedule_1": [],
    }  # fmt: skip
    agreement = terms("police", only_part_3)
    agreement.check_in_force(TODAY)
    assert agreement.gaps == {}
    without = terms("police", {**only_part_3, "schedule_8": []})
    assert "Schedule 8" in gaps_in_words(without)[0]
    assert ("custody", "outcome") not in without.gaps, "section 35 is enough for an offence"


def test_a_condition_that_needs_nothing_beside_it_is_enough() -> None:
    consent = {"article_9": ["a_explicit_consent"], "schedule_1": [], "article_10": None}
    assert terms("housing", consent).gaps.keys() == {
        ("application", "need_offending"), ("application", "accommodation_at_application")
    }  # fmt: skip


def test_what_belongs_to_a_table_that_is_left_out_goes_with_it() -> None:
    gaps = {("secure_treatment", "start_date"): ("a condition",)}
    stopped = tables_stopped("treatment", gaps)
    assert set(stopped) == {"secure_treatment", "transfer"} and len(set(stopped.values())) == 1
    assert tables_stopped("treatment", {("secure_treatment", "drug1"): ("a condition",)}) == {}


def test_treatment_goes_on_without_what_tells_of_offences() -> None:
    agreement = terms("treatment", {"article_10": None})
    check_covers(agreement, "treatment")
    assert set(agreement.taken_columns) == {"episode", "intervention", "outcomes_profile"}
    assert "shotheft" not in agreement.shared_columns("outcomes_profile")
    assert "opiuse" in agreement.shared_columns("outcomes_profile")


def test_an_officer_who_refuses_stops_the_partner() -> None:
    refused = {"role": "caldicott_guardian", "decision": "refused", "decided_on": TODAY,
               "reference": "CG 7"}  # fmt: skip
    with pytest.raises(AgreementError, match="Caldicott Guardian refused the sharing"):
        terms("treatment", decisions=[refused]).check_in_force(TODAY)


def test_a_decision_counts_from_its_day() -> None:
    approved = {"role": "caldicott_guardian", "decision": "approved",
                "decided_on": TODAY + timedelta(days=1), "reference": "CG 7"}  # fmt: skip
    agreement = terms("treatment", decisions=[approved])
    agreement.check_in_force(TODAY + timedelta(days=1))
    with pytest.raises(AgreementError, match=r"Caldicott Guardian .* day that is still to come"):
        agreement.check_in_force(TODAY)


def test_what_is_staged_changes_with_a_gap_and_not_with_another_name_for_the_law() -> None:
    whole = terms("police")
    assert terms("police", {"article_9": []}).treatment_digest != whole.treatment_digest
    other = terms("police", {"gateways": ["pace_1984_s63b_7"]})
    assert other.treatment_digest == whole.treatment_digest
    assert other.document_digest != whole.document_digest


@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize("starts", [TODAY, date(2024, 4, 1), date(2026, 12, 1)])
def test_without_the_clause_no_field_is_used_whenever_the_agreement_starts(
    partner: str, starts: date
) -> None:
    """A missing legal gateway is a gap of every field, signed for or not."""
    bare = terms(partner, without_law=True, starts=starts)
    with pytest.raises(AgreementError, match=r"no clause `law`.*no field"):
        bare.check_in_force(max(starts, TODAY))
    assert bare.taken_columns == {}
    assert set(bare.gaps) == {
        (table, column)
        for table, columns in bare.tables.items()
        for column, given in columns.items()
        if "drop" not in given
    }
    (said,) = gaps_in_words(bare)
    assert "`law`" in said and len(said) < 200, "of all fields one sentence tells"


@pytest.mark.parametrize(
    "law",
    [
        {"article_9": ["because_we_may"]},
        {"gateways": ["common_sense"]},
        {"section_36_4": "common_sense"},
        {"gateways": []},
        {"confidentiality": "trust"},
        {"collected_under": "part_4"},
        {"surprise": 1},
    ],
)
def test_a_condition_that_is_on_no_list_is_refused_and_not_repeated(law: dict[str, Any]) -> None:
    with pytest.raises(AgreementError, match=r"`law\.") as caught:
        terms("police", law)
    for given in ("because_we_may", "common_sense", "trust", "part_4"):
        assert given not in str(caught.value)


def test_the_stance_on_opt_outs_is_told() -> None:
    assert not terms("treatment").opt_outs_apply
    assert terms("treatment", {"opt_out": "applied_here"}).opt_outs_apply
    assert not terms("police").opt_outs_apply
