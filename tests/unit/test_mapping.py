"""Mappings: suppliers' files read into one layout, and mistakes in a mapping told in a sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import spreadsheets
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from supplier_files import write_extract

from schemas.errors import ConfigError, ExtractRejected
from schemas.extract import read_table
from schemas.mapping import (
    PACKAGED,
    SystemMapping,
    known_systems,
    load_mapping,
    own_layout,
)
from schemas.reading.rows import FILE_ROW, rows_in_file
from schemas.reading.translate import apply_mapping
from schemas.tables import TABLES, find_table

CANARY = "Xanthippe-Quillfeather"
EXAMPLES = [(partner, system) for partner in TABLES for system in known_systems(partner)]
CUSTODY = find_table("police", "custody")


@pytest.mark.parametrize("partner", TABLES)
def test_every_partner_has_three_worked_examples(partner):
    assert len(known_systems(partner)) >= 3


def test_the_examples_do_not_look_alike():
    looks = set()
    for partner, system in EXAMPLES:
        for mapped in load_mapping(partner, system).tables.values():
            suffix = mapped.file[0].rpartition(".")[2]
            looks.add((suffix, mapped.encoding, mapped.delimiter, mapped.dates[:1]))
    assert len(looks) >= 8
    assert {suffix for suffix, *_ in looks} >= {"csv", "tsv", "txt", "xlsx", "ods", "parquet"}


@pytest.mark.parametrize(("partner", "system"), EXAMPLES)
def test_an_example_reads_its_suppliers_files_into_our_layout(partner, system, tmp_path):
    mapping = load_mapping(partner, system)
    for name, (path, rows) in write_extract(tmp_path, mapping).items():
        table = find_table(partner, name)
        read = read_table(path, table, mapping=mapping)
        if mapping.tables[name].shared_rows:
            read = read.drop(FILE_ROW)
        expected = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
        assert read.columns == [c for c in table.columns if c in expected.columns]
        for column in read.columns:
            assert read[column].to_list() == expected[column].to_list(), (name, column)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "ods", "parquet"])
def test_our_own_layout_is_read_from_any_kind_of_file(suffix, tmp_path):
    mapping = own_layout("police")
    names = list(CUSTODY.columns)
    row = {name: f"v {at}" for at, name in enumerate(names)} | {"arrest_date": "2024-01-05"}
    path = tmp_path / f"custody.{suffix}"
    if suffix == "parquet":
        pl.DataFrame([row]).write_parquet(path)
    elif suffix in ("xlsx", "ods"):
        path.write_bytes(getattr(spreadsheets, suffix)({"Sheet1": [names, list(row.values())]}))
    else:
        pl.DataFrame([row]).write_csv(path, separator="," if suffix == "csv" else "\t")
    assert mapping.is_file_of("custody", path.name)
    assert read_table(path, CUSTODY, mapping=mapping).rows(named=True) == [row]


GOOD: dict[str, Any] = {
    "partner": "police",
    "system": "ours",
    "title": "Ours",
    "tables": {
        "custody": {
            "file": "c*.csv",
            "dates": "%d/%m/%Y",
            "columns": {
                "custody_ref": "Ref",
                "arrest_date": "Arrested",
                "dob": {"from": "Born", "dates": ["%d/%m/%Y", "%d/%m/%y"]},
                "sex": {"from": "Sex", "values": {"Man": "M", "Woman": "F"}},
                "forename": {"from": "Name", "match": r",\s*(.+)$"},
                "surname": {"from": "Name", "match": "^([^,]+)"},
            },
            "empty": ["NULL"],
            "ignore": ["Officer"],
        },
        "drug_test": {
            "file": "t*.csv",
            "columns": {"drug_test_ref": "Ref", "custody_ref": "Custody", "test_date": "Day",
                        "result": "Result"},
        },
    },
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good mapping with one key set, or taken out where the value is `...`."""
    made = yaml.safe_load(yaml.safe_dump(GOOD))
    *outer, last = path.split(".")
    place = made
    for key in outer:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return made


def saved(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "police-ours.yaml").write_text(yaml.safe_dump(content))
    return folder


def loaded(tmp_path: Path, content: dict[str, Any] = GOOD) -> SystemMapping:
    return load_mapping("police", "ours", saved(tmp_path / "mappings", content))


