"""A sharing agreement: in force, signed as it stands, and covering what is used."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from flows.start import PARTNERS, PURPOSE, agreement_text
from governance.agreements import (
    Agreement,
    check_covers,
    check_purpose,
    load_agreement,
    minimise,
    parse_agreement,
)
from schemas.errors import AgreementError
from schemas.reading.rows import FILE_ROW, rows_in_file
from schemas.tables import TABLES

TODAY = date(2026, 11, 21)
CANARY = "Xanthippe-Quillfeather"


def demo(partner: str = "police") -> Agreement:
    return parse_agreement(agreement_text(partner, True, TODAY), f"{partner}.yaml")


def altered(partner: str = "police", **changes: object) -> Agreement:
    """A demonstration agreement with terms changed after it was signed."""
    content = yaml.safe_load(agreement_text(partner, True, TODAY))
    content.update(changes)
    return Agreement.model_validate(content)


def resigned(agreement: Agreement) -> Agreement:
    """The same terms, signed as they now stand."""
    signed = [s.model_copy(update={"document_digest": agreement.document_digest})
              for s in agreement.signatures]  # fmt: skip
    return agreement.model_copy(update={"signatures": tuple(signed)})


@pytest.mark.parametrize("partner", PARTNERS)
def test_a_demonstration_agreement_is_in_force_and_covers_the_partner(partner: str) -> None:
    agreement = demo(partner)
    agreement.check_in_force(TODAY)
    check_purpose(agreement, partner, PURPOSE)
    check_covers(agreement, partner)
    assert agreement.demonstration


@pytest.mark.parametrize("partner", PARTNERS)
def test_the_packaged_agreement_lists_every_column_and_no_other(partner: str) -> None:
    listed = {table: set(columns) for table, columns in demo(partner).treatments.items()}
    expected = {t.name: set(t.columns) for t in TABLES[partner] if not t.restricted}
    assert listed == expected


def test_an_optional_table_may_be_left_out_of_an_agreement_but_not_in_part() -> None:
    tables = demo("probation").model_dump()["tables"]
    del tables["accommodation"]
    check_covers(altered("probation", tables=tables), "probation")
    del tables["enforcement"]["enforcement_type"]
    with pytest.raises(AgreementError, match=r"enforcement\.enforcement_type"):
        check_covers(altered("probation", tables=tables), "probation")


@pytest.mark.parametrize("partner", PARTNERS)
def test_no_identifier_is_kept_as_it_came(partner: str) -> None:
    treatments = demo(partner).treatments
    for table in TABLES[partner]:
        for name, column in table.columns.items():
            if column.role == "identifier" and not table.restricted:
                assert "keep" not in treatments[table.name][name], f"{table.name}.{name}"


@pytest.mark.parametrize("partner", PARTNERS)
def test_a_template_is_never_in_force(partner: str) -> None:
    template = parse_agreement(agreement_text(partner, False, TODAY), f"{partner}.yaml")
    with pytest.raises(AgreementError, match="angle brackets"):
        template.check_in_force(TODAY)


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (TODAY - timedelta(days=1), "not in force until 2026-11-21"),
        (TODAY + timedelta(days=366), "expired on 2027-11-21"),
    ],
)
def test_an_agreement_holds_only_between_its_dates(on: date, said: str) -> None:
    with pytest.raises(AgreementError, match=said):
        demo().check_in_force(on)


def test_first_and_last_day_are_in_force() -> None:
    agreement = demo()
    agreement.check_in_force(TODAY)
    agreement.check_in_force(TODAY + timedelta(days=365))


def test_it_warns_sixty_days_before_it_expires() -> None:
    agreement = demo()
    last = TODAY + timedelta(days=365)
    assert not agreement.expires_soon(last - timedelta(days=61))
    assert agreement.expires_soon(last - timedelta(days=60))


def test_both_controllers_must_sign() -> None:
    agreement = demo()
    for kept in (agreement.signatures[:1], agreement.signatures[1:], ()):
        with pytest.raises(AgreementError, match="not signed by the") as caught:
            agreement.model_copy(update={"signatures": kept}).check_in_force(TODAY)
        assert agreement.document_digest in caught.value.remedy


def test_a_signature_dated_tomorrow_does_not_count() -> None:
    agreement = demo()
    later = tuple(
        s.model_copy(update={"signed_on": TODAY + timedelta(days=1)}) for s in agreement.signatures
    )
    with pytest.raises(AgreementError, match="not signed"):
        agreement.model_copy(update={"signatures": later}).check_in_force(TODAY)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": date(2099, 1, 1)},
        {"purpose": "another"},
        {"retention_days": 99999},
        {"inbox_after_staging": "remove"},
        {"under_18": True},
        {"pace_63b_purpose": "bail_decision"},
        {"pace_63b_purpose": None},
        {"tables": {"custody": {"surname": ["keep"]}}},
    ],
)
def test_a_term_changed_after_signing_voids_the_signatures(changes: dict[str, object]) -> None:
    agreement = altered(**changes)
    with pytest.raises(AgreementError, match="changed after it was signed"):
        agreement.check_in_force(TODAY)
    resigned(agreement).check_in_force(TODAY)


def test_a_renewal_leaves_the_treatment_digest_as_it_was() -> None:
    agreement = demo()
    renewed = altered(expires=date(2099, 1, 1))
    assert renewed.document_digest != agreement.document_digest
    assert renewed.treatment_digest == agreement.treatment_digest
    fewer = altered(tables={"custody": {"surname": ["encode"]}})
    assert fewer.treatment_digest != agreement.treatment_digest


def test_another_partners_agreement_or_purpose_is_refused() -> None:
    with pytest.raises(AgreementError, match="another partner's"):
        check_purpose(demo("housing"), "police", PURPOSE)
    with pytest.raises(AgreementError, match="another purpose"):
        check_purpose(demo("police"), "police", "research")


@pytest.mark.parametrize("given", [None, ["drop"]])
def test_a_required_column_must_be_covered(given: list[str] | None) -> None:
    tables = yaml.safe_load(agreement_text("police", True, TODAY))["tables"]
    if given is None:
        del tables["custody"]["arrest_date"]
    else:
        tables["custody"]["arrest_date"] = given
    with pytest.raises(AgreementError, match=r"custody\.arrest_date"):
        check_covers(altered(tables=tables), "police")


def test_minimise_drops_what_is_not_listed_and_counts_it() -> None:
    agreement = altered(
        "housing", tables={"tenancy": {"tenancy_ref": "key", "uprn": "drop", "Start_Date": "keep"}}
    )
    frame = pl.DataFrame(
        {"tenancy_ref": ["1"], "uprn": ["2"], "start_date": ["3"], "notes": [CANARY], "more": [""]}
    )
    kept, over_shared = minimise(agreement, {"tenancy": frame, "unknown": frame})
    assert kept["tenancy"].columns == ["tenancy_ref", "start_date"]
    assert "unknown" not in kept
    assert over_shared["tenancy"] == ("notes", "more") and len(over_shared["unknown"]) == 5


def test_the_numbers_of_rows_in_their_file_are_no_column_that_was_sent() -> None:
    agreement = altered("housing", tables={"tenancy": {"tenancy_ref": "key"}})
    frame = pl.DataFrame({"tenancy_ref": ["1"], FILE_ROW: [7]})
    kept, over_shared = minimise(agreement, {"tenancy": frame})
    assert rows_in_file(kept["tenancy"]).to_list() == [7]
    assert over_shared == {"tenancy": ()}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"parties": []}, "parties"),
        ({"surprise": CANARY}, "surprise"),
        ({"starts": CANARY}, "starts"),
        ({"tables": {"custody": {"surname": [CANARY]}}}, "tables.custody.surname.0"),
        ({"tables": {"custody": {"surname": ["drop", "keep"]}}}, "tables"),
        ({"signatures": [{"role": "sharing_controller"}]}, "signatures.0.signatory"),
        ({"inbox_after_staging": CANARY}, "inbox_after_staging"),
        ({"under_18": CANARY}, "under_18"),
        ({"pace_63b_purpose": CANARY}, "pace_63b_purpose"),
    ],
)
def test_a_fault_in_the_file_names_its_key(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    content = yaml.safe_load(agreement_text("police", True, TODAY))
    content.update(changes)
    path = tmp_path / "police.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(AgreementError) as caught:
        load_agreement(path)
    assert f"`{key}`" in str(caught.value) and CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_missing_agreement_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AgreementError, match="no sharing agreement") as caught:
        load_agreement(tmp_path / "police.yaml")
    assert "journeys init" in caught.value.remedy
