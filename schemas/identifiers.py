"""Shared identifiers: read, check, bring to one form.

Each function takes a polars expression of strings and returns an expression of the same length:
the identifier in its one normal form, or null where it is not a valid one. They are elementwise,
so work on distinct values where values repeat. Patterns use `[0-9]`, never `\\d`, which would
also accept the digits of other scripts.

Sources: the NHS data dictionary for the NHS number, HMRC's rules for the national insurance
number, and the published source of HMPPS person-record for PNC, CRO, CRN and NOMS numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
"""PNC and CRO check letters: the letter is at (year and serial, read as one number) modulo 23."""

FIRST_PNC_YEAR = 1900
"""No PNC identifier is of an earlier year; a four-digit year below it is a slip."""

LONG_PNC = r"^[0-9]{4}/[0-9]{7}[A-Z]$"
LONG_CRO = r"^[0-9]{6}/[0-9]{2}[A-Z]$"
"""How most are written; what is so written is not taken apart first, which takes longer."""

Span = tuple[int, int]
"""Where a part of a text begins, and how long it is."""

NHS_DIGITS = 10

NO_FIXED_ABODE = ("ZZ993VZ", "NF11NF", "NF11FA")
"""Postcodes that mean the person has no fixed abode."""

NAMES_NO_PLACE = r"^(?:ZZ99[0-9][A-Z]{2}|NF11NF|NF11FA)$"
"""Pseudo-postcodes: no fixed abode, not known (ZZ99 3WZ) and countries (3CZ, 3GZ, 1WZ, 2WZ …)."""

APART = r"^(\w+)[\s\p{Pd}.]+(\w)$"
RUN_TOGETHER = r"^(\D+[0-9]\S)(\S)$"
SECTOR = r"^(?:[A-Z][A-HJ-Y]?[0-9][A-Z0-9]?|ZZ99) [0-9]$"
"""How a postcode sector is written: its district apart, or so that no other could be meant. Both
are brought to one form, and `SECTOR` alone says whether that is a sector's."""


def compact(raw: pl.Expr) -> pl.Expr:
    """Upper case without spaces, hyphens or full stops."""
    return raw.str.to_uppercase().str.replace_all(r"[\s\p{Pd}.]", "")


