"""A supplier's layout is its mapping read backwards: what is written is what is read."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import ConfigError
from schemas.extract import read_table
from schemas.mapping import PACKAGED, SystemMapping, known_systems, load_mapping
from schemas.reading.rows import FILE_ROW
from schemas.tables import TABLES, find_table
from synthetic import make_world, write_extracts
from synthetic.layouts import sent, write_as_supplied
from synthetic.streams import Streams

AS_AT = date(2026, 6, 30)
SYSTEMS = [(partner, system) for partner in TABLES for system in known_systems(partner)]


@pytest.fixture(scope="module")
def world():
    return make_world(600, 5, AS_AT, extras=True)


def read_back(folder, mapping, name):
    files = [path for path in folder.iterdir() if mapping.is_file_of(name, path.name)]
    assert len(files) == 1
    return read_table(files[0], find_table(mapping.partner, name), mapping=mapping, as_at=AS_AT)


def written(world, mapping, folder):
    frames = sent(world.tables[mapping.partner], mapping)
    write_as_supplied(frames, mapping, folder, AS_AT, Streams(1))
    return {
        name: frame.rename({column: column.lower() for column in frame.columns})
        for name, frame in frames.items()
    }


def sayable(mapped, ours):
    """Rows whose names fit columns that hold a whole name: one word each, and both there.

    "Mary Ann Smith" in one column is a supplier's own loss, which no reading can mend.
    """
    wanted = pl.lit(True)
    for name, one in mapped.columns.items():
        if name in ("forename", "surname", "finitial", "sinitial"):
            shared = [other for other, two in mapped.columns.items() if two.source == one.source]
            if one.match and len(shared) > 1:
                for other in shared:
                    wanted &= pl.col(other).is_not_null() & ~pl.col(other).str.contains(" ")
    return ours.select(wanted.alias("sayable"))["sayable"]


@pytest.mark.parametrize(("partner", "system"), SYSTEMS)
def test_what_a_system_writes_is_what_its_mapping_reads(partner, system, world, tmp_path):
    mapping = load_mapping(partner, system)
    for name, ours in written(world, mapping, tmp_path).items():
        table, mapped = find_table(partner, name), mapping.tables[name]
        read = read_back(tmp_path, mapping, name)
        columns = [c for c in table.columns if c in mapped.columns or c in mapped.constants]
        assert read.drop(FILE_ROW, strict=False).columns == columns
        assert ours.height > 0 and read.height == ours.height
        order = [key for key in table.key if key in columns]
        bare = ["consent"] if table.consent in columns else []
        read, ours = (frame.sort([*order, *bare], nulls_last=True) for frame in (read, ours))
        fits = sayable(mapped, ours)
        assert fits.mean() > 0.9
        for column in columns:
            assert read[column].filter(fits).to_list() == ours[column].filter(fits).to_list(), (
                column
            )


def without_meaning(mapping):
    """The same mapping, by which a file is read as its supplier wrote it."""
    content = mapping.model_dump(by_alias=True)
    for mapped in content["tables"].values():
        mapped["dates"] = ()
        for one in mapped["columns"].values():
            one["dates"], one["values"] = (), {}
    return SystemMapping.model_validate(content)


@pytest.mark.parametrize(("partner", "system"), SYSTEMS)
def test_a_file_holds_the_suppliers_own_words_and_dates(partner, system, world, tmp_path):
    """Our codes would be read as well, for what a mapping does not list stays as it is."""
    mapping = load_mapping(partner, system)
    for name, ours in written(world, mapping, tmp_path).items():
        raw = read_back(tmp_path, without_meaning(mapping), name)
        for column, one in mapping.tables[name].columns.items():
            words = set(raw[column].drop_nulls())
            if one.values:
                assert not words & (set(one.values.values()) - set(one.values)), column
                assert words & set(one.values) or not ours[column].is_in(one.values.values()).any()
            formats = one.dates or mapping.tables[name].dates
            is_date = find_table(partner, name).columns[column].kind in ("date", "dob")
            if is_date and formats and not formats[0].startswith("%Y-%m-%d"):
                assert not any(word[4:5] == "-" for word in words), column


def test_every_packaged_system_is_tried():
    assert len(SYSTEMS) >= 12


def test_the_files_look_as_different_as_their_suppliers(world, tmp_path):
    kinds = set()
    for partner, system in SYSTEMS:
        written(world, load_mapping(partner, system), tmp_path / system)
        kinds |= {path.suffix for path in (tmp_path / system).iterdir()}
    assert kinds == {".csv", ".txt", ".tsv", ".xlsx", ".ods", ".parquet"}
    start = next((tmp_path / "delius-extract").glob("disposal*")).read_bytes()[:2]
    assert start in (b"\xff\xfe", b"\xfe\xff")
    athena = next((tmp_path / "athena").iterdir()).read_bytes().split(b"\r\n")
    assert athena[0].count(b"|") == athena[1].count(b"|") > 10
    niche = next((tmp_path / "niche").glob("custody*")).read_text(encoding="utf-8")
    assert "W1 - " in niche and "/2025 " in niche


def test_a_file_of_one_supplier_has_no_rows_of_another(world):
    whole = world.tables["treatment"]
    mapping = load_mapping("treatment", "case-workbook")
    frames = sent(whole, mapping)
    assert set(frames["episode"]["AGNCY"]) == {"N0853"} != set(whole["episode"]["AGNCY"])
    assert set(frames["episode"]["CONSENT"]) == {"Y"} != set(whole["episode"]["CONSENT"])
    parents = frames["intervention"].join(
        frames["episode"], on=["AGNCY", "CLIENTID", "EPISODID"], how="anti"
    )
    assert frames["intervention"].height > 0 and parents.is_empty()


def test_layouts_are_written_beside_the_others_and_their_truth_is_complete(tmp_path):
    layouts = {
        "police": load_mapping("police", "athena"),
        "treatment": load_mapping("treatment", "case-workbook"),
    }
    write_extracts(200, 3, tmp_path, AS_AT)
    summary = write_extracts(200, 3, tmp_path, AS_AT, layouts=layouts)
    inbox = tmp_path / "inbox"
    assert {path.name for path in (inbox / "police").iterdir()} == {"athena_det_20260630.txt"}
    assert {path.name for path in (inbox / "treatment").iterdir()} == {"caseload_20260630.xlsx"}
    assert (inbox / "probation" / "sentence.csv").is_file()
    truth = pl.read_csv(tmp_path / "truth" / "record.csv", infer_schema=False)
    counts = dict(truth.group_by("table").len().iter_rows())
    for partner, name in (("police", "custody"), ("treatment", "episode")):
        read = read_back(inbox / partner, layouts[partner], name)
        assert read.height == counts[name] == summary.tables[f"{partner}/{name}"]


@pytest.mark.parametrize(("partner", "system"), SYSTEMS)
def test_one_seed_writes_the_same_bytes_in_every_layout(partner, system, world, tmp_path):
    digests = []
    for go in ("first", "again"):
        written(world, load_mapping(partner, system), tmp_path / go)
        files = sorted((tmp_path / go).iterdir())
        digests.append([(path.name, sha256(path.read_bytes()).digest()) for path in files])
    assert digests[0] == digests[1]


def a_mapping(written=None, **columns):
    given = {
        "custody_ref": "Ref",
        "forename": "F",
        "surname": "S",
        "dob": "B",
        "sex": "G",
        "arrest_date": "A",
        "outcome": "O",
        **columns,
    }
    tests = {"drug_test_ref": "T", "custody_ref": "Ref", "test_date": "D", "result": "R"}
    return SystemMapping.model_validate(
        {
            "partner": "police",
            "system": "made-up",
            "title": "Made up",
            "tables": {
                "custody": {"file": "*cases*.csv", "columns": given, **(written or {})},
                "drug_test": {"file": "*tests*.csv", "columns": tests},
            },
        }
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"outcome": {"from": "O", "match": r"^Disposal no\. (\d+)$"}},
        {"outcome": {"from": "O", "match": r"^\[(\d+)\]"}},
        {"sex": {"from": "G", "match": "^([A-Z])"}, "ethnicity": {"from": "G", "match": "-(.*)$"}},
        {"arrest_date": {"from": "A", "dates": "excel"}},
        {"arrest_date": {"from": "A", "dates": "%d %B %y"}},
        {"postcode": {"from": ["P1", "P2"], "join": "/"}},
    ],
)
def test_a_mapping_nobody_has_seen_needs_no_python(columns, world, tmp_path):
    mapping = a_mapping(**columns)
    ours = written(world, mapping, tmp_path)["custody"]
    read = read_back(tmp_path, mapping, "custody")
    for column in columns:
        assert read[column].to_list() == ours[column].to_list()


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "ods"])
def test_titles_rows_of_names_and_totals_are_written_where_a_mapping_has_them(
    suffix, world, tmp_path
):
    form = {"file": f"*cases*.{suffix}", "header_row": 3, "header_rows": 2, "footer": "Total"}
    split = {"forename": "Person Forename", "surname": "Person Surname", "dob": "Person Born"}
    rest = {"custody_ref": "Case Ref", "sex": "Person Sex", "arrest_date": "Case Day"}
    mapping = a_mapping(form, **split, **rest, outcome="Case Outcome")
    ours = written(world, mapping, tmp_path)["custody"]
    read = read_back(tmp_path, mapping, "custody")
    assert read["surname"].to_list() == ours["surname"].to_list()


def test_a_pattern_that_cannot_be_turned_round_is_refused(world, tmp_path):
    mapping = a_mapping(outcome={"from": "O", "match": r"^[xyz]{4}(\d+)[^\d]{3}$"})
    with pytest.raises(ConfigError, match="outcome"):
        written(world, mapping, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_shape_and_a_layout_of_treatment_contradict_each_other(tmp_path):
    layouts = {"treatment": load_mapping("treatment", "ndtms")}
    with pytest.raises(ConfigError):
        write_extracts(100, 1, tmp_path, AS_AT, shape="ndtms", layouts=layouts)
    assert not list(tmp_path.iterdir())


def synthesise(*words):
    return CliRunner().invoke(app, ["synthesise", "--people", "60", *words])


def test_the_command_writes_a_partner_as_its_own_mapping_says(tmp_path):
    (tmp_path / "mappings").mkdir()
    niche = (PACKAGED / "police-niche.yaml").read_text(encoding="utf-8")
    ours = niche.replace("system: niche", "system: ours").replace("PNC ID", "National No")
    (tmp_path / "mappings" / "police-ours.yaml").write_text(ours, encoding="utf-8")
    done = synthesise("--out", str(tmp_path), "--layout", "police=ours")
    assert done.exit_code == 0
    assert "system: ours" in done.stderr
    (written,) = (tmp_path / "inbox" / "police").glob("custody*")
    assert "National No" in written.read_text(encoding="utf-8").split("\n")[0]
    assert (tmp_path / "inbox" / "housing" / "person.csv").is_file()


@pytest.mark.parametrize(
    "layouts",
    [["police"], ["court=niche"], ["police=nowhere"], ["police=niche", "police=athena"]],
)
def test_the_command_refuses_a_layout_that_is_none(layouts, tmp_path):
    words = [word for layout in layouts for word in ("--layout", layout)]
    assert synthesise("--out", str(tmp_path), *words).exit_code != 0
    assert not (tmp_path / "inbox").exists()
