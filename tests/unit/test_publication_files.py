"""The files of a publication: CSV that its metadata describe, JSON, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import polars as pl
import pytest
from pack import pack, table, tables

from governance.disclosure import DisclosureError
from warehouse.publish.columns import cells, described, is_formula
from warehouse.publish.csvw import METADATA, csv_files, metadata
from warehouse.publish.data_files import data_files
from warehouse.publish.machine import pack_json
from warehouse.publish.pack import COLUMNS


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return data_files(pack())


def faults(told: dict[str, Any], text: str) -> list[str]:
    """What of a CSV file is not as its metadata say, by the rules of CSV on the Web."""
    schema = told["tableSchema"]
    header, *rows = list(csv.reader(io.StringIO(text), strict=True))
    named = {column["name"]: column for column in schema["columns"]}
    if header != list(named):
        return ["header"]
    found = []
    for row in rows:
        for column, cell in zip(named.values(), row, strict=True):
            if cell in column.get("null", [""]):
                found += [f"{column['name']} is required"] if column.get("required") else []
            elif not is_of(cell, column["datatype"]):
                found.append(f"{column['name']} is not a {column['datatype']}")
    keys = [tuple(row[header.index(name)] for name in schema.get("primaryKey", [])) for row in rows]
    return found + (["key"] if schema.get("primaryKey") and len(set(keys)) < len(keys) else [])


def is_of(cell: str, datatype: Any) -> bool:
    base = datatype["base"] if isinstance(datatype, dict) else datatype
    try:
        match base:
            case "date":
                return date.fromisoformat(cell) is not None
            case "boolean":
                return cell in ("true", "false")
            case "decimal":
                return float(cell) is not None
            case "nonNegativeInteger":
                return int(cell) >= 0
    except ValueError:
        return False
    return base == "string"


def test_every_csv_file_is_as_the_metadata_say(files: dict[str, bytes]) -> None:
    told = json.loads(files[METADATA])
    described_files = {one["url"] for one in told["tables"]}
    assert described_files == {name for name in files if name.endswith(".csv")}
    assert {one["url"]: faults(one, files[one["url"]].decode()) for one in told["tables"]} == {
        name: [] for name in described_files
    }


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("category,step_number", "step_number,category", "header"),
        (",70,120,58", ",seventy,120,58", "people is not a"),
        ("release_need,", ",", "cohort is required"),
        (",2026-06-30,sex,Male,1,", ",2026-06-30,sex,Female,1,", "key"),
    ],
)
def test_a_fault_in_a_csv_file_would_be_seen(
    files: dict[str, bytes], before: str, after: str, fault: str
) -> None:
    told = next(one for one in json.loads(files[METADATA])["tables"] if one["url"] == "funnel.csv")
    text = files["funnel.csv"].decode()
    assert before in text
    assert any(said.startswith(fault) for said in faults(told, text.replace(before, after)))


def test_the_metadata_name_the_publisher_and_every_note() -> None:
    said = metadata(pack(notes=("One note.", "Another.")))
    assert said["dc:publisher"] == "A & B <Combating Drugs Partnership>"
    assert said["dc:description"].startswith("A demonstration")
    assert said["dc:description"].endswith("One note. Another.")
    assert not metadata(pack(demonstration=False))["dc:description"].startswith("A demonstration")


def test_the_metadata_say_where_the_titles_of_codes_are() -> None:
    """By a key into the definitions, where those are of every row; of splits, in words."""
    names = sorted({*tables()["outcomes"]["metric"], "release_need"})
    every = pack(definitions=tuple({"metric": name, "title": name} for name in names))
    for given, keys in ((every, ["cohort", "cohort", "metric", "name"]), (pack(), [])):
        told = {one["url"]: one["tableSchema"] for one in metadata(given)["tables"]}
        assert told["definitions.csv"]["primaryKey"] == ["metric"]
        found = [key for one in told.values() for key in one.get("foreignKeys", [])]
        assert [key["columnReference"][0] for key in found] == keys
        assert {key["reference"]["resource"] for key in found} <= {"definitions.csv"}
    split = next(one for one in told["funnel.csv"]["columns"] if one["name"] == "split")
    assert split["dc:description"].endswith("Titles: All, All; sex, Sex; age_band, Age.")


def test_each_table_and_column_of_a_publication_is_described() -> None:
    assert {one.name: tuple(column.name for column in one.columns) for one in described()} == dict(
        COLUMNS
    )
    for one in described():
        assert set(one.key) <= set(COLUMNS[one.name])
        for column in one.columns:
            assert column.title and column.says.endswith(".")


def test_json_has_numbers_and_says_which_shorthand_stands_in_their_place() -> None:
    said = json.loads(pack_json(pack()))
    rows = said["tables"]["outcomes"]["rows"]
    shown = next(row for row in rows if row["category"] == "Male")
    masked = next(row for row in rows if row["category"] == "Female")
    assert (shown["numerator"], shown["percent"], "shorthand" in shown) == (50, 48, False)
    assert (masked["numerator"], masked["denominator"]) == (None, 15)
    assert masked["shorthand"] == {"numerator": "[c]", "percent": "[c]"}
    assert said["releases"][0]["certificate"] == "0" * 64
    assert set(said["tables"]) == set(COLUMNS)


def test_csv_and_json_say_the_same(files: dict[str, bytes]) -> None:
    said = json.loads(files["pack.json"])
    for one in described():
        text = list(csv.DictReader(io.StringIO(files[f"{one.name}.csv"].decode())))
        rows = said["tables"][one.name]["rows"]
        assert len(text) == len(rows)
        for as_text, as_json in zip(text, rows, strict=True):
            shorthand = as_json.pop("shorthand", {})
            for name, value in as_json.items():
                shown = shorthand.get(name, value)
                shown = str(shown).lower() if isinstance(shown, bool) else shown
                assert as_text[name] == ("" if shown is None else str(shown))


def test_the_same_publication_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    assert data_files(pack()) == files


def test_a_publication_without_a_row_can_be_written() -> None:
    bare = {name: table(name, []) for name in COLUMNS}
    written = csv_files(pack(tables=bare, definitions=()))
    assert written["funnel.csv"].decode().strip() == ",".join(COLUMNS["funnel"])
    assert data_files(pack(tables=bare, definitions=()))


def test_two_rows_of_one_key_are_refused() -> None:
    given = tables()
    twice = {**given, "outcomes": pl.concat([given["outcomes"], given["outcomes"].head(1)])}
    with pytest.raises(DisclosureError, match="Two rows of the table outcomes are of the same"):
        data_files(pack(tables=twice))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_text_that_a_spreadsheet_would_calculate_is_refused(sign: str) -> None:
    given = tables()
    odd = given["funnel"].with_columns(step=pl.lit(f"{sign}1+cmd|' /C calc'!A0"))
    with pytest.raises(DisclosureError, match="column step of the table funnel") as refused:
        data_files(pack(tables={**given, "funnel": odd}))
    assert "calc" not in str(refused.value)


@pytest.mark.parametrize("text", ["=1+1", "a\x07bell", "a\x00"])
def test_a_definition_is_held_to_the_same(text: str) -> None:
    with pytest.raises(DisclosureError, match="A definition holds text"):
        data_files(pack(definitions=({"metric": "continuity_of_care", "title": text},)))


def test_a_negative_number_is_no_formula() -> None:
    assert not is_formula("-3") and not is_formula("-3.5") and is_formula("-3+1")


def test_cells_are_of_their_kinds() -> None:
    told = {one.name: one for one in described()}
    row = cells(pack().tables["framework"], told["framework"])[0]
    named = dict(zip(COLUMNS["framework"], row, strict=True))
    assert named["place"] == 1 and named["numerator"] == 55 and named["england"] == 57
    assert named["period_end"] == date(2026, 6, 30) and named["note"].startswith("A proxy")
