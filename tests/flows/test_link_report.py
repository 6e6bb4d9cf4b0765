"""The page on a run's links: what it says, what it masks, and what it never holds."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.keys.rings import release_key
from flows.linking.report import MASKED, masked, read_labelled_pairs
from linkage.rates import BY_PEOPLE, NO_SHARED_ID
from schemas.errors import ExtractRejected
from warehouse.connect import open_store

if TYPE_CHECKING:
    from conftest import Partnership


def test_a_release_carries_quality_and_the_sensitivity_range(ran: Partnership) -> None:
    splits = {row[0] for row in ran.select("SELECT DISTINCT split FROM linkage_quality")}
    assert splits == {"all", "partners", "sex", "age_band", "ethnicity_group", "completeness"}
    assert ran.select(
        """SELECT DISTINCT value, note FROM linkage_quality
        WHERE partner_a = 'police' AND partner_b = 'treatment' AND measure = 'recall'"""
    ) == [(None, NO_SHARED_ID)]
    people = ran.select(
        """SELECT threshold_offset, numerator FROM linkage_sensitivity
        WHERE name = 'people' ORDER BY 1"""
    )
    assert [offset for offset, _ in people] == [-3, 0, 3]
    assert people[0][1] <= people[1][1] <= people[2][1]
    assert people[1][1] == ran.select("SELECT count(*) FROM person")[0][0]
    funnels = ran.select(
        """SELECT threshold_offset, count(*) FROM linkage_sensitivity
        WHERE kind = 'funnel' GROUP BY 1 ORDER BY 1"""
    )
    assert [offset for offset, _ in funnels] == [-3, 0, 3]


def test_the_report_holds_counts_and_no_record(ran: Partnership) -> None:
    page, out = ran.folder / "linkage.html", ran.folder / "linkage.json"
    for _ in range(2):  # the next one replaces it
        told = ran.journeys("link", "report", "--out", str(page), "--json", str(out))
        assert told.exit_code == 0, told.output
    assert "police–treatment       precision not estimable, recall not estimable" in told.output
    text, report = page.read_text(), json.loads(out.read_text())
    assert NO_SHARED_ID in text
    for record, person in ran.record_person():
        assert str(record) not in text + out.read_text() and str(person) not in text
    # Readable without script or network, and said to be internal.
    assert not re.search(r"<script|https?://|<link|@import|url\(|\son\w+=", text)
    assert "Internal." in text and "not for publication" in text
    assert '<html lang="en-GB">' in text and text.count("<h1>") == 1
    assert all("scope=" in tag for tag in re.findall(r"<th\b[^>]*>", text))
    small = [one["people"] for one in report["groups"] if isinstance(one["people"], int)]
    assert not any(0 < number < 5 for number in small)
    assert report["model"]["link"] == 1.0 or isinstance(report["model"]["link"], float)


def test_a_release_without_its_estimates_is_told_in_a_sentence(ran: Partnership) -> None:
    (release,) = ran.folder.glob("releases/*/warehouse.duckdb")
    release.chmod(0o600)
    connection = open_store(release, release_key(ran.settings, release.parent.name))
    connection.execute("DROP TABLE linkage_quality")
    connection.close()
    told = ran.journeys("link", "report")
    assert told.exit_code == 1 and "cannot be read for this report" in told.output


def test_small_counts_are_masked() -> None:
    report = {
        "quality": [{"name": "x", "recall": {"value": None, "judged": 4}}],
        "labelled": None,
        "sensitivity": {"offsets": [0], "figures": [{"at": [(3, 12)]}]},
        "groups": [{"people": 5}, {"people": 0}, {"people": 1}],
        "histogram": [{"weight": 1, "pairs": 9, "linked": 2}],
    }
    made = masked(report, 5)
    assert made["quality"][0]["recall"]["judged"] == MASKED
    assert made["sensitivity"]["figures"][0]["at"] == [[MASKED, 12]]
    assert [one["people"] for one in made["groups"]] == [5, 0, MASKED]
    assert made["histogram"] == [{"weight": 1, "pairs": 9, "linked": MASKED}]


def test_a_labelled_sample_is_held_against_the_links(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkage.rates.FEWEST_JUDGED", 1)
    held: dict[object, list[object]] = {}
    for record, person in ran.record_person():
        held.setdefault(person, []).append(record)
    several = [records for records in held.values() if len(records) > 1]
    alone = [records[0] for records in held.values()]
    sample = ran.folder / "sample.csv"
    rows = [f"{one[0]},{one[1]},yes" for one in several]
    rows += [f"{one},{other},no" for one, other in itertools.pairwise(alone)]
    sample.write_text("\n".join(["record_id_l,record_id_r,same", *rows, "1,2,yes"]) + "\n")
    out = ran.folder / "labelled.json"
    told = ran.journeys("link", "report", "--labelled", str(sample), "--json", str(out))
    assert told.exit_code == 0, told.output
    found = [one for one in json.loads(out.read_text())["labelled"] if one["recall"]["value"]]
    assert found and all(one["recall"]["value"] == 1.0 for one in found)
    assert {one["recall"]["note"] for one in found} == {BY_PEOPLE}
    # Record ids of another key epoch are of nobody.
    sample.write_text("record_id_l,record_id_r,same\n1,2,yes\n")
    refused = ran.journeys("link", "report", "--labelled", str(sample))
    assert refused.exit_code == 1 and "No pair of the labelled sample" in refused.output


@pytest.mark.parametrize(
    "content",
    [
        "record_id_l,record_id_r,same\n1,2,perhaps\n",
        "record_id_l,record_id_r,same,surname\n1,2,yes,x\n",
        "record_id_l,record_id_r,same\na,b,yes\n",
        "record_id_l,record_id_r,same\n",
        "",
    ],
)
def test_a_sample_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(content)
    with pytest.raises(ExtractRejected, match="labelled sample"):
        read_labelled_pairs(path)
