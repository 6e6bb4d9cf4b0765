"""Drafts and publications: nothing ungated is written, only what two people saw is published."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import warehouse_rows as rows

from schemas.errors import StoreError
from warehouse import connect
from warehouse.publish import (
    Approval,
    Draft,
    draft_digest,
    draft_tables,
    write_draft,
    write_publication,
)
from warehouse.publish.tables import funnel

WHEN = datetime(2026, 7, 2, 9, 0)
COUNTS = {"people", "numerator", "denominator"}
SHORTHAND = {"[c]", "[x]", "[z]"}


def person(number: int) -> dict:
    """Somebody arrested and tested, of whom some are treated: 33 in all."""
    tables: dict = {
        "police_custody": [{"arrest_date": "2025-09-01"}],
        "police_drug_test": [{"test_date": "2025-09-01", "result": "POS_OPIATE"}],
    }
    if number < 13:
        tables["treatment_episode"] = [{"refld": "2025-08-20", "triaged": "2025-09-05"}]
        tables["treatment_intervention"] = [{"modst": "2025-09-07" if number < 3 else "2025-11-01"}]
    return tables


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    persons = {f"person-{number}": person(number) for number in range(33)}
    path, _ = rows.release(tmp_path_factory.mktemp("publish"), persons)
    con = connect.open_release(path, rows.RELEASE_KEY)
    drafted = draft_tables(con)
    con.close()
    return drafted


@pytest.fixture(scope="module")
def already(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    """As draft, and 10 who were in structured treatment when they were tested."""
    treated = person(99) | {
        "treatment_episode": [{"triaged": "2025-08-01"}],
        "treatment_intervention": [{"modst": "2025-08-02"}],
    }
    persons = {f"person-{number}": person(number) for number in range(33)}
    persons |= {f"treated-{number}": treated for number in range(10)}
    path, _ = rows.release(tmp_path_factory.mktemp("already"), persons)
    con = connect.open_release(path, rows.RELEASE_KEY)
    drafted = draft_tables(con)
    con.close()
    return drafted


@pytest.fixture
def folder(draft: Draft, tmp_path: Path) -> Path:
    write_draft(draft, tmp_path / "drafts" / "r1", partnership="A & B <CDP>", contact="Data lead")
    return tmp_path / "drafts" / "r1"


def approvals(digest: str, *officers: str) -> list[Approval]:
    return [Approval(name, digest, WHEN) for name in officers]


def test_the_funnel_is_gated(draft: Draft) -> None:
    told = draft.tables["funnel"].filter(cohort="positive_test")
    assert told.get_column("people").to_list() == ["35", "15", "15", "[c]", "15"]
    assert told.get_column("step_number").to_list() == [1, 2, 3, 4, 5]
    assert told.get_column("denominator").to_list() == ["35"] * 5
    percents = told.get_column("percent_of_denominator").to_list()
    assert percents == ["100", "43", "43", "[c]", "43"]


def test_whoever_is_in_treatment_already_is_not_in_the_funnel(already: Draft) -> None:
    told = already.tables["funnel"].filter(cohort="positive_test")
    assert told.get_column("people").to_list() == ["35", "15", "15", "[c]", "15"]


def test_a_count_is_masked_by_the_people_behind_it() -> None:
    """Four people, two of them in the cohort in two quarters: six, but of four people."""
    counted = pl.DataFrame(
        {
            "cohort": ["c", "c"],
            "step_number": [1, 2],
            "people": [40, 6],
            "denominator": [40, 40],
            "people_total": [None, 40],
            "rest_people": [None, 34],
            "reached_people": [38, 4],
            "in_cohort_people": [38, 38],
        }
    )
    assert funnel(counted).get_column("people").to_list() == ["40", "[c]"]


def test_a_row_of_transitions_adds_up_to_its_people(draft: Draft) -> None:
    table = draft.tables["transitions"]
    assert table.get_column("people").len() == 13 * 7
    tested = table.filter(from_step="Positive drug test")
    said = dict(zip(tested["to_step"], tested["people"], strict=True))
    # 33 tested: 13 were assessed within 90 days, none was arrested again.
    assert said["Referred, assessed or started treatment"] == "15"
    assert said["No new step recorded"] == "20"
    assert said["New arrest"] == "[c]"
    assert set(tested["denominator"]) == {"35"}


def test_outcomes_are_gated_and_say_why_a_count_is_missing(draft: Draft) -> None:
    told = {
        (row["measure"], row["category"]): (
            row["numerator"],
            row["denominator"],
            row["percent_of_denominator"],
        )
        for row in draft.tables["outcomes"].to_dicts()
    }
    assert told["start_28_days", "All"] == ("[c]", "35", "[c]")
    assert told["start_90_days", "All"] == ("15", "35", "43")
    # All tests were positive for opiates, so that group holds all of its total.
    assert told["start_90_days", "Positive for opiates"] == ("15", "[c]", "[c]")
    referred = "Known to treatment before, or referred only"
    assert told["people_arrested", referred] == ("15", "35", "43")
    assert told["people_arrested", "Not known to treatment"] == ("20", "35", "57")
    assert told["people_arrested", "In the intensive programme"] == ("[c]", "35", "[c]")
    assert told["in_treatment", "All"] == ("15", "[z]", "[z]")
    assert told["in_treatment", "Opiate"] == ("[c]", "[z]", "[z]")
    assert told["in_treatment", "Alcohol only"] == ("[c]", "[z]", "[z]")


def test_every_count_that_is_written_has_been_gated(folder: Path) -> None:
    seen = 0
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for column in COUNTS & row.keys():
                    value = row[column]
                    assert value in SHORTHAND or (int(value) >= 5 and int(value) % 5 == 0)
                    seen += 1
    assert seen > 100


def test_a_draft_holds_its_tables_page_and_record_only(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "draft.json",
        "funnel.csv",
        "index.html",
        "outcomes.csv",
        "transitions.csv",
    ]
    record = json.loads((folder / "draft.json").read_text("utf-8"))
    assert record["run_id"] == "20260701-000000-test"
    assert record["data_as_at"]["police"] == "2026-06-30"
    assert record["digest"] == draft_digest(folder)


def test_a_draft_is_the_same_each_time(draft: Draft, tmp_path: Path) -> None:
    assert write_draft(draft, tmp_path / "a") == write_draft(draft, tmp_path / "b")


def test_a_draft_is_never_overwritten(draft: Draft, folder: Path) -> None:
    with pytest.raises(StoreError, match="never overwritten"):
        write_draft(draft, folder)


def test_a_release_with_no_data_still_makes_a_draft(tmp_path: Path) -> None:
    path, _ = rows.release(tmp_path, {})
    con = connect.open_release(path, rows.RELEASE_KEY)
    drafted = draft_tables(con)
    con.close()
    write_draft(drafted, tmp_path / "draft")
    counts = drafted.tables["outcomes"].get_column("numerator").unique().to_list()
    assert set(counts) <= SHORTHAND


def test_two_different_people_must_approve_what_is_there(folder: Path, tmp_path: Path) -> None:
    digest = draft_digest(folder)
    target = tmp_path / "publications" / "p1"
    for too_few in (
        [],
        approvals(digest, "Ann"),
        approvals(digest, "Ann", "ann "),
        [*approvals(digest, "Ann"), *approvals("0" * 64, "Ben")],
    ):
        with pytest.raises(StoreError, match="2 different people"):
            write_publication(folder, target, too_few, publication_id="p1", published_at=WHEN)
        assert not target.exists()
    done = write_publication(
        folder,
        target,
        approvals(digest, "Ann", "Ben"),
        publication_id="p1",
        published_at=WHEN + timedelta(days=1),
    )
    assert done == digest
    record = json.loads((target / "publication.json").read_text("utf-8"))
    assert [one["officer"] for one in record["approvals"]] == ["Ann", "Ben"]
    for name in record["files"]:
        assert (target / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(entry.name for entry in target.parent.iterdir()) == ["p1"]


@pytest.mark.parametrize("change", ["edited", "added", "removed", "record", "no record"])
def test_a_changed_draft_is_not_published(folder: Path, tmp_path: Path, change: str) -> None:
    digest = draft_digest(folder)
    if change == "edited":
        (folder / "funnel.csv").write_text("people\n3\n", "utf-8")
    elif change == "added":
        (folder / "extra.csv").write_text("people\n3\n", "utf-8")
    elif change == "removed":
        (folder / "funnel.csv").unlink()
    elif change == "record":
        record = json.loads((folder / "draft.json").read_text("utf-8"))
        record["files"]["funnel.csv"] = "0" * 64
        (folder / "draft.json").write_text(json.dumps(record), "utf-8")
    else:
        (folder / "draft.json").write_text("[]", "utf-8")
    with pytest.raises(StoreError, match="not as it was recorded"):
        write_publication(
            folder,
            tmp_path / "p1",
            approvals(digest, "Ann", "Ben"),
            publication_id="p1",
            published_at=WHEN,
        )
    assert not (tmp_path / "p1").exists()


# --- the page --------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(folder: Path) -> str:
    return (folder / "index.html").read_text("utf-8")


def test_the_page_needs_no_script_and_no_network(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert not outline.open
    tags = {tag for tag, _ in outline.tags}
    assert not tags & {"script", "iframe", "img", "link", "object", "embed", "form"}
    for _, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not re.match(r"(https?:)?//", attributes.get("href") or "")
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_is_built_for_every_reader(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert ("html", {"lang": "en-GB"}) in outline.tags
    assert [tag for tag, _ in outline.tags].count("h1") == 1
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [
        attributes["href"][1:]
        for tag, attributes in outline.tags
        if tag == "a" and attributes["href"].startswith("#")
    ]
    assert set(links) <= set(ids)
    for tag, attributes in outline.tags:
        if tag == "th":
            assert attributes.get("scope") in {"row", "col"}
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true"
    tables = [tag for tag, _ in outline.tags].count("table")
    assert [tag for tag, _ in outline.tags].count("caption") == tables
    assert "colspan" not in page
    assert "rowspan" not in page


def test_the_page_leads_with_the_sentence_and_keeps_small_numbers_out(page: str) -> None:
    headline = re.search(r'class="headline">(.*?)</p>', page)
    assert headline is not None
    assert headline[1] == (
        "Of about 35 people who tested positive for drugs on arrest and were not in structured "
        "treatment already in the year to 31 December 2025, about 15 (43%) started structured "
        "treatment within 90 days, and about 15 stayed 12 weeks, or completed sooner (counts are "
        "rounded, so a few may have left)."
    )
    shown = re.findall(r'<td class="n">([^<]*)</td>', page)
    assert shown
    assert all(cell in SHORTHAND or cell.isdigit() for cell in shown)


@pytest.mark.parametrize("made_up", [True, False])
def test_made_up_data_are_called_so(draft: Draft, tmp_path: Path, made_up: bool) -> None:
    digest = write_draft(draft, tmp_path / "d", demonstration=made_up)
    page = (tmp_path / "d" / "index.html").read_text("utf-8")
    assert ("Made-up data." in page) == made_up
    assert page.index("<h1>") > page.find("Made-up data.")
    write_publication(
        tmp_path / "d",
        tmp_path / "p",
        approvals(digest, "Ann", "Ben"),
        publication_id="p",
        published_at=WHEN,
    )
    for record in (tmp_path / "d" / "draft.json", tmp_path / "p" / "publication.json"):
        assert json.loads(record.read_text("utf-8"))["demonstration"] is made_up


def test_every_linked_table_has_its_caveat_definition_and_period(page: str) -> None:
    sections = re.findall(r'<section id="(?!about)(.*?)".*?</section>', page, re.DOTALL)
    assert len(sections) == 6
    for section in re.findall(r'<section id="(?!about).*?</section>', page, re.DOTALL):
        assert '<div class="caveat">' in section
        for word in ("Numerator", "Denominator", "Period", "Lag", "Left out", "Status", "Owner"):
            assert f"<dt>{word}</dt>" in section
        assert re.search(r"\d{4} to \d+ \w+ 202\d", section)
    assert "1 April 2025 to 31 March 2026" in page
    assert "Drafted on 1 July 2026" in page


def test_no_table_has_a_column_that_never_applies(page: str) -> None:
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    assert not [table for table in tables if "[z]" in table]
    for table in tables:
        caption = re.search(r"<caption>(.*?)</caption>", table)
        assert caption is not None
        assert len(caption[1]) < 80  # a definition would be cut where the table scrolls


def test_bars_can_be_told_from_their_ground(page: str) -> None:
    fills = set(re.findall(r'fill="(#\w{6})"', page))
    assert fills
    assert all(contrast(fill, "#ffffff") >= 3 for fill in fills)


def test_the_page_escapes_what_it_is_given(page: str) -> None:
    assert "A &amp; B &lt;CDP&gt;" in page
    assert "<CDP>" not in page


def test_the_page_says_what_a_reader_must_know(page: str) -> None:
    for words in (
        "A person who was not linked is not a person who was not treated",
        "30 June 2026",
        "[c]",
        "not available",
        "rounded to the nearest 5",
        "Data lead",
        "Owner",
        "1 July 2025 to 30 June 2026",
        "fewer than 5, possibly none",
        "5 stands for 5, 6 or 7",
        "Exact definition on linked data",
        "Structured treatment</dt>",
    ):
        assert words in page


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_against_its_ground() -> None:
    for ink, ground in (("#0b0c0c", "#ffffff"), ("#484d52", "#ffffff"), ("#ffffff", "#12436D")):
        assert contrast(ink, ground) >= 4.5


def test_where_all_is_masked_the_page_says_so_without_a_number(tmp_path: Path) -> None:
    persons = {f"person-{number}": person(number) for number in range(3)}
    path, _ = rows.release(tmp_path, persons)
    con = connect.open_release(path, rows.RELEASE_KEY)
    drafted = draft_tables(con)
    con.close()
    write_draft(drafted, tmp_path / "draft")
    page = (tmp_path / "draft" / "index.html").read_text("utf-8")
    assert "without risk to someone&#39;s privacy" in page
    assert page.count("cannot be shown") == 3
    shown = re.findall(r'<td class="n">([^<]*)</td>', page)
    assert set(shown) <= SHORTHAND | {"100"}
    assert set(drafted.tables["transitions"].get_column("people")) == {"[c]"}
