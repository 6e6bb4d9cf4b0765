"""A table of an analyst's goes the whole way of the pack, and is compared with what is public."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flows.context import open_control

if TYPE_CHECKING:
    from conftest import Partnership

EVERYONE = "SELECT person_id, sex FROM person"
SOUND: dict[str, Any] = {
    "table": "people_by_sex",
    "title": "People by sex",
    "first": "2025-04-01",
    "last": "2026-03-31",
    "categories": {"sex": ["F", "M", "U"]},
    "known": ["sex"],
    "query": EVERYONE,
}
YEAR_BEFORE = {"first": "2024-04-01", "last": "2025-03-31"}


DATED = "SELECT person_id, sex, make_date(2026, 4, 1) AS counted_on FROM person"


def declared(folder: Path, **changed: Any) -> str:
    path = folder / "table.yaml"
    text = yaml.safe_dump({**SOUND, **changed})
    for day in ("first", "last"):
        text = text.replace(f"{day}: '", f"{day}: ").replace("'\nquery", "\nquery")
    path.write_text(text.replace("'2", "2").replace("1'", "1"))
    return str(path)


def drafted(partnership: Partnership, tmp_path: Path, **changed: Any) -> str:
    found = partnership.journeys("publish", "--table", declared(tmp_path, **changed))
    assert found.exit_code == 0, found.stderr
    return newest(partnership)


def newest(partnership: Partnership) -> str:
    with open_control(partnership.settings) as control:
        return control.waiting_drafts()[0].run_id


def reasons_for_masks(partnership: Partnership, draft: str) -> str:
    return (partnership.folder / "drafts" / draft / "for-approvers" / "masks.csv").read_text()


def tells_a_difference(partnership: Partnership, draft: str, table: str, public: str) -> bool:
    """Whether a draft shows other counts than a public table and masks none of them for that."""
    shown = (partnership.folder / "drafts" / draft / "pack" / f"{table}.csv").read_text()
    return shown != public and "told by another table" not in reasons_for_masks(partnership, draft)


def test_a_table_is_drafted_approved_published_and_verified(
    ran: Partnership, tmp_path: Path
) -> None:
    draft = drafted(ran, tmp_path)
    assert draft.startswith("table-")
    shown = ran.journeys("publish", "--draft", draft).stdout
    assert EVERYONE in shown and "the gate takes its word" in shown
    published = ran.journeys("publish", "--demo-officers", "--draft", draft)
    assert published.exit_code == 0, published.stderr
    folder = ran.folder / "publications" / draft
    text = (folder / "people_by_sex.csv").read_text()
    assert text.startswith("sex,count\nAll,") and "[c]" in text
    about = json.loads((folder / "people_by_sex.csv-metadata.json").read_text())
    assert about["tableSchema"]["columns"][-1]["name"] == "count"
    assert not list(folder.rglob("declared.json"))
    (proof,) = (ran.folder / "certificates" / draft).glob("*.certificate")
    verified = ran.journeys("verify", str(folder), "--certificate", str(proof))
    assert verified.exit_code == 0 and "read off those releases" in verified.stdout
    with open_control(ran.settings) as control:
        asked = [one.detail for one in control.audit_entries("consultation")]
    assert any(one.get("draft") == draft and len(one["query"]) == 64 for one in asked)
    again = ran.journeys("publish", "--table", declared(tmp_path))
    assert again.exit_code == 1
    # One that leaves four people out would tell of them by a difference, where one is seen: people
    # are linked under keys of their own in every run, and both counts may round to the same.
    few = "(SELECT person_id FROM person WHERE sex = 'M' ORDER BY 1 LIMIT 4)"
    fewer = f"{EVERYONE} WHERE person_id NOT IN {few}"
    second = drafted(ran, tmp_path, table="all_but_four", query=fewer)
    assert not tells_a_difference(ran, second, "all_but_four", text)
    # So would it if it only said that it counts other days.
    third = drafted(ran, tmp_path, table="other_days", query=fewer, **YEAR_BEFORE)
    assert not tells_a_difference(ran, third, "other_days", text)
    # While what it was compared with is missing, no approval is taken.
    folder.rename(tmp_path / "gone")
    refused = ran.journeys("publish", "--approve", "--officer", "A. Name", "--draft", third)
    assert refused.exit_code == 1 and "is missing" in refused.stderr
    with open_control(ran.settings) as control:
        assert not control.approvals(third)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"unit": "elephants"}, "unit is not one"),
    ({"known": ["age"]}, "calls a column known"),
    ({"last": "2026-02-28"}, "are not a whole year"),
    ({"first": "2026-04-01", "last": "2027-03-31"}, "that the data reach to"),
    ({"categories": {"sex": ["F"]}}, "no declared category"),
    ({"categories": {"gender": ["F", "M"]}, "known": []}, "does not give person_id and the"),
    ({"query": "DELETE FROM person"}, "one SELECT"),
    ({"query": "SELECT sex FROM person"}, "does not give person_id"),
    ({"query": f"{EVERYONE} UNION ALL {EVERYONE}"}, "counted more than once"),
    ({"table": "Not A Name"}, "not in the expected form"),
    ({"more": 1}, "is not a key"),
    ({"day": "sex"}, "a column of its own"),
    ({"day": "counted_on"}, "does not give person_id and the"),
    ({"day": "counted_on", "query": DATED}, "no day in its window"),
]


def test_the_example_of_the_documentation_is_drafted(ran: Partnership, tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "publish.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "entries-after-prison.yaml"
    path.write_text(example)
    found = ran.journeys("publish", "--table", str(path))
    assert found.exit_code == 0, found.stderr
    assert "all are of the window" in ran.journeys("publish", "--draft", newest(ran)).stdout


def test_a_table_that_is_not_sound_is_refused(ran: Partnership, tmp_path: Path) -> None:
    before = ran.kept()
    for changed, said in REFUSED:
        found = ran.journeys("publish", "--table", declared(tmp_path, **changed))
        assert found.exit_code == 1 and said in found.stderr, (changed, found.stderr)
    assert ran.kept() == before
