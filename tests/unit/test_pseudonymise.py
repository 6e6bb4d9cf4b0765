"""Identities part from events, and only what the agreement allows goes either way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.start import start
from governance.agreements import Agreement, load_agreement
from governance.keys import RootKey
from governance.pseudonymise import in_keyed_order, pseudonymise
from governance.rights.marks import marks_of
from schemas.contract import Validated, validate_extract
from schemas.encoded import delivered_schema
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.marks import GROUNDS, marks_schema
from schemas.tables import TABLES, find_table
from synthetic import write_extracts
from warehouse.staging import tables_of

ROOT = RootKey(bytes(range(32)))
PARTNERS = tuple(TABLES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("partnership")
    write_extracts(200, 5, made)
    start(made, demo=True, today=date(2026, 11, 21))
    return made


def agreement(folder: Path, partner: str) -> Agreement:
    return load_agreement(folder / "agreements" / f"{partner}.yaml")


@pytest.fixture(scope="module")
def extracts(folder) -> dict[str, Validated]:
    return {
        partner: validate_extract(
            partner,
            {
                t.name: read_table(folder / "inbox" / partner / f"{t.name}.csv", t)
                for t in tables
                if not t.optional
            },
        )
        for partner, tables in TABLES.items()
    }


def parted(extract, terms, *, root=ROOT, purpose="cohorts", epoch=1):
    return pseudonymise(extract, terms, root.purpose_key(purpose, epoch))


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_identity_row_is_encoded_and_every_row_kept(partner, folder, extracts):
    made = parted(extracts[partner], agreement(folder, partner))
    naming = sum(
        extracts[partner].frames[table.name].height
        for table in TABLES[partner]
        if table.identity is not None
    )
    assert made.encoded.height == naming
    assert dict(made.encoded.schema) == delivered_schema()
    for table in TABLES[partner]:
        events = made.events[f"{partner}_{table.name}"]
        assert events.height == extracts[partner].frames[table.name].height
        assert set(events.columns) <= set(tables_of(partner)[f"{partner}_{table.name}"])


def test_a_requirements_words_are_generalised_to_its_category_and_go_no_further(folder, extracts):
    terms = agreement(folder, "probation")
    assert terms.tables["requirement"]["description"] == ("generalise",)
    events = parted(extracts["probation"], terms).events["probation_requirement"]
    assert events["category"].null_count() == 0
    assert {"DRR", "ATR", "RAR"} <= set(events["category"])
    assert "description" not in events.columns
    dropped = changed(terms, "requirement", description=("drop",))
    assert "category" not in parted(extracts["probation"], dropped).events["probation_requirement"]


@pytest.mark.parametrize("partner", PARTNERS)
def test_only_record_ids_join_the_two_sides(partner, folder, extracts):
    made = parted(extracts[partner], agreement(folder, partner))
    ids = {i for frame in made.events.values() for i in frame.columns if i == "record_id"}
    assert ids == {"record_id"}
    encoded = set(made.encoded["record_id"].to_list())
    other = {
        value
        for name, column in ((c, made.encoded[c]) for c in made.encoded.columns)
        if name != "record_id" and column.dtype == pl.Int64
        for value in column.drop_nulls().to_list()
    }
    for frame in made.events.values():
        if "record_id" in frame.columns:
            assert set(frame["record_id"].to_list()) <= encoded
        for name in frame.columns:
            if name.endswith("_key"):
                assert not set(frame[name].to_list()) & (other | encoded), name


@pytest.mark.parametrize("partner", PARTNERS)
def test_no_text_of_the_extract_reaches_the_encodings_or_an_identifier_the_events(
    partner, folder, extracts
):
    made = parted(extracts[partner], agreement(folder, partner))
    assert [c for c, t in made.encoded.schema.items() if t == pl.String] == ["partner"]
    secret = {
        str(value)
        for table in TABLES[partner]
        for name, column in table.columns.items()
        if column.role != "attribute" and name in extracts[partner].frames[table.name].columns
        and name != "agncy"
        for value in extracts[partner].frames[table.name][name].drop_nulls().unique().to_list()
    }  # fmt: skip
    assert len(secret) > 50
    told = {
        str(value)
        for frame in made.events.values()
        for name in frame.columns
        for value in frame[name].drop_nulls().unique().to_list()
    }
    # A letter, or a district that is also somebody's initial, says nothing.
    assert {value for value in secret & told if len(value) > 2} == set()


def test_child_rows_still_find_their_parents(folder, extracts):
    made = parted(extracts["housing"], agreement(folder, "housing"))
    cases = set(made.events["housing_application"]["case_key"].to_list())
    for child in ("housing_person", "housing_duty"):
        keys = made.events[child]["case_key"].to_list()
        assert keys
        assert set(keys) <= cases
    people = set(made.events["housing_person"]["person_key"].to_list())
    assert set(made.events["housing_tenancy"]["person_key"].to_list()) <= people


def test_the_same_extract_gives_the_same_ids_whatever_else_came_with_it(folder, extracts):
    terms, whole = agreement(folder, "police"), extracts["police"]
    first = parted(whole, terms).encoded
    some = {**whole.frames, "custody": whole.frames["custody"].reverse().head(20)}
    half = replace(whole, frames=some)
    again = parted(half, terms).encoded
    assert again.join(first, on="record_id", how="anti").is_empty()
    assert again.sort("record_id").equals(
        first.join(again.select("record_id"), on="record_id", how="semi").sort("record_id")
    )


def test_the_order_of_the_rows_says_nothing_of_the_files(folder, extracts):
    """A file sorted by name or address would otherwise nearly name who each row is of."""
    terms, whole = agreement(folder, "police"), extracts["police"]
    backwards = replace(whole, frames={name: one.reverse() for name, one in whole.frames.items()})

    def mixed(extract):
        return in_keyed_order({epoch: parted(extract, terms, epoch=epoch) for epoch in (3, 4)})

    one, other, plain = mixed(whole), mixed(backwards), parted(whole, terms, epoch=4)
    for epoch in (3, 4):
        assert one[epoch].encoded.equals(other[epoch].encoded)
        for name, frame in one[epoch].events.items():
            assert frame.equals(other[epoch].events[name]), name
    assert one[3].encoded["record_id"].is_sorted()
    # Both epochs stand in one order, so that a record can be followed from the one to the other.
    assert not one[4].encoded["record_id"].is_sorted()
    after = dict(
        zip(
            plain.encoded["record_id"],
            parted(whole, terms, epoch=3).encoded["record_id"],
            strict=True,
        )
    )
    assert [after[record] for record in one[4].encoded["record_id"]] == (
        one[3].encoded["record_id"].to_list()
    )


def test_another_key_purpose_or_epoch_gives_other_ids_and_encodings(folder, extracts):
    terms, extract = agreement(folder, "police"), extracts["police"]
    one = parted(extract, terms)
    for other in (
        parted(extract, terms, root=RootKey(bytes(range(1, 33)))),
        parted(extract, terms, purpose="another"),
        parted(extract, terms, epoch=2),
    ):
        for column in ("record_id", "t_date_surname", "f_surname_date_sector_0"):
            assert not set(one.encoded[column].drop_nulls()) & set(
                other.encoded[column].drop_nulls()
            )


def changed(terms: Agreement, table: str, **columns: tuple[str, ...]) -> Agreement:
    tables = {name: dict(given) for name, given in terms.tables.items()}
    tables[table] |= columns
    return terms.model_copy(update={"tables": tables})


def test_what_may_not_be_encoded_is_not(folder, extracts):
    terms = changed(agreement(folder, "police"), "custody", pnc_id=("drop",), postcode=("keep",))
    made = parted(extracts["police"], terms)
    assert made.encoded["t_pnc_id"].null_count() == made.encoded.height
    assert made.encoded["t_postcode_initials"].null_count() == made.encoded.height
    assert made.encoded["t_date_surname"].null_count() < made.encoded.height


def test_what_may_not_be_kept_is_not_even_where_an_identifier_is_said_to_be_kept(folder, extracts):
    terms = changed(
        agreement(folder, "police"),
        "custody",
        surname=("keep", "encode"),
        offence_code=("drop",),
        dob=("encode",),
        postcode=("encode",),
    )
    events = parted(extracts["police"], terms).events["police_custody"]
    assert not {"surname", "offence_code", "birth_year", "postcode_district"} & set(events.columns)


# Marks


def marked(extract, terms, *, root=ROOT, epoch=1):
    return marks_of(extract.frames, terms, root.purpose_key("cohorts", epoch))


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_record_is_marked_by_what_it_has(partner, folder, extracts):
    terms, extract = agreement(folder, partner), extracts[partner]
    marks, encoded = marked(extract, terms), parted(extract, terms).encoded
    identity = identity_frame(partner, extract.frames)
    assert dict(marks.schema) == marks_schema()
    assert marks["record"].null_count() == 0 and marks["record"].is_unique().all()
    for ground in GROUNDS[1:-1]:
        assert marks[ground].null_count() == identity[ground].null_count(), ground
        assert marks[ground].n_unique() == identity[ground].n_unique(), ground
        assert marks[ground].is_null().equals(encoded[f"t_{ground}"].is_null()), ground
    described = pl.all_horizontal(
        pl.col("forename", "surname", "dob").is_not_null(),
        pl.col("sex").is_in(["M", "F"]),
        pl.col("dob").dt.strftime("%m%d") != "0101",
    )
    given = identity.select(described.fill_null(False)).to_series()
    assert marks["description"].is_not_null().equals(given, check_names=False)
    assert given.any() and not given.all()


def test_marks_meet_no_encoding_and_no_other_epoch(folder, extracts, monkeypatch):
    terms, extract = agreement(folder, "probation"), extracts["probation"]
    marks = marked(extract, terms)
    found = {value for column in marks for value in column.drop_nulls()}
    encoded = parted(extract, terms).encoded.drop("partner")
    assert not found & {value for column in encoded for value in column.drop_nulls()}
    other = marked(extract, terms, epoch=2)
    assert not found & {value for column in other for value in column.drop_nulls()}
    # A new encoding must not bring back who objected.
    monkeypatch.setattr("governance.encoding.anchored.SAME_VALUES_SINCE", 99)
    assert marked(extract, terms).equals(marks)
    assert not parted(extract, terms).encoded["record_id"].equals(encoded["record_id"])


def test_what_may_not_be_encoded_makes_no_mark(folder, extracts):
    terms = agreement(folder, "probation")
    left_out = dict.fromkeys(("nino", "forename"), ("drop",))
    tables = {
        table: {name: left_out.get(name, how) for name, how in columns.items()}
        for table, columns in terms.tables.items()
    }
    marks = marked(extracts["probation"], terms.model_copy(update={"tables": tables}))
    assert marks["nino"].null_count() == marks["description"].null_count() == marks.height
    assert marks["pnc_id"].null_count() < marks.height


VECTORS = json.loads(
    (Path(__file__).parents[2] / "docs/reference/encoding_vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["table"])
def test_record_ids_and_surrogates_are_the_published_ones(vector, folder, extracts):
    """Of the record itself, and of the rows that refer to it."""
    extract, partner = extracts[vector["partner"]], vector["partner"]
    key = find_table(partner, vector["table"]).key
    given = dict(zip(key, vector["key"], strict=True))
    frames = {
        name: frame.head(1).with_columns(
            pl.lit(value).alias(column) for column, value in given.items() if column in frame
        )
        for name, frame in extract.frames.items()
    }
    root = RootKey(bytes.fromhex(VECTORS["root"]))
    key_of_vectors = root.purpose_key(VECTORS["purpose"], VECTORS["epoch"])
    made = pseudonymise(replace(extract, frames=frames), agreement(folder, partner), key_of_vectors)
    own = made.events[f"{partner}_{vector['table']}"]
    assert own["record_id"].to_list() == [vector["record_id"]]
    assert vector["record_id"] in made.encoded["record_id"].to_list()
    surrogate = f"{vector['table']}_key"
    of_tables = [frame[surrogate].to_list() for frame in made.events.values() if surrogate in frame]
    held = [value for values in of_tables for value in values]
    assert len(held) > 1
    assert set(held) == {vector["surrogate"]}
