"""Names, dates and codes in their one form."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from schemas import standardise


def apply(rule, *values):
    frame = pl.DataFrame({"raw": values}, {"raw": pl.String})
    return frame.select(rule(pl.col("raw")).alias("out"))["out"].to_list()


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("Smith", "SMITH"),
        ("  smith  ", "SMITH"),
        ("O'Brien", "OBRIEN"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Brien", "OBRIEN"),
        ("O`Brien", "OBRIEN"),
        ("Smith-Jones", "SMITH JONES"),
        ("Smith\N{EN DASH}Jones", "SMITH JONES"),
        ("Smith  -  Jones", "SMITH JONES"),
        ("Mc Donald", "MCDONALD"),
        ("mc donald-mc leod", "MCDONALD MCLEOD"),
        ("MCX", "MCX"),
        ("Renée", "RENEE"),
        ("Rene\N{COMBINING ACUTE ACCENT}e", "RENEE"),
        ("Łukasz", "LUKASZ"),
        ("Søren Æsop", "SOREN AESOP"),
        ("Strauß", "STRAUSS"),
        ("Đặng", "DANG"),
        ("St. John", "ST JOHN"),
        ("Smith2", "SMITH"),
        ("MIG_ERROR_SMITH", "SMITH"),
        ("no_show_Smith", "SMITH"),
        ("DUPLICATE_NO_SHOW_Smith", "SMITH"),
        ("Duplicate", "DUPLICATE"),
        ("NOT ENTERED", None),
        ("not-entered", None),
        ("Unknown", None),
        ("MIG_ERROR_UNKNOWN", None),
        ("MIG_ERROR_", None),
        ("-", None),
        ("", None),
        ("李", None),
        (None, None),
    ],
)
def test_a_name_takes_its_one_form(raw, normal):
    assert apply(standardise.person_name, raw) == [normal]
    assert apply(standardise.person_name, normal) == [normal]


@pytest.mark.parametrize("stage", standardise.NAME_STAGES, ids=lambda stage: stage.__name__)
def test_no_name_stage_can_be_left_out(stage):
    hard = ["  MIG_ERROR_ mc o'Brien-Łś ", "unknown", "", "Mc Donald", "É", "MC D"]
    whole = apply(standardise.person_name, *hard)

    def without(raw):
        for other in standardise.NAME_STAGES:
            raw = raw if other is stage else other(raw)
        return raw

    assert apply(without, *hard) != whole


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-02-29", None),
        ("2024-1-5", None),
        ("05/01/2024", None),
        ("2024-01-05 00:00:00", None),
        ("20240105", None),
        ("0204-01-05", None),
        ("9999-12-31", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_iso_and_real(raw, parsed):
    assert apply(standardise.iso_date, raw) == [parsed]


def test_dates_of_birth_that_mean_unknown_are_nothing():
    born = pl.DataFrame({"raw": [date(1900, 1, 1), date(1970, 1, 1), date(1970, 1, 2), None]})
    assert born.select(standardise.date_of_birth(pl.col("raw")))["raw"].to_list() == [
        None,
        None,
        date(1970, 1, 2),
        None,
    ]


def test_sex_is_harmonised_from_every_partner():
    given = ("M", "F", "N", "1", "2", "0", "9", None)
    assert apply(standardise.sex, *given) == ["M", "F", "U", "M", "F", "U", "U", None]


def test_an_initial_is_one_plain_letter():
    assert apply(standardise.initial, "é", "o", "'", None) == ["E", "O", None, None]


def test_a_linkable_postcode_names_a_place():
    assert apply(standardise.linkable_postcode, "ZZ993VZ", "NR31AA", None) == [
        None,
        "NR31AA",
        None,
    ]


def test_generalise_leaves_nothing_finer_than_a_year_and_a_district():
    frame = pl.DataFrame(
        {
            "dob": [date(1980, 5, 6), None, None],
            "postcode": ["NR31AA", "ZZ993VZ", None],
            "pc": ["NR3 1", None, "NR4 7"],
            "ethnic": ["W1", "NS", None],
        }
    )
    assert standardise.generalise(frame).to_dict(as_series=False) == {
        "ethnicity": ["W1", "NS", None],
        "birth_year": [1980, None, None],
        "postcode_district": ["NR3", None, "NR4"],
        "no_fixed_abode": [False, True, None],
    }


def test_generalise_leaves_a_frame_of_events_alone():
    events = pl.DataFrame({"drug_test_ref": ["T1"], "result": ["NEG"]})
    assert standardise.generalise(events).equals(events)
