"""Identifiers: the published examples, and every way of being nearly right."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from schemas import identifiers

YEAR = 2026


def pnc(raw: pl.Expr) -> pl.Expr:
    return identifiers.pnc_id(raw, YEAR)


def apply(rule: Callable[[pl.Expr], pl.Expr], *values: str | None) -> list[object]:
    frame = pl.DataFrame({"raw": values}, {"raw": pl.String})
    return frame.select(rule(pl.col("raw")).alias("out"))["out"].to_list()


@pytest.mark.parametrize(
    ("rule", "raw", "normal"),
    [
        (pnc, "1979/0163001B", "1979/0163001B"),
        (pnc, "1981/0000034U", "1981/0000034U"),
        (pnc, "1967/9893091D", "1967/9893091D"),
        (pnc, "2003/0123456L", "2003/0123456L"),
        (pnc, "02/73319Z", "2002/0073319Z"),
        (pnc, "79/163001B", "1979/0163001B"),
        (pnc, "1979/163001b", "1979/0163001B"),
        (pnc, "19790163001B", "1979/0163001B"),
        (pnc, "790163001B", "1979/0163001B"),
        (pnc, " 1979 / 0163001 B ", "1979/0163001B"),
        (identifiers.cro_number, "065656/91H", "065656/91H"),
        (identifiers.cro_number, "65656/91h", "065656/91H"),
        (identifiers.cro_number, "SF83/50058Z", "SF83/50058Z"),
        (identifiers.cro_number, "sf83/050058z", "SF83/50058Z"),
        (identifiers.nhs_number, "943 476 5919", "9434765919"),
        (identifiers.nhs_number, "401-023-2137", "4010232137"),
        (identifiers.nino, "ab 12 34 56 c", "AB123456C"),
        (identifiers.crn, "x123456", "X123456"),
        (identifiers.noms_number, "a1234bc", "A1234BC"),
        (identifiers.uprn, "000100023336956", "100023336956"),
        (identifiers.uprn, "7", "7"),
        (identifiers.la_code, "E07000148", "E07000148"),
        (identifiers.la_code, "e10000020", "E10000020"),
        (identifiers.postcode, "nr3 1aa", "NR31AA"),
        (identifiers.postcode, "EC1A 1BB", "EC1A1BB"),
        (identifiers.postcode, "W1A0AX", "W1A0AX"),
        (identifiers.postcode, "GIR 0AA", "GIR0AA"),
        (identifiers.postcode, "ZZ99 3VZ", "ZZ993VZ"),
        (identifiers.postcode, "NF1 1NF", "NF11NF"),
        (identifiers.postcode_sector, " nr3  1 ", "NR3 1"),
        (identifiers.postcode_sector, "nr311", "NR31 1"),
        (identifiers.postcode_sector, "ec1a1", "EC1A 1"),
        (identifiers.postcode_sector, "EC1A 1", "EC1A 1"),
        (identifiers.postcode_sector, "zz993", "ZZ99 3"),
    ],
)
def test_good_ones_take_their_normal_form(rule, raw, normal):
    assert apply(rule, raw) == [normal]
    assert apply(rule, normal) == [normal], "the normal form is itself normal"


@pytest.mark.parametrize(
    ("rule", "raw"),
    [
        (pnc, "1979/0163001C"),
        (pnc, "2000/0000000Z"),
        (pnc, "0079/0163001B"),
        (pnc, "2079/0163001B"),
        (pnc, "979/0163001B"),
        (pnc, "1979/01630011B"),
        (pnc, "1979/0163001"),
        (pnc, "1979/\N{ARABIC-INDIC DIGIT ZERO}163001B"),
        (identifiers.cro_number, "065656/91J"),
        (identifiers.cro_number, "000000/00Z"),
        (identifiers.cro_number, "0/00Z"),
        (identifiers.cro_number, "SF83/0Z"),
        (identifiers.cro_number, "SF83/50058A"),
        (identifiers.cro_number, "1065656/91H"),
        (identifiers.nhs_number, "9434765918"),
        (identifiers.nhs_number, "943476591"),
        (identifiers.nhs_number, "94347659190"),
        (identifiers.nhs_number, "4444444444"),
        (identifiers.nhs_number, "9999999999"),
        (identifiers.nhs_number, "0000000000"),
        (identifiers.nhs_number, "1234567881"),
        (identifiers.nhs_number, "\N{ARABIC-INDIC DIGIT NINE}434765919"),
        (identifiers.nino, "BG123456C"),
        (identifiers.nino, "DA123456C"),
        (identifiers.nino, "AO123456C"),
        (identifiers.nino, "AB123456E"),
        (identifiers.nino, "AB123456"),
        (identifiers.nino, "ZZ123456A"),
        (identifiers.crn, "XX12345"),
        (identifiers.crn, "X1234567"),
        (identifiers.noms_number, "A123BC"),
        (identifiers.uprn, "1234567890123"),
        (identifiers.uprn, "0"),
        (identifiers.uprn, "12A"),
        (identifiers.la_code, "E05000148"),
        (identifiers.la_code, "W06000148"),
        (identifiers.postcode, "NR3"),
        (identifiers.postcode, "NR31AAA"),
        (identifiers.postcode, "Q"),
        (identifiers.postcode, "AZ1 1AA"),
        (identifiers.postcode_sector, "NR"),
        (identifiers.postcode_sector, "NR31"),
        (identifiers.postcode_sector, "NR3 11"),
        (identifiers.postcode_sector, "M11"),
    ],
)
def test_bad_ones_are_nothing(rule, raw):
    assert apply(rule, raw) == [None]


ALL_RULES = (
    pnc,
    identifiers.cro_number,
    identifiers.nhs_number,
    identifiers.nino,
    identifiers.crn,
    identifiers.noms_number,
    identifiers.uprn,
    identifiers.la_code,
    identifiers.postcode,
    identifiers.postcode_sector,
    identifiers.is_pseudo_postcode,
    identifiers.is_no_fixed_abode,
    identifiers.postcode_district,
)


@pytest.mark.parametrize("rule", ALL_RULES)
def test_nothing_stays_nothing_and_a_frame_may_be_empty(rule):
    assert apply(rule, None) == [None]
    assert apply(rule) == []


@pytest.mark.parametrize("prefix", ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"])
def test_prefixes_that_are_never_issued(prefix):
    assert apply(identifiers.nino, f"{prefix}123456A") == [None]


@pytest.mark.parametrize("digit", range(10))
def test_ten_equal_digits_pass_the_nhs_check_and_are_refused_all_the_same(digit):
    assert sum(weight * digit for weight in range(1, 11)) % 11 == 0
    assert apply(identifiers.nhs_number, str(digit) * 10) == [None]


def test_a_short_pnc_year_is_of_this_century_up_to_the_current_year():
    assert apply(lambda raw: identifiers.pnc_id(raw, 2002), "02/73319Z") == ["2002/0073319Z"]
    assert apply(lambda raw: identifiers.pnc_id(raw, 2001), "02/73319Z") == ["1902/0073319Z"]


def test_a_pseudo_postcode_says_whether_there_is_an_abode():
    values = ("ZZ993VZ", "NF11NF", "NF11FA", "NR31AA", "ZZ993WZ", "ZZ993CZ", None)
    assert apply(identifiers.is_no_fixed_abode, *values) == [True] * 3 + [False] + [None] * 3
    assert apply(identifiers.is_pseudo_postcode, *values) == (
        [True] * 3 + [False] + [True] * 2 + [None]
    )
    assert apply(identifiers.postcode_district, *values) == [None] * 3 + ["NR3"] + [None] * 3


def test_a_sector_gives_its_district_unless_it_names_no_place():
    sectors = ("NR3 1", "EC1A 1", "ZZ99 3", "NF1 1", None)
    assert apply(identifiers.sector_district, *sectors) == ["NR3", "EC1A", None, None, None]


def test_the_check_letters_are_the_published_ones():
    assert len(identifiers.CHECK_LETTERS) == len(set(identifiers.CHECK_LETTERS)) == 23
    assert not set("IOS") & set(identifiers.CHECK_LETTERS)