COLUMNS = "tables.custody.columns"
MISTAKES = {
    "partner that is none": ("partner", CANARY, "`partner` is not one of the values allowed"),
    "system named otherwise": ("system", "other", "of another partner or system"),
    "surprise": ("surprise", CANARY, "`surprise` is not a key"),
    "surprise in a table": ("tables.custody.surprise", CANARY, "custody.surprise` is not a key"),
    "surprise in a column": (f"{COLUMNS}.dob.surprise", CANARY, "surprise` is not a key"),
    "no file": ("tables.custody.file", ..., "`tables.custody.file` is missing"),
    "no columns": ("tables.custody.columns", {}, "has too few entries"),
    "table that is none": ("tables.arrests", GOOD["tables"]["drug_test"], "has a table arrests"),
    "table left out": ("tables.drug_test", ..., "does not say where drug_test comes from"),
    "column that is none": (f"{COLUMNS}.nickname", "Nick", "gives nickname, which is none"),
    "column whose name is data": (f"{COLUMNS}.{CANARY}", "Nick", "gives of another name"),
    "required column left out": (f"{COLUMNS}.arrest_date", ..., "does not give arrest_date"),
    "encoding that is none": ("tables.custody.encoding", CANARY, "is not one of the values"),
    "delimiter that is none": ("tables.custody.delimiter", CANARY, "is not one of the values"),
    "header row 0": ("tables.custody.header_row", 0, "is smaller than is allowed"),
    "header row in words": ("tables.custody.header_row", "two", "is not a whole number"),
    "quotes in words": ("tables.custody.quotes", CANARY, "is neither true nor false"),
    "no date format": ("tables.custody.dates", CANARY, "has a date format that is not"),
    "no year": ("tables.custody.dates", "%d/%m", "has a date format that is not"),
    "unknown part": ("tables.custody.dates", "%d/%m/%Y %Q", "has a date format that is not"),
    "two ways to read a date": ("tables.custody.dates", ["%d/%m/%Y", "%m/%d/%Y"], "two days"),
    "dates of no date": (f"{COLUMNS}.sex", {"from": "S", "dates": "%d/%m/%Y"}, "holds no date"),
    "values of a date": (f"{COLUMNS}.dob", {"from": "B", "values": {"x": "y"}}, "holds a date"),
    "code that is none": (f"{COLUMNS}.sex.values", {"Man": "MALE"}, "code list sex does not have"),
    "constant code that is none": ("tables.custody.constants", {"outcome": "x"}, "does not have"),
    "value twice": (f"{COLUMNS}.sex.values", {"Man": "M", "MAN ": "F"}, "maps a value twice"),
    "pattern that is none": (f"{COLUMNS}.surname.match", "(", "has a match that is not"),
    "pattern without a group": (f"{COLUMNS}.surname.match", "x", "has a match that is not"),
    "pattern with two groups": (f"{COLUMNS}.surname.match", "(x)(y)", "has a match that is not"),
    "look-behind": (f"{COLUMNS}.surname.match", "(?<=x)(y)", "has a match that is not"),
    "ignored and read": ("tables.custody.ignore", ["BORN"], "ignores a column that it also"),
    "column and constant": ("tables.custody.constants", {"sex": "M"}, "both a column and a"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_mapping_is_one_sentence_without_a_value(mistake, tmp_path):
    path, value, words = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, changed(path, value))
    assert words in caught.value.problem
    assert "police-ours.yaml" in caught.value.problem
    if "surprise" not in mistake:
        assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_mapping_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(ConfigError, match="no mapping for the police system vax") as caught:
        load_mapping("police", "vax", tmp_path)
    assert "athena, connect, niche" in caught.value.remedy


@pytest.mark.parametrize("name", ["../police", "a/b", "", "Niche", "x" * 60])
def test_a_system_cannot_lead_out_of_the_folder(name, tmp_path):
    with pytest.raises(ConfigError, match="is not a name in small letters"):
        load_mapping("police", name, tmp_path)


def test_the_partnerships_own_mapping_wins(tmp_path):
    own = (PACKAGED / "police-niche.yaml").read_text().replace("title: Niche", "title: Our Niche")
    (tmp_path / "police-niche.yaml").write_text(own)
    assert load_mapping("police", "niche", tmp_path).title.startswith("Our Niche")
    assert load_mapping("police", "niche").title.startswith("Niche")
    assert (
        load_mapping("police", "niche", tmp_path).digest != load_mapping("police", "niche").digest
    )


def test_yes_and_no_in_a_mapping_are_words(tmp_path):
    text = yaml.safe_dump(GOOD).replace("Man: M", "No: M").replace("Woman: F", "on: F")
    folder = saved(tmp_path / "mappings", GOOD)
    (folder / "police-ours.yaml").write_text(text)
    values = load_mapping("police", "ours", folder).tables["custody"].columns["sex"].values
    assert values == {"No": "M", "on": "F"}


def read(tmp_path: Path, text: str, content: dict[str, Any] = GOOD, **options: Any) -> pl.DataFrame:
    path = tmp_path / "custody.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, CUSTODY, mapping=loaded(tmp_path, content), **options)


HEADER = "Ref,Arrested,Born,Sex,Name\n"


def test_values_dates_and_parts_are_read_and_the_rest_is_left_as_it_is(tmp_path):
    rows = 'A1,05/01/2024,3/2/80,man,"SMITH, Jo"\nA2,2024-13-45,31/02/1980,x,SMITH\nA3,,null,,\n'
    frame = read(tmp_path, HEADER + rows)
    assert frame.to_dicts() == [
        {"custody_ref": "A1", "forename": "Jo", "surname": "SMITH", "dob": "1980-02-03",
         "sex": "M", "arrest_date": "2024-01-05"},
        {"custody_ref": "A2", "forename": "SMITH", "surname": "SMITH", "dob": "31/02/1980",
         "sex": "x", "arrest_date": "2024-13-45"},
        {"custody_ref": "A3", "forename": None, "surname": None, "dob": None, "sex": None,
         "arrest_date": None},
    ]  # fmt: skip


def test_a_year_of_two_digits_is_the_last_that_a_person_can_be_born_in(tmp_path):
    rows = "A1,05/01/2024,01/02/45,,\nA2,05/01/2024,01/02/05,,\nA3,05/01/24,,,\n"
    frame = read(tmp_path, HEADER + rows, as_at=date(2026, 4, 1))
    assert frame["dob"].to_list() == ["1945-02-01", "2005-02-01", None]
    assert frame["arrest_date"].to_list()[2] == "05/01/24", "two digits were not promised"


@given(
    arrested=st.dates(date(2015, 1, 1), date(2026, 4, 1)),
    day=st.integers(1, 28),
    month=st.integers(1, 12),
    year=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_nobody_is_arrested_under_ten_by_a_year_of_two_digits(arrested, day, month, year):
    written = f"{day:02}/{month:02}/{year:02}"
    row = {"ref": "A1", "arrested": f"{arrested:%d/%m/%Y}", "born": written, "sex": "", "name": ""}
    mapping = SystemMapping.model_validate(GOOD)
    read = apply_mapping(pl.DataFrame([row]), CUSTODY, mapping, date(2026, 4, 1))
    born = date.fromisoformat(read["dob"][0])
    assert f"{born:%d/%m/%y}" == written
    assert date(born.year + 10, born.month, born.day) <= arrested
    assert date(born.year + 110, born.month, born.day) > arrested, "and it is the last such year"


def test_a_record_without_a_day_of_its_own_is_read_against_the_extracts_day():
    tables = {
        name: {
            "file": f"{name}.csv",
            "columns": {c: c for c in find_table("housing", name).columns},
        }
        for name in ("application", "person", "duty", "tenancy")
    }
    tables["person"]["dates"] = "%d/%m/%y"
    household = {"partner": "housing", "system": "ours", "title": "Ours", "tables": tables}
    person = find_table("housing", "person")
    rows = [dict.fromkeys(person.columns, "") | {"dob": dob} for dob in ("31/03/26", "02/04/26")]
    mapping = SystemMapping.model_validate(household)
    read = apply_mapping(pl.DataFrame(rows), person, mapping, date(2026, 4, 1))
    assert read["dob"].to_list() == ["2026-03-31", "1926-04-02"], "a child may be a day old"


def test_a_value_that_its_pattern_does_not_fit_stays_and_an_empty_group_says_nothing(tmp_path):
    content = changed(f"{COLUMNS}.forename.match", r"^[^,]*(?:,\s*(.+))?$")
    content["tables"]["custody"]["columns"]["ethnicity"] = {"from": "Sex", "match": r"^([A-Z]\d)\b"}
    rows = 'A1,05/01/2024,,W1 - White,"SMITH, Jo"\nA2,05/01/2024,,Refused,SMITH\n'
    frame = read(tmp_path, HEADER + rows, content)
    assert frame["forename"].to_list() == ["Jo", None]
    assert frame["ethnicity"].to_list() == ["W1", "Refused"]


def only_surname(pattern: str) -> dict[str, Any]:
    content = changed(f"{COLUMNS}.forename", ...)
    content["tables"]["custody"]["columns"]["surname"]["match"] = pattern
    return content


@pytest.mark.parametrize(("fitting", "values"), [(0, 9), (1, 30)])
def test_a_pattern_that_fits_few_values_is_let_be(fitting, values, tmp_path):
    names = ["zzz Jo"] * fitting + ["Ann"] * (values - fitting)
    rows = "".join(f"A{at},05/01/2024,,,{name}\n" for at, name in enumerate(names))
    frame = read(tmp_path, HEADER + rows, only_surname("^(zzz)"))
    assert frame["surname"].to_list() == ["zzz"] * fitting + ["Ann"] * (values - fitting)


def test_a_pattern_that_fits_no_value_is_a_mistake_in_the_mapping(tmp_path):
    rows = "".join(f"A{at},05/01/2024,,,{CANARY}\n" for at in range(10))
    with pytest.raises(
        ExtractRejected, match="surname in the mapping fits none of the 10"
    ) as caught:
        read(tmp_path, HEADER + rows, only_surname("^(zzz)"))
    assert CANARY not in str(caught.value)


def test_a_wrong_header_row_is_hinted_at(tmp_path):
    text = f"{CANARY},{CANARY},b,c,d\n{HEADER}A1,05/01/2024,,,\n"
    for content in (text, f"{CANARY}\n{HEADER}A1,05/01/2024,,,\n"):
        with pytest.raises(ExtractRejected) as caught:
            read(tmp_path, content)
        assert "`header_row`" in caught.value.remedy and CANARY not in str(caught.value)
    with pytest.raises(ExtractRejected) as caught:
        read(tmp_path, HEADER.replace("Born", "DOB") + "A1,05/01/2024,,,\n")
    assert "`header_row`" not in caught.value.remedy, "that was the header"


@pytest.mark.parametrize(
    ("form", "written"),
    [("%Y-%m-%dT%H:%M:%SZ", "2026-04-05T23:11:12Z"), ("%d/%m/%Y %I:%M %p", "5/4/2026 03:04 PM"),
     ("%d %B %Y", "05 April 2026"), ("%e/%m/%Y", "5/04/2026"),
     ("%d/%m/%Y %H:%M:%S.%f", "05/04/2026 10:11:12.123")],
)  # fmt: skip
def test_the_parts_of_a_date_that_are_documented_are_read(form, written, tmp_path):
    content = changed("tables.custody.dates", form)
    frame = read(tmp_path, HEADER + f"A1,{written},,,\n", content)
    assert frame["arrest_date"].to_list() == ["2026-04-05"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_blank_rows_are_passed_over_and_the_others_keep_their_numbers(kind, tmp_path):
    rows = [HEADER.strip().split(","), ["A1", "05/01/2024", "", "", ""], [""] * 5, [""] * 5,
            ["A2", "06/01/2024", "", "", ""]]  # fmt: skip
    text = "\n".join(",".join(row) if any(row) else "" for row in rows).encode()
    path = tmp_path / f"custody.{kind}"
    path.write_bytes(text if kind == "csv" else spreadsheets.xlsx({"custody": rows}))
    frame = read_table(path, CUSTODY, mapping=loaded(tmp_path))
    assert frame["custody_ref"].to_list() == ["A1", "A2"]
    assert rows_in_file(frame).to_list() == [1, 4]


def test_a_file_without_blank_rows_needs_no_numbers(tmp_path):
    frame = read(tmp_path, HEADER + "A1,05/01/2024,,,\nA2,05/01/2024,,,\n")
    assert FILE_ROW not in frame.columns and rows_in_file(frame).to_list() == [1, 2]


@pytest.mark.parametrize("written", ["2026-04-05T23:30", "2026-04-05 23:30:59", "2026-04-05"])
def test_a_day_and_time_as_programs_write_it_need_no_format(written, tmp_path):
    frame = read(tmp_path, HEADER + f"A1,{written},,,\n")
    assert frame["arrest_date"].to_list() == ["2026-04-05"]


def test_columns_nobody_asked_for_are_counted_under_their_places_in_the_file(tmp_path):
    text = f"Officer,{CANARY},outcome,{HEADER}x,y,1,A1,05/01/2024,,,\n"
    frame = read(tmp_path, text)
    assert [name for name in frame.columns if name not in CUSTODY.columns] == [
        "unmapped 2",
        "unmapped 3",
    ]
    assert "outcome" not in frame.columns, "a column of theirs is ours only where it is mapped"


def test_a_column_that_is_not_shared_need_not_be_in_the_file(tmp_path):
    text = "Ref,Arrested\nA1,05/01/2024\n"
    with pytest.raises(ExtractRejected, match="lacks born, name, sex"):
        read(tmp_path, text)
    frame = read(tmp_path, text, columns={"custody_ref", "arrest_date"})
    assert frame.columns == ["custody_ref", "arrest_date"]


def test_a_title_above_the_header_is_passed_over_where_the_mapping_says_so(tmp_path):
    content = changed("tables.custody.header_row", 3)
    frame = read(tmp_path, f"{CANARY}\n\n{HEADER}A1,05/01/2024,,,\n", content)
    assert frame["custody_ref"].to_list() == ["A1"]
    with pytest.raises(ExtractRejected, match="no header"):
        read(tmp_path, f"{CANARY}\n", content)


NAME = "Zoë’s"
TEXT = f"{HEADER}A1,05/01/2024,,,{NAME}\n"


@pytest.mark.parametrize(
    ("encoding", "given"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-8", "utf-8"),
     ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252")],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", ",;\t|")
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_common_encoding_and_delimiter_is_read(encoding, given, delimiter, end, tmp_path):
    content = changed("tables.custody.encoding", given) if given else GOOD
    text = TEXT.replace(",", delimiter).replace("\n", end)
    frame = read(tmp_path, text.encode(encoding), content)
    assert frame["surname"].to_list() == [NAME]


@pytest.mark.parametrize(
    ("encoding", "given", "words"),
    [("cp1252", None, "not in UTF-8"), ("utf-8", "cp1252", "is in UTF-8, not in cp1252"),
     ("cp1252", "latin-1", "control characters"), ("utf-16", "cp1252", "is in UTF-16"),
     ("utf-8-sig", "utf-16-le", "is in UTF-8"), ("utf-16-le", None, "null bytes"),
     ("utf-16-le", "utf-16", "no byte-order mark"), ("utf-8-sig", "cp1252", "is in UTF-8")],
)  # fmt: skip
def test_an_encoding_that_is_not_the_mappings_is_refused(encoding, given, words, tmp_path):
    content = changed("tables.custody.encoding", given) if given else GOOD
    with pytest.raises(ExtractRejected, match=words) as caught:
        read(tmp_path, TEXT.encode(encoding), content)
    assert NAME not in str(caught.value)


def test_a_delimiter_that_is_not_the_mappings_is_refused(tmp_path):
    with pytest.raises(ExtractRejected, match="is not separated by pipes"):
        read(tmp_path, TEXT, changed("tables.custody.delimiter", "pipe"))


def test_numbers_are_written_one_way(tmp_path):
    table = find_table("treatment", "outcomes_profile")
    days = [name for name, column in table.columns.items() if column.kind == "days_of_28"]
    mapping = own_layout("treatment")
    mapped = mapping.tables["outcomes_profile"].model_copy(update={"decimal": "comma"})
    mapping = mapping.model_copy(update={"tables": {**mapping.tables, "outcomes_profile": mapped}})
    path = tmp_path / "outcomes_profile.csv"
    row = dict.fromkeys(table.columns, "x") | {days[0]: "3,0", days[1]: "2,5", days[2]: "7.0"}
    pl.DataFrame([row]).write_csv(path, separator=";")
    read = read_table(path, table, mapping=mapping)
    assert [read[name][0] for name in days[:3]] == ["3", "2.5", "7"]


def test_rows_that_hold_two_tables_give_each_its_own(tmp_path):
    mapping = load_mapping("police", "athena")
    header = ["DET_REF", "PNCID", "CRO", "FORENAME1", "FORENAME2", "SURNAME", "DOB", "SEX",
              "ETH_SDE", "PCODE", "ARR_DT", "REL_DT", "HO_CLASS", "DISP_CD", "DISP_DT", "DT_REF",
              "DT_DATE", "DT_RESULT", "WARRANT_NO", CANARY]  # fmt: skip
    person = [*[""] * 11, "", "", ""]
    rows = [["D1", *person, "T1", "20240105", "N"], ["D1", *person, "T2", "20240106", "OC"],
            ["D2", *person, "", "", ""], ["D3", *person, "", "20240107", ""]]  # fmt: skip
    lines = ["|".join([*row, "w", str(at)]) for at, row in enumerate(rows)]
    path = tmp_path / "athena_det_1.txt"
    path.write_text("\n".join(["|".join(header), *lines]) + "\n")
    custody = read_table(path, CUSTODY, mapping=mapping)
    assert custody["custody_ref"].to_list() == ["D1", "D2", "D3"]
    assert "unmapped 20" in custody.columns, "what nobody asked for is still counted"
    tests = read_table(path, find_table("police", "drug_test"), mapping=mapping)
    assert rows_in_file(custody).to_list() == [1, 3, 4]
    assert rows_in_file(tests).to_list() == [1, 2, 4], "as they stand in the file"
    assert tests["drug_test_ref"].to_list() == ["T1", "T2", None], "a test without its key is kept"
    assert tests["result"].to_list() == ["NEG", "POS_BOTH", None]
