"""Notices made of agreements: the same agreements give the same bytes, and nothing is left out."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flows.agreements import over_sharing
from flows.agreements.forms import as_csv, as_markdown, as_page
from flows.agreements.notices import (
    agreements_told,
    data_flow,
    record_of_processing,
    write_notice,
)
from flows.agreements.privacy import ITEMS, privacy_notice
from flows.agreements.words import in_words
from flows.intake.reading import Facts
from flows.settings import Settings, load_settings
from flows.start import PARTNERS, start
from governance.agreements import Agreement, codes
from schemas.errors import ConfigError

TODAY = date(2026, 11, 22)
MAKERS = (record_of_processing, privacy_notice, data_flow)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("notices") / "demo"
    start(folder, demo=True, today=TODAY)
    return load_settings(folder / "partnership.yaml")


@pytest.fixture(scope="module")
def told(settings: Settings) -> dict[str, Agreement]:
    found, without = agreements_told(settings, TODAY)
    assert without == []
    return found


@pytest.mark.parametrize("make", MAKERS)
def test_a_notice_is_the_same_in_every_form_and_every_time(
    settings: Settings, told: dict[str, Agreement], make: Any
) -> None:
    notice, again = make(settings, told), make(settings, told)
    for form in (as_markdown, as_page, as_csv):
        assert form(notice) == form(again)
    rows = list(csv.DictReader(io.StringIO(as_csv(notice))))
    assert rows == [dict(row) for row in notice.rows] and rows
    page = as_page(notice)
    tree = ElementTree.fromstring(page.split("\n", 1)[1])
    said = " ".join(" ".join(tree.itertext()).split())
    for row in rows:
        assert all(" ".join(cell.split()) in said for cell in row.values())
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_the_record_of_processing_has_every_partner_field_and_recipient(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    rows = {row["Data of"]: row for row in record_of_processing(settings, told).rows}
    assert set(rows) == set(PARTNERS)
    for partner, agreement in told.items():
        for table, columns in agreement.taken_columns.items():
            assert f"{table}: {', '.join(sorted(columns))}" in rows[partner]["Fields"]
        assert all(one.role in rows[partner]["Recipients"] for one in agreement.recipients)
        assert agreement.law is not None
        for one in agreement.law.gateways:
            assert codes.gateways()[one].provision in rows[partner]["Shared by"]
        assert str(agreement.expires) in rows[partner]["In force"]


def test_the_law_it_was_collected_under_is_told_apart_from_that_of_its_use(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    rows = {row["Data of"]: row for row in record_of_processing(settings, told).rows}
    police, housing = rows["police"], rows["housing"]
    held, used = police["Held by the partner under"], police["Used here under"]
    assert held.startswith("Part 3") and "section 35" in held and "Article" not in held
    assert used.startswith("UK GDPR") and "section 36(4)" in used and "Article 9" in used
    assert "section 35" not in used and "Schedule 8" not in used
    assert housing["Held by the partner under"].startswith("UK GDPR")
    assert "36(4)" not in housing["Used here under"]
    law = told["police"].law
    assert law is not None
    enforcing = told["police"].model_copy(
        update={"law": law.model_copy(update={"law_enforcement_purpose": True})}
    )
    (row,) = record_of_processing(settings, {"police": enforcing}).rows
    assert row["Used here under"].startswith("Part 3") and "Article" not in row["Used here under"]


ARTICLE_14 = {f"14(1)({one})" for one in "abcdef"} | {f"14(2)({one})" for one in "abcdefg"}


def test_a_privacy_notice_has_every_item_of_articles_13_and_14(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    assert set(ITEMS) == ARTICLE_14 | {"13(2)(e)"}
    for row in privacy_notice(settings, told).rows:
        assert all(row[heading] for heading in ITEMS.values())
        assert "dpo@demonstration.example" in row["Data protection officer"]
        assert "Information Commissioner" in row["Complaining"] and "SK9 5AF" in row["Complaining"]
    rests = {
        row["Service"]: row["Withdrawing consent"] for row in privacy_notice(settings, told).rows
    }
    assert sum("at any time" in said for said in rests.values()) == 1, "treatment's alone"
    unnamed = settings.model_copy(update={"data_protection_officer": None})
    (row,) = privacy_notice(unnamed, {"housing": told["housing"]}).rows
    assert row["Data protection officer"].startswith("Name the data protection officer here")
    law = told["housing"].law
    assert law is not None
    other = law.model_copy(
        update={"article_6": "f_legitimate_interests", "article_9": ("a_explicit_consent",)}
    )
    (row,) = privacy_notice(
        settings, {"housing": told["housing"].model_copy(update={"law": other})}
    ).rows
    assert "withdraw your consent at any time" in row["Withdrawing consent"]
    assert row["Legitimate interests"].startswith("We rely on")


def test_a_letter_on_over_sharing_says_whether_the_files_stay(told: dict[str, Agreement]) -> None:
    facts = Facts({"person": {"received": 3}}, 1, TODAY, {}, over_listed={"person": ("shoe",)})
    letters = {
        what: over_sharing.in_words(
            facts, told["housing"].model_copy(update={"inbox_after_staging": what}), "a-run"
        )
        for what in ("keep", "remove")
    }
    assert "stay in the inbox" in letters["keep"] and "removed from the inbox" in letters["remove"]
    assert all("nothing of them is in any store" in letter for letter in letters.values())


def test_every_taken_field_flows_to_a_store_and_what_is_dropped_to_nowhere(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    flows = {(row["From"], row["To"], row["What"].split(":")[0]): row["What"]
             for row in data_flow(settings, told).rows}  # fmt: skip
    for partner, agreement in told.items():
        for table, columns in agreement.tables.items():
            for column, given in columns.items():
                field = f"{table}.{column}"
                if "encode" in given:
                    assert field in flows["inbox", "identity store", partner]
                if {"keep", "generalise"} & set(given):
                    assert field in flows["inbox", "staging store", partner]
                if "drop" in given:
                    assert field in flows["inbox", "nowhere", partner]


def test_no_file_with_part_3_records_flows_out(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    out = [row["What"] for row in data_flow(settings, told).rows if row["To"] == "analyst"]
    assert out == ["a file with the records of housing, treatment"]


def test_a_stopped_field_is_told_to_flow_nowhere(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    housing = told["housing"]
    assert housing.law is not None
    law = housing.law.model_copy(update={"article_9": ()})
    changed = told | {"housing": housing.model_copy(update={"law": law})}
    (stopped,) = [
        row["What"] for row in data_flow(settings, changed).rows if "not taken" in row["How"]
    ]
    assert "application.need_drug" in stopped
    assert any("condition is wanting" in line for line in in_words(changed["housing"]))
    assert "health" not in record_of_processing(settings, changed).rows[3]["Kinds of data"]


def test_a_partner_without_an_agreement_in_force_is_in_no_notice(settings: Settings) -> None:
    found, without = agreements_told(settings, date(2028, 1, 1))
    assert found == {} and without == list(PARTNERS)
    assert as_markdown(privacy_notice(settings, found)).startswith("# What we do")


def test_text_that_looks_like_a_page_is_only_text(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    police = told["police"].model_copy(update={"purpose_in_words": "<script>x|y</script>"})
    notice = privacy_notice(settings, {"police": police})
    assert "<script>" not in as_page(notice) and "<script>" not in as_markdown(notice)
    assert r"x\|y" in as_markdown(notice)


def test_a_privacy_notice_says_what_is_kept_of_who_somebody_is(
    settings: Settings, told: dict[str, Agreement]
) -> None:
    rows = {row["Service"]: row for row in privacy_notice(settings, told).rows}
    for row in rows.values():
        said = row["What becomes of your name"]
        assert "your year of birth and the first half of your postcode" in said
    police = told["police"]
    tables = {
        name: {column: ("encode",) if "encode" in given else given for column, given in of.items()}
        for name, of in police.tables.items()
    }
    nothing = privacy_notice(settings, {"police": police.model_copy(update={"tables": tables})})
    assert "year of birth" not in nothing.rows[0]["What becomes of your name"]


def test_a_form_that_no_name_says_is_refused(
    settings: Settings, told: dict[str, Agreement], tmp_path: Path
) -> None:
    notice = privacy_notice(settings, told)
    with pytest.raises(ConfigError, match="in which form"):
        write_notice(notice, tmp_path / "notice.doc")
    write_notice(notice, tmp_path / "notice.md")
    assert (tmp_path / "notice.md").read_text() == as_markdown(notice)
