"""Versions of an agreement: which is in force, what changes, who signed, and a file examined."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flows.agreements.states import agreement_states
from flows.agreements.terms import agreement_in_force
from flows.settings import load_settings
from flows.start import PURPOSE, agreement_text, start
from governance.agreements import (
    Agreement,
    check_known,
    check_recipients,
    differences,
    examine,
    file_of_day,
    load_agreement,
    load_versions,
    parse_agreement,
)
from schemas.documents import check_document
from schemas.errors import AgreementError

TODAY = date(2026, 11, 22)
ROLES = ("analyst", "housing-lead", "treatment-commissioner")
CANARY = "Xanthippe-Quillfeather"


@cache
def whole(partner: str, day: date) -> dict[str, Any]:
    """A demonstration agreement as it is written; nobody may change it."""
    content: dict[str, Any] = yaml.safe_load(agreement_text(partner, True, day))
    return content


def content_of(partner: str = "police", day: date = TODAY, **changes: Any) -> dict[str, Any]:
    """A demonstration agreement with clauses changed and signed as it then stands."""
    content = deepcopy(whole(partner, day)) | changes
    signatures = content.pop("signatures")
    digest = check_document(content, "it", Agreement, AgreementError).document_digest
    signed = [one | {"document_digest": digest, "signed_on": day} for one in signatures]
    return content | {"signatures": signed}


def written(partner: str = "police", **changes: Any) -> str:
    return yaml.safe_dump(content_of(partner, **changes))


def terms(partner: str = "police", **changes: Any) -> Agreement:
    return Agreement.model_validate(content_of(partner, **changes))


def folder_of(tmp_path: Path, *versions: str) -> Path:
    folder = tmp_path / "police"
    folder.mkdir()
    for at, text in enumerate(versions, start=1):
        (folder / f"{at}.yaml").write_text(text)
    return folder


def following(tmp_path: Path, overlap: int = 0) -> Path:
    """Version 1 for a year, and version 2 from its end, or so many days before."""
    change = TODAY + timedelta(days=100)
    return folder_of(
        tmp_path,
        written(expires=change - timedelta(days=1), review=None),
        written(
            version=2, starts=change - timedelta(days=overlap), expires=TODAY + timedelta(days=900)
        ),
    )


def test_the_next_version_takes_over_on_its_day(tmp_path: Path) -> None:
    folder, change = following(tmp_path), TODAY + timedelta(days=100)
    for day, version in ((TODAY, 1), (change - timedelta(days=1), 1), (change, 2)):
        assert load_agreement(folder, day).version == version
        load_agreement(folder, day).check_in_force(day)
        assert file_of_day(folder, day).name == f"{version}.yaml"
    assert [one.version for one in load_versions(folder)] == [1, 2]


def test_two_versions_in_force_are_refused_and_both_are_named(tmp_path: Path) -> None:
    folder = following(tmp_path, overlap=3)
    with pytest.raises(AgreementError, match="Versions 1 and 2 of the police agreement are both"):
        load_agreement(folder, TODAY + timedelta(days=98))
    assert load_agreement(folder, TODAY).version == 1


def test_one_that_is_not_signed_does_not_take_over(tmp_path: Path) -> None:
    draft = content_of(version=2) | {"signatures": []}
    folder = folder_of(tmp_path, written(), yaml.safe_dump(draft))
    assert load_agreement(folder, TODAY).version == 1


def test_where_none_is_in_force_the_last_that_began_says_why(tmp_path: Path) -> None:
    folder = following(tmp_path)
    with pytest.raises(AgreementError, match="expired on"):
        late = TODAY + timedelta(days=1000)
        load_agreement(folder, late).check_in_force(late)
    with pytest.raises(AgreementError, match="not in force until"):
        early = TODAY - timedelta(days=1)
        load_agreement(folder, early).check_in_force(early)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((written(), written()), "Two files of police are version 1"),
        ((written(), written("housing", version=2)), "different partners"),
        ((), "no sharing agreement"),
    ],
)
def test_a_folder_that_cannot_be_told_apart_is_refused(
    tmp_path: Path, texts: tuple[str, ...], said: str
) -> None:
    with pytest.raises(AgreementError, match=said):
        load_versions(folder_of(tmp_path, *texts))


@pytest.mark.parametrize(
    ("name", "text", "called"),
    [
        ("2.yaml", CANARY, "Version file 2 of"),
        ("2.yml", f"partner: {CANARY}", "Version file 2 of"),
        ("02.YAML", "{", "Version file 2 of"),
        (f"{CANARY}.yaml", "a: [", "A file without number of"),
    ],
)
def test_one_version_that_cannot_be_read_stops_the_partner_and_is_told_by_its_number(
    tmp_path: Path, name: str, text: str, called: str
) -> None:
    folder = folder_of(tmp_path, written())
    (folder / name).write_text(text)
    with pytest.raises(AgreementError, match=called) as caught:
        load_agreement(folder, TODAY)
    assert CANARY not in str(caught.value) and "journeys agreements check" in str(caught.value)


def test_a_version_counts_however_its_file_ends(tmp_path: Path) -> None:
    folder = following(tmp_path)
    (folder / "2.yaml").rename(folder / "2.yml")
    assert [one.version for one in load_versions(folder)] == [1, 2]
    assert file_of_day(folder, TODAY + timedelta(days=100)).name == "2.yml"
    (folder / "1.yaml").rename(folder / "1.YAML")
    assert load_agreement(folder, TODAY).version == 1
    (folder / "signed.pdf").write_text("%PDF")
    (folder / ".2.yaml.swp").write_text("left by an editor")
    assert len(load_versions(folder)) == 2


def test_a_partnership_may_keep_versions_in_a_folder(tmp_path: Path) -> None:
    start(tmp_path / "p", demo=True, today=TODAY)
    agreements = tmp_path / "p" / "agreements"
    (agreements / "police.yaml").unlink()
    following(agreements)
    config = tmp_path / "p" / "partnership.yaml"
    config.write_text(config.read_text().replace("agreements/police.yaml", "agreements/police"))
    settings = load_settings(config)
    assert agreement_in_force(settings, "police", TODAY).version == 1
    state = agreement_states(settings, TODAY)["police"]
    assert state["in_force"] and state["days_left"] == 99
    assert "version 2 follows on 2027-03-02" in state["said"]
    late = agreement_states(settings, TODAY + timedelta(days=39))["police"]
    assert late["days_left"] == 60 and "have it renewed" in late["said"]
    assert "as it stands" not in late["said"]
    # Whoever reads that another version follows must not be told so of one that nobody signed.
    second = agreements / "police" / "2.yaml"
    second.write_text(second.read_text().replace("retention_days: ", "retention_days: 1"))
    changed = agreement_states(settings, TODAY)["police"]
    assert changed["in_force"] and "changed after it was signed" in changed["said"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"starts": TODAY, "expires": TODAY - timedelta(days=1)}, "`expires` lies before `starts`"),
        ({"review": TODAY - timedelta(days=1)}, "`review` lies before `starts`"),
        ({"retention": {"everything": 3}}, "`retention` names what is no class of data"),
        ({"recipients": [{"role": CANARY}]}, "`recipients.0"),
        ({"uses": {"review": ["cars"]}}, "`uses` names a table that `tables` lacks"),
    ],
)
def test_a_clause_that_cannot_be_is_told_in_a_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(AgreementError, match=said) as caught:
        terms(**changes)
    assert CANARY not in str(caught.value)


def test_a_use_lets_no_more_be_done_than_the_agreement_does() -> None:
    use = {"in_words": "To see.", "recipients": ["analyst"]}
    tables = {"custody": {"custody_ref": "key", "arrest_date": "keep", "dob": ["keep"]}}
    with pytest.raises(AgreementError, match="`uses` lets more be done"):
        terms(uses={"review": {**use, "tables": tables}})
    tables["custody"]["dob"] = ["generalise"]
    agreement = terms(uses={"review": {**use, "tables": tables}})
    assert agreement.of_use("review")["custody"]["dob"] == {"generalise"}
    assert agreement.of_use("marketing") == {}


def test_a_field_that_no_contract_has_is_refused_with_the_nearest() -> None:
    tables = terms().model_dump(mode="json")["tables"]
    tables["custody"]["ethnicty"] = ["keep"]
    tables["custody"]["notes"] = ["drop"]
    tables["custody"][CANARY] = ["keep"]
    tables["drug_tests"] = {"result": ["keep"]}
    with pytest.raises(AgreementError) as caught:
        check_known(terms(tables=tables), "police")
    assert "custody.ethnicty (is custody.ethnicity meant?)" in caught.value.problem
    assert "drug_tests (is drug_test meant?)" in caught.value.problem
    assert CANARY.lower() not in str(caught.value).lower(), "it may be a value"
    assert "notes" not in str(caught.value), "what is listed to be dropped may be anything"


def test_a_recipient_is_a_role_or_the_board() -> None:
    check_recipients(terms(), "police", ROLES)
    named = [{"role": "mayor", "organisation": "the town"}]
    with pytest.raises(AgreementError, match="mayor, which is no role"):
        check_recipients(terms(recipients=named), "police", ROLES)


def test_a_review_that_has_passed_only_warns() -> None:
    agreement = terms(review=TODAY + timedelta(days=10))
    assert not agreement.review_passed(TODAY + timedelta(days=10))
    later = TODAY + timedelta(days=11)
    assert agreement.review_passed(later)
    agreement.check_in_force(later)


# Signatures


def signed_with_a_key(digest_of: str = "") -> Agreement:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    content = content_of(signing_keys={"sharing_controller": public})
    digest = content["signatures"][0]["document_digest"]
    content["signatures"][0]["ed25519"] = key.sign((digest_of or digest).encode()).hex()
    return Agreement.model_validate(content)


def test_a_cryptographic_signature_is_verified_and_one_that_does_not_match_refused() -> None:
    signed_with_a_key().check_in_force(TODAY)
    with pytest.raises(AgreementError, match=r"sharing controller on the police.*does not verify"):
        signed_with_a_key("sha256:" + "0" * 64).check_in_force(TODAY)


def test_a_cryptographic_signature_of_a_key_that_the_terms_do_not_name_is_refused() -> None:
    content = content_of()
    content["signatures"][0]["ed25519"] = "0" * 128
    with pytest.raises(AgreementError, match="names no key"):
        Agreement.model_validate(content).check_in_force(TODAY)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attested_by": None}, "`signatures.0.attested_on`"),
        ({"attested_on": TODAY - timedelta(days=1)}, "lies before `signed_on`"),
        ({"pdf_digest": "sha256:0"}, "`signatures.0.pdf_digest`"),
    ],
)
def test_an_attestation_is_whole(changes: dict[str, Any], said: str) -> None:
    content = content_of()
    content["signatures"][0] |= changes
    with pytest.raises(AgreementError, match=said):
        parse_agreement(yaml.safe_dump(content), "police.yaml")


def test_a_signature_is_no_term_so_an_attestation_voids_none() -> None:
    content = content_of()
    content["signatures"][0]["pdf_digest"] = "sha256:" + "a" * 64
    Agreement.model_validate(content).check_in_force(TODAY)


# Two compared, and one examined


def test_what_changes_is_told_in_words() -> None:
    before = terms()
    tables = before.model_dump(mode="json")["tables"]
    tables["custody"] |= {"sex": ["encode"], "postcode": ["encode", "keep"], "dob": ["drop"]}
    del tables["custody"]["outcome"]
    tables["suspected_drug_death"] = {"death_ref": ["key"]}
    after = terms(
        version=2,
        tables=tables,
        retention_days=30,
        retention={"reviews": 10},
        recipients=[{"role": "analyst", "organisation": "the hub"}],
        pace_63b_purpose=None,
    )
    assert differences(before, before) == []
    found = differences(before, after)
    for said in (
        "Treatment tightened: custody.sex, encode and keep → encode.",
        "Treatment loosened: custody.postcode, encode and generalise → encode and keep.",
        "Treatment tightened: custody.dob, encode and generalise → drop.",
        "Field removed: custody.outcome, which was keep.",
        "Field added: suspected_drug_death.death_ref, key.",
        "Changed: retention_days, 1095 → 30.",
        "Changed: retention.quarantine, 365 days → nothing.",
        "Recipient added: analyst, the hub.",
        "Clause removed: pace_63b_purpose, which was advice_and_treatment.",
        "Version 1 becomes version 2.",
    ):
        assert said in found, found


def test_a_change_of_any_term_is_told() -> None:
    """What the digest sees, the comparison sees: no term can change unnoticed."""
    use = {"in_words": "To see.", "recipients": ["analyst"],
           "tables": {"custody": {"custody_ref": ["key"]}}}  # fmt: skip
    changes: list[dict[str, Any]] = [
        {name: value} for name, value in {
            "title": "Another", "purpose": "another", "purpose_in_words": "Another.",
            "starts": TODAY - timedelta(days=1), "expires": date(2030, 1, 1), "review": None,
            "retention_days": 1, "retention": {}, "inbox_after_staging": "remove",
            "under_18": True, "processing_regime": None, "exact_dates": True, "decisions": [],
            "dpia": None, "recipients": [], "law": None, "version": 9,
            "signing_keys": {"sharing_controller": "a" * 64}, "uses": {"review": use},
        }.items()
    ]  # fmt: skip
    parties = content_of()["parties"]
    changes.append({"parties": [*parties, parties[0] | {"role": "processor"}]})
    gateway = content_of()["legal_gateway"]
    changes.append({"legal_gateway": gateway | {"conditions": []}})
    before = terms()
    for change in changes:
        after = terms(**change)
        assert after.document_digest != before.document_digest, change
        assert differences(before, after) and differences(after, before), change


def examined(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "police.yaml"
    path.write_text(text)
    return examine(path, purpose=PURPOSE, demonstration=True, roles=ROLES, today=TODAY)


def test_a_sound_file_is_examined_and_its_digest_told(tmp_path: Path) -> None:
    found = examined(tmp_path, written())
    assert found.stops == () and found.told == ()
    assert found.agreement.document_digest == terms().document_digest


def test_a_file_is_told_all_that_is_amiss_with_it_at_once(tmp_path: Path) -> None:
    content = content_of(purpose="another", recipients=[])
    content["tables"]["custody"]["ethnicty"] = ["keep"]
    content["law"]["article_9"] = []
    content["signatures"] = []
    found = examined(tmp_path, yaml.safe_dump(content))
    stops, told = " ".join(found.stops), " ".join(found.told)
    assert "another purpose" in stops and "ethnicty" in stops and "is not signed" in stops
    assert "`article_9`" in told and "recipients" in told
    late = examined(tmp_path, written(review=date(2099, 1, 1)))
    assert late.stops == () and late.told == ("Its review is to be after it expires.",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retention_day": 3}, "is `retention_days` meant?"),
        ({"law": {"artcle_6": CANARY}}, "is `law.article_6` meant?"),
    ],
)
def test_an_unknown_clause_is_named_with_the_nearest(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    found = examined(tmp_path, yaml.safe_dump(content_of() | changes))
    assert found.agreement is None
    assert said in " ".join(found.stops) and CANARY not in " ".join(found.stops)