def nhs_number(raw: pl.Expr) -> pl.Expr:
    """Ten digits whose weighted sum (10 down to 2, then 1 for the check digit) divides by 11.

    England and Wales issue numbers from 400 to 499 and from 600 to 799 million; those from 900
    million are for tests. Ten equal digits always pass the check, and are placeholders: refused.
    """

    def checked(text: pl.Expr) -> pl.Expr:
        number = text.cast(pl.Int64, strict=False)
        places = range(NHS_DIGITS)
        total = pl.sum_horizontal([(number // 10**place % 10) * (place + 1) for place in places])
        return _only(text, (total % 11 == 0) & (number % 1_111_111_111 != 0))

    return _once(compact(raw).str.extract(r"^[4679][0-9]{9}$", 0), checked)


def nino(raw: pl.Expr) -> pl.Expr:
    """Two prefix letters, six digits and a suffix from A to D; some prefixes are never issued."""

    def checked(text: pl.Expr) -> pl.Expr:
        shaped = text.str.contains(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$")
        issued = ~text.str.contains(r"^(?:BG|GB|KN|NK|NT|TN|ZZ)")
        return _only(text, shaped & issued)

    return _once(compact(raw), checked)


def pnc_id(raw: pl.Expr, current_year: int) -> pl.Expr:
    """A PNC identifier as `YYYY/NNNNNNND`, from its long or its short form, with or without `/`.

    A two-digit year up to the current one is of this century. The letter checks the last two
    digits of the year followed by the serial padded to seven. A serial of nought is a placeholder.
    """

    def valid(year: pl.Expr, serial: pl.Expr, letter: pl.Expr) -> pl.Expr:
        real = year.is_between(FIRST_PNC_YEAR, current_year) & (serial > 0)
        return real & (letter == _check_letter(year % 100 * 10**7 + serial))

    def checked(text: pl.Expr) -> pl.Expr:
        return _only_with_parts(text, year=(0, 4), serial=(5, 7), valid=valid)

    def read(text: pl.Expr) -> pl.Expr:
        return checked(_long_pnc(text, current_year))

    return _mostly(raw, LONG_PNC, checked, read)


def _long_pnc(raw: pl.Expr, current_year: int) -> pl.Expr:
    """A PNC identifier in its long form, its letter not yet checked."""
    text = compact(raw).str.replace(r"^([0-9]{4}|[0-9]{2})([0-9]{7}[A-Z])$", "${1}/${2}")
    groups = text.str.extract_groups(
        r"^(?<year>[0-9]{4}|[0-9]{2})/(?<serial>[0-9]{1,7})(?<letter>[A-Z])$"
    )

    def long(parts: pl.Expr) -> pl.Expr:
        year = _full_year(parts.struct["year"], current_year).cast(pl.String)
        padded = parts.struct["serial"].str.zfill(7)
        return pl.concat_str([year, pl.lit("/"), padded, parts.struct["letter"]])

    return _once(groups, long)


def cro_number(raw: pl.Expr) -> pl.Expr:
    """A CRO number as `NNNNNN/YYD`, or in its old form `SFYY/N…D`.

    The letter checks the year followed by the serial: padded to six, but unpadded in the SF form.
    `000000/00Z` passes the check and stands for an unknown number, so a serial of nought is
    refused.
    """

    def valid(year: pl.Expr, serial: pl.Expr, letter: pl.Expr) -> pl.Expr:
        return (serial > 0) & (letter == _check_letter(year * 10**6 + serial))

    def checked(text: pl.Expr) -> pl.Expr:
        return _only_with_parts(text, year=(7, 2), serial=(0, 6), valid=valid)

    def read(text: pl.Expr) -> pl.Expr:
        return pl.coalesce(checked(_long_cro(text)), _old_cro(text))

    return _mostly(raw, LONG_CRO, checked, lambda text: _once(compact(text), read))


def _long_cro(text: pl.Expr) -> pl.Expr:
    """A modern CRO number with its serial padded, its letter not yet checked."""
    groups = text.str.extract_groups(r"^(?<serial>[0-9]{1,6})/(?<rest>[0-9]{2}[A-Z])$")

    def long(parts: pl.Expr) -> pl.Expr:
        serial, rest = parts.struct["serial"], parts.struct["rest"]
        return pl.concat_str([serial.str.zfill(6), pl.lit("/"), rest])

    return _once(groups, long)


def _old_cro(text: pl.Expr) -> pl.Expr:
    groups = text.str.extract_groups(
        r"^SF(?<year>[0-9]{2})/0*(?<serial>[1-9][0-9]{0,5})(?<letter>[A-Z])$"
    )

    def checked(parts: pl.Expr) -> pl.Expr:
        year, serial, letter = (parts.struct[name] for name in ("year", "serial", "letter"))
        number = pl.concat_str([year, serial]).cast(pl.Int64, strict=False)
        whole = pl.concat_str([pl.lit("SF"), year, pl.lit("/"), serial, letter])
        return _only(whole, letter == _check_letter(number))

    return _once(groups, checked)


def crn(raw: pl.Expr) -> pl.Expr:
    """A probation case reference number: a letter and six digits."""
    return _shaped(raw, r"^[A-Z][0-9]{6}$")


def noms_number(raw: pl.Expr) -> pl.Expr:
    """A prison (NOMS) number: a letter, four digits and two letters."""
    return _shaped(raw, r"^[A-Z][0-9]{4}[A-Z]{2}$")


def uprn(raw: pl.Expr) -> pl.Expr:
    """A unique property reference number: up to twelve digits, here without leading noughts."""
    return raw.str.replace_all(r"\s", "").str.extract(r"^0*([1-9][0-9]{0,11})$", 1)


def la_code(raw: pl.Expr) -> pl.Expr:
    """The ONS code of an English local authority."""
    return _shaped(raw, r"^E(?:0[6-9]|10)[0-9]{6}$")


def postcode(raw: pl.Expr) -> pl.Expr:
    """A postcode without its space, pseudo-postcodes included."""

    def checked(text: pl.Expr) -> pl.Expr:
        real = text.str.contains(r"^(?:[A-Z][A-HJ-Y]?[0-9][A-Z0-9]?[0-9][A-Z]{2}|GIR0AA)$")
        return _only(text, real | is_pseudo_postcode(text))

    return _once(compact(raw), checked)


def is_pseudo_postcode(normal: pl.Expr) -> pl.Expr:
    """Whether a normal postcode names no place; null where there is none."""
    return normal.str.contains(NAMES_NO_PLACE)


def is_no_fixed_abode(normal: pl.Expr) -> pl.Expr:
    """Whether a normal postcode says no fixed abode; null where it says nothing either way."""
    says = normal.is_in(NO_FIXED_ABODE)
    return pl.when(says | ~is_pseudo_postcode(normal)).then(says)


def postcode_district(normal: pl.Expr) -> pl.Expr:
    """The outward half of a normal postcode, such as `NR3`; null for a pseudo-postcode."""
    return _only(normal.str.head(-3), ~is_pseudo_postcode(normal))


def postcode_sector(raw: pl.Expr) -> pl.Expr:
    """A postcode sector with one space, such as `NR3 1`, those of pseudo-postcodes included.

    Run together it is read only where it cannot be a district: `NR311` is `NR31 1`, but `NR31`
    could be a district as well as `NR3 1`, and so is neither.
    """
    text = raw.str.to_uppercase().str.strip_chars()
    for written in (RUN_TOGETHER, APART):
        text = text.str.replace(written, "${1} ${2}")
    return text.str.extract(SECTOR, 0)


def sector_district(sector: pl.Expr) -> pl.Expr:
    """The outward half of a normal sector, such as `NR3`; null for a pseudo-postcode's."""
    return _only(sector.str.head(-2), ~sector.str.contains(r"^(?:ZZ99|NF1) "))


def _full_year(digits: pl.Expr, current_year: int) -> pl.Expr:
    year = digits.cast(pl.Int64, strict=False)
    century = pl.when(year <= current_year % 100).then(2000).otherwise(1900)
    return pl.when(digits.str.len_bytes() == 2).then(year + century).otherwise(year)


def _check_letter(number: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(list(CHECK_LETTERS))).gather(number % len(CHECK_LETTERS))


def _shaped(raw: pl.Expr, pattern: str) -> pl.Expr:
    return _once(compact(raw), lambda text: _only(text, text.str.contains(pattern)))


def _only_with_parts(
    text: pl.Expr,
    *,
    year: Span,
    serial: Span,
    valid: Callable[[pl.Expr, pl.Expr, pl.Expr], pl.Expr],
) -> pl.Expr:
    """The texts whose year, serial number and check letter, at the end, are valid together."""

    def parted(value: pl.Expr) -> pl.Expr:
        numbers = [
            value.str.slice(*span).cast(pl.Int64, strict=False).alias(name)
            for name, span in (("year", year), ("serial", serial))
        ]
        kept = pl.struct(value.alias("text"), *numbers)
        whole = pl.field("text")
        good = valid(pl.field("year"), pl.field("serial"), whole.str.tail(1))
        return kept.struct.with_fields(_only(whole, good).alias("good")).struct.field("good")

    return _once(text, parted)


def _mostly(
    raw: pl.Expr,
    pattern: str,
    like: Callable[[pl.Expr], pl.Expr],
    other: Callable[[pl.Expr], pl.Expr],
) -> pl.Expr:
    """What follows from values of which most are like a pattern, the others worked out apart."""
    kept = pl.struct(raw.alias("raw"), raw.str.contains(pattern).alias("alike"))
    whole, alike = pl.field("raw"), pl.field("alike")
    place = pl.when(~alike).then((~alike).cum_sum() - 1)
    rest = other(whole.filter(~alike)).gather(place)
    made = pl.when(alike).then(like(whole)).otherwise(rest)
    return kept.struct.with_fields(made.alias("made")).struct.field("made")


def _once(value: pl.Expr, then: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """What follows from a value that polars works out once, however often it is used in that."""
    kept = pl.struct(value.alias("value"))
    return kept.struct.with_fields(then(pl.field("value")).alias("then")).struct.field("then")


def _only(value: pl.Expr, valid: pl.Expr) -> pl.Expr:
    return pl.when(valid).then(value)
