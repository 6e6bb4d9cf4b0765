"""Identifiers that are nearly right: one character changed, two exchanged, one too many or few.

A check digit or letter finds every one of these in the part that it covers. Identifiers without
one are held to their shape, character by character.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import identifiers, standardise
from schemas.codes import crosswalk, load_codes

YEAR = 2026
LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
Read = Callable[[pl.Expr], pl.Expr]


def pnc(raw: pl.Expr) -> pl.Expr:
    return identifiers.pnc_id(raw, YEAR)


def read(rule: Read, values: list[str]) -> list[str | None]:
    return (
        pl.DataFrame({"raw": values}, {"raw": pl.String})
        .select(rule(pl.col("raw")))
        .to_series()
        .to_list()
    )


def slips(digits: str) -> Iterator[str]:
    """Every change of one digit, and every exchange of two neighbours."""
    for at, digit in enumerate(digits):
        for other in string.digits.replace(digit, ""):
            yield digits[:at] + other + digits[at + 1 :]
    for at in range(len(digits) - 1):
        if digits[at] != digits[at + 1]:
            yield digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]


def lengths(text: str) -> Iterator[str]:
    """Every doubling and every loss of one character."""
    for at in range(len(text)):
        yield text[: at + 1] + text[at:]
        yield text[:at] + text[at + 1 :]


# The examples that were published with the rules.
PUBLISHED = [
    (identifiers.nhs_number, "943 476 5919", "9434765919"),
    (pnc, "1979/0163001B", "1979/0163001B"),
    (pnc, "1981/0000034U", "1981/0000034U"),
    (pnc, "1967/9893091D", "1967/9893091D"),
    (pnc, "2003/0123456L", "2003/0123456L"),
    (pnc, "02/73319Z", "2002/0073319Z"),
    (identifiers.cro_number, "065656/91H", "065656/91H"),
    (identifiers.cro_number, "SF83/50058Z", "SF83/50058Z"),
]


@pytest.mark.parametrize(("rule", "raw", "normal"), PUBLISHED, ids=lambda one: str(one)[:14])
def test_a_published_example_is_read_and_no_slip_in_its_number_is(rule, raw, normal):
    assert read(rule, [raw, normal, normal.lower(), f" {raw}\t"]) == [normal] * 4
    head, slash, tail = normal.partition("/")
    if rule is identifiers.nhs_number:
        wrong = list(slips(normal))
    elif normal.startswith("SF"):
        wrong = [f"{head}/{serial}{tail[-1]}" for serial in slips(tail[:-1])]
    else:
        # The letter of a PNC ID covers the last two digits of the year.
        front, covered = (head[:2], head[2:]) if rule is pnc else ("", head)
        wrong = [f"{front}{made}{slash}{tail}" for made in slips(covered)]
        digits = tail.rstrip(string.ascii_uppercase)
        wrong += [f"{head}{slash}{made}{tail[len(digits) :]}" for made in slips(digits)]
    assert len(wrong) > 40
    assert set(read(rule, wrong)) == {None}


def nhs_numbers(nine: str) -> list[str]:
    total = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))
    check = (11 - total % 11) % 11
    return [] if check == 10 else [f"{nine}{check}"]


@given(st.sampled_from("4679"), st.text(string.digits, min_size=8, max_size=8))
def test_no_slip_in_an_nhs_number_is_read(first, rest):
    for valid in nhs_numbers(first + rest):
        if len(set(valid)) > 1:
            assert read(identifiers.nhs_number, [valid]) == [valid]
        assert set(read(identifiers.nhs_number, list(slips(valid)))) == {None}
        assert set(read(identifiers.nhs_number, list(lengths(valid)))) == {None}


@pytest.mark.parametrize("start", string.digits)
def test_nhs_numbers_begin_as_those_of_england_and_wales_and_of_tests_do(start):
    valid = next(made[0] for tail in range(10, 90) if (made := nhs_numbers(f"{start}000000{tail}")))
    assert read(identifiers.nhs_number, [valid]) == [valid if start in "4679" else None]


@given(st.integers(1900, YEAR), st.integers(1, 9_999_999))
def test_no_slip_in_a_pnc_id_is_read(year, serial):
    covered = f"{year % 100:02d}{serial:07d}"
    letter = LETTERS[int(covered) % 23]
    assert read(pnc, [f"{year}/{serial:07d}{letter}"]) == [f"{year}/{serial:07d}{letter}"]
    wrong = [f"{str(year)[:2]}{made[:2]}/{made[2:]}{letter}" for made in slips(covered)]
    others = [f"{year}/{serial:07d}{other}" for other in string.ascii_uppercase if other != letter]
    assert set(read(pnc, wrong + others)) == {None}


@given(st.integers(1900, 1999), st.integers(1, 9_999_999))
def test_the_century_of_a_pnc_id_is_not_covered_by_its_letter(year, serial):
    """What the letter cannot tell, said: a wrong century is read where that year has come."""
    letter = LETTERS[int(f"{year % 100:02d}{serial:07d}") % 23]
    later = f"{year + 100}/{serial:07d}{letter}"
    assert read(pnc, [later]) == [later if year + 100 <= YEAR else None]


@given(st.integers(0, 99), st.integers(1, 999_999))
def test_no_slip_in_a_cro_number_is_read(year, serial):
    modern = f"{year:02d}{serial:06d}"
    letter = LETTERS[int(modern) % 23]
    assert read(identifiers.cro_number, [f"{modern[2:]}/{modern[:2]}{letter}"])[0] is not None
    wrong = [f"{made[2:]}/{made[:2]}{letter}" for made in slips(modern)]
    assert set(read(identifiers.cro_number, wrong)) == {None}


@given(st.integers(0, 99), st.integers(1, 999_999))
def test_no_slip_in_an_old_cro_number_is_read(year, serial):
    digits = f"{year:02d}{serial}"
    letter = LETTERS[int(digits) % 23]
    assert read(identifiers.cro_number, [f"SF{year:02d}/{serial}{letter}"])[0] is not None
    # A serial that begins with nought is a shorter one, whose letter may by chance be right.
    wrong = [f"SF{made[:2]}/{made[2:]}{letter}" for made in slips(digits) if made[2] != "0"]
    assert set(read(identifiers.cro_number, wrong)) <= {None}


SHAPES = {
    "nino": (identifiers.nino, "AB123456C", "AA999999A"),
    "crn": (identifiers.crn, "X123456", "A0000"),
    "noms_number": (identifiers.noms_number, "A1234BC", "A9999AA"),
    "la_code": (identifiers.la_code, "E07000148", "A99999999"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_an_identifier_without_a_check_is_of_its_shape_in_every_place(name):
    rule, good, _ = SHAPES[name]
    assert read(rule, [good, good.lower()]) == [good] * 2
    wrong = [
        good[:at] + other + good[at + 1 :]
        for at, here in enumerate(good)
        for other in ("A" if here.isdigit() else "1", "É", "_", "/", "٣")
    ]
    assert set(read(rule, [*wrong, *lengths(good)])) == {None}


@pytest.mark.parametrize("prefix", ["".join((a, b)) for a in "ABDFGIKNOQTUVZ" for b in "ABGKNOTZ"])
def test_the_two_letters_of_a_national_insurance_number(prefix):
    never = set("DFIQUV") & set(prefix) or prefix[1] == "O"
    refused = never or prefix in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    assert (read(identifiers.nino, [f"{prefix}123456A"]) == [None]) == bool(refused)


def test_the_kinds_of_authority_that_a_code_may_be_of():
    values = [f"E{kind:02d}000001" for kind in range(100)]
    found = [value for value in read(identifiers.la_code, values) if value]
    assert found == [f"E{kind:02d}000001" for kind in (6, 7, 8, 9, 10)]
    assert set(read(identifiers.la_code, [f"{nation}06000001" for nation in "WSNKLM"])) == {None}


@given(st.integers(1, 999_999_999_999), st.integers(0, 6))
def test_a_upr_number_is_up_to_twelve_digits_whatever_noughts_stand_before(number, noughts):
    assert read(identifiers.uprn, ["0" * noughts + str(number)]) == [str(number)]
    assert read(identifiers.uprn, [f"{number}A", f"-{number}", f"{number}.0"]) == [None] * 3


NO_PLACE = ["ZZ99 3VZ", "ZZ99 3WZ", "ZZ99 3CZ", "ZZ99 3GZ", "ZZ99 1WZ", "ZZ99 2WZ",
            "NF1 1NF", "NF1 1FA"]  # fmt: skip
ABODE = {"ZZ993VZ": True, "NF11NF": True, "NF11FA": True}


@pytest.mark.parametrize("raw", NO_PLACE)
def test_a_pseudo_postcode_is_read_names_no_place_and_tells_of_no_fixed_abode(raw):
    normal = raw.replace(" ", "")
    assert read(identifiers.postcode, [raw, raw.lower(), normal]) == [normal] * 3
    assert read(identifiers.is_pseudo_postcode, [normal]) == [True]
    assert read(identifiers.is_no_fixed_abode, [normal]) == [ABODE.get(normal)]
    assert read(identifiers.postcode_district, [normal]) == [None]
    assert read(standardise.linkable_postcode, [normal]) == [None]
    sector = read(identifiers.postcode_sector, [raw[:-2]])
    assert sector == [raw[:-2]]
    assert read(identifiers.sector_district, [raw[:-2]]) == [None]


def test_a_postcode_near_a_pseudo_one_is_a_place_or_nothing():
    near = ["NF12NF", "NF11NG", "NF21NF", "ZZ983VZ", "ZZ9933Z", "ZY993VZ", "ZZ993V"]
    read_as = read(identifiers.postcode, near)
    assert (
        read_as == ["NF12NF", "NF11NG", "NF21NF", None, None, None, None] or read_as[:3] == near[:3]
    )
    places = [value for value in read_as if value]
    assert read(identifiers.is_pseudo_postcode, places) == [False] * len(places)


# The crosswalks, as published.
NHS_TO_18 = {"A": "W1", "B": "W2", "C": "W9", "D": "M1", "E": "M2", "F": "M3", "G": "M9", "H": "A1",
             "J": "A2", "K": "A3", "L": "A9", "M": "B1", "N": "B2", "P": "B9", "R": "A4",
             "S": "O9"}  # fmt: skip
SEX = {"M": "M", "F": "F", "1": "M", "2": "F", "0": "U", "9": "U", "N": "U", "NS": "U"}


def test_ethnicity_is_translated_as_published():
    translated = crosswalk("ndtms_ethnicity")
    assert {code: translated[code] for code in NHS_TO_18} == NHS_TO_18
    assert set(translated) - set(NHS_TO_18) == {"Z"}
    assert set(translated.values()) <= load_codes("ethnicity")
    assert len(set(NHS_TO_18.values())) == len(NHS_TO_18), "nobody's ethnicity is merged"
    assert {"W3", "O2"} <= load_codes("ethnicity") - set(translated.values())


def test_sex_is_translated_as_published_and_every_listed_code_has_its_place():
    assert read(standardise.sex, list(SEX)) == list(SEX.values())
    assert read(standardise.sex, ["3", "X", "", "m"]) == [None] * 4
    assert load_codes("sex") | load_codes("ndtms_sex") <= set(SEX)


any_rule = st.sampled_from(
    [identifiers.nhs_number, identifiers.nino, pnc, identifiers.cro_number, identifiers.crn,
     identifiers.noms_number, identifiers.uprn, identifiers.la_code, identifiers.postcode,
     identifiers.postcode_sector]
)  # fmt: skip
near = st.sampled_from([raw for _, raw, _ in PUBLISHED] + NO_PLACE).flatmap(
    lambda raw: st.sampled_from([raw, *lengths(raw), raw.lower(), raw[::-1]])
)


@settings(max_examples=50)
@given(any_rule, st.lists(near | st.text(max_size=12), max_size=12))
def test_a_value_is_read_alike_alone_and_in_a_column(rule, values):
    assert read(rule, values) == [read(rule, [value])[0] for value in values]
