"""Identifiers against slow references written from the published rules, character by character."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import identifiers

YEAR = 2026
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"


def slow_letter(number: int) -> str:
    return ["Z", *"ABCDEFGHJKLMNPQRTUVWXY"][number % 23]


def slow_nhs(text: str) -> bool:
    if len(text) != 10 or text[0] not in "4679" or len(set(text)) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1), strict=False))
    check = {11: 0}.get(11 - total % 11, 11 - total % 11)
    return check != 10 and check == int(text[9])


def slow_pnc(text: str) -> str | None:
    found = re.fullmatch(r"([0-9]{2}|[0-9]{4})/([0-9]{1,7})([A-Z])", text)
    if not found:
        return None
    year, serial, letter = found.groups()
    if len(year) == 2:
        year = ("20" if int(year) <= YEAR % 100 else "19") + year
    serial = serial.rjust(7, "0")
    known = 1900 <= int(year) <= YEAR and int(serial) > 0
    right = slow_letter(int(year[2:] + serial)) == letter
    return f"{year}/{serial}{letter}" if known and right else None


def slow_cro(text: str) -> str | None:
    if found := re.fullmatch(r"SF([0-9]{2})/([0-9]+)([A-Z])", text):
        year, serial, letter = found.groups()
        serial = serial.lstrip("0")
        right = 1 <= len(serial) <= 6 and slow_letter(int(year + serial)) == letter
        return f"SF{year}/{serial}{letter}" if right else None
    if found := re.fullmatch(r"([0-9]{1,6})/([0-9]{2})([A-Z])", text):
        serial, year, letter = found.groups()
        serial = serial.rjust(6, "0")
        right = int(serial) > 0 and slow_letter(int(year + serial)) == letter
        return f"{serial}/{year}{letter}" if right else None
    return None


def run(rule, values: list[str]) -> list[str | None]:
    frame = pl.DataFrame({"raw": values}, {"raw": pl.String})
    return frame.select(rule(pl.col("raw")).alias("out"))["out"].to_list()


def pnc(raw: pl.Expr) -> pl.Expr:
    return identifiers.pnc_id(raw, YEAR)


def near_misses(text: str, at: int, alphabet: str) -> list[str]:
    place = at % len(text)
    return [text[:place] + c + text[place + 1 :] for c in alphabet if c != text[place]]


digits = st.text(DIGITS, min_size=9, max_size=9)


@given(st.sampled_from("4679"), st.text(DIGITS, min_size=8, max_size=8))
def test_nhs_number_agrees_with_the_slow_reference_for_every_check_digit(first, rest):
    candidates = [first + rest + check for check in DIGITS]
    assert run(identifiers.nhs_number, candidates) == [
        text if slow_nhs(text) else None for text in candidates
    ]


@given(digits, st.integers(0, 9))
def test_no_single_digit_slip_in_an_nhs_number_is_accepted(nine, at):
    valid = [nine + check for check in DIGITS if slow_nhs(nine + check)]
    for text in valid:
        assert set(run(identifiers.nhs_number, near_misses(text, at, DIGITS))) == {None}


@given(st.integers(1900, YEAR), st.integers(1, 9_999_999), st.booleans())
def test_a_valid_pnc_is_accepted_in_each_of_its_forms_and_with_no_other_letter(year, serial, lower):
    letter = slow_letter(year % 100 * 10**7 + serial)
    normal = f"{year}/{serial:07d}{letter}"
    forms = [normal, f"{year}/{serial}{letter}", f"{year}{serial:07d}{letter}", f" {normal} "]
    if year >= YEAR - 99:
        forms += [f"{year % 100:02d}/{serial}{letter}", f"{year % 100:02d}{serial:07d}{letter}"]
    forms = [form.lower() for form in forms] if lower else forms
    assert run(pnc, forms) == [normal] * len(forms)
    assert set(run(pnc, [normal[:-1] + other for other in LETTERS if other != letter])) == {None}


@given(st.integers(1900, YEAR), st.integers(1, 9_999_999), st.integers(5, 11))
def test_no_single_digit_slip_in_a_pnc_serial_is_accepted(year, serial, at):
    # A slip changes the number by d·10^k with |d| < 10, and 23 divides none of these.
    normal = f"{year}/{serial:07d}{slow_letter(year % 100 * 10**7 + serial)}"
    assert set(run(pnc, near_misses(normal, at, DIGITS))) == {None}


@given(st.integers(0, 99), st.integers(1, 999_999), st.booleans())
def test_a_valid_cro_is_accepted_and_with_no_other_letter(year, serial, old):
    if old:
        normal = f"SF{year:02d}/{serial}{slow_letter(int(f'{year:02d}{serial}'))}"
    else:
        normal = f"{serial:06d}/{year:02d}{slow_letter(year * 10**6 + serial)}"
    assert run(identifiers.cro_number, [normal, normal.lower()]) == [normal] * 2
    others = [normal[:-1] + other for other in LETTERS if other != normal[-1]]
    assert set(run(identifiers.cro_number, others)) == {None}


almost = st.text("0123456789/SFABZ", min_size=1, max_size=14)
pnc_like = st.from_regex(r"\A([0-9]{2}|(19|20)[0-9]{2})/[0-9]{1,7}[A-Z]\Z")
cro_like = st.from_regex(r"\A(SF[0-9]{2}/[0-9]{1,7}|[0-9]{1,6}/[0-9]{2})[A-Z]\Z")


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(pnc_like | almost, max_size=20))
def test_pnc_agrees_with_the_slow_reference(values):
    slashed = [value for value in values if "/" in value]
    assert run(pnc, slashed) == [slow_pnc(value) for value in slashed]


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(cro_like | almost, max_size=20))
def test_cro_agrees_with_the_slow_reference(values):
    assert run(identifiers.cro_number, values) == [slow_cro(value) for value in values]


NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
POSTCODE = re.compile(r"([A-Z][A-HJ-Y]?[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|GIR ?0A{2})")


@given(st.lists(st.from_regex(r"\A[A-Z]{2}[0-9]{6}[A-E]\Z"), max_size=20))
def test_nino_agrees_with_its_published_pattern(values):
    assert run(identifiers.nino, values) == [
        value if NINO.fullmatch(value) else None for value in values
    ]


@given(st.lists(st.from_regex(r"\A[A-Y]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\Z"), max_size=20))
def test_postcode_agrees_with_its_published_pattern(values):
    assert run(identifiers.postcode, values) == [
        value.replace(" ", "") if POSTCODE.fullmatch(value) else None for value in values
    ]


every_rule = st.sampled_from(
    (
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
    )
)
anything = st.text(max_size=16) | pnc_like | cro_like | st.from_regex(r"\A[A-Z0-9 ]{1,12}\Z")


@settings(max_examples=2 * settings().max_examples)
@given(every_rule, st.lists(anything, max_size=10))
def test_normalising_twice_is_normalising_once(rule, values):
    once = run(rule, values)
    again = run(rule, [value for value in once if value is not None])
    assert again == [value for value in once if value is not None]
