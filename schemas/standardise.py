"""Names, dates and codes brought to one form, in named stages.

Expressions in, expressions of the same length out; null means that nothing usable was there.
Sources: the cleaning rules of HMPPS person-match (debris, hyphens, apostrophes, `MC X`), the NHS
ethnic categories and the 18+1 self-defined ethnicity codes. `rule_of` says which of them, or of
`schemas.identifiers`, a column goes by.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from schemas import identifiers
from schemas.codes import crosswalk, requirement_patterns
from schemas.columns import Column
from schemas.numbered import RAW

DUMMY_DATES_OF_BIRTH = (date(1900, 1, 1), date(1970, 1, 1))
"""Dates that systems write when the date of birth is not known."""

PLACEHOLDER_NAMES = ("NOT ENTERED", "NOT KNOWN", "NOT GIVEN", "NOT STATED", "UNKNOWN", "NO NAME")
"""What people write in a name field when they have no name."""

EARLIEST_YEAR, LATEST_YEAR = 1850, 2150
"""Dates outside these years are slips of the keyboard, not dates."""

SEX = {"M": "M", "F": "F", "N": "U", "NS": "U", "1": "M", "2": "F", "0": "U", "9": "U"}
"""Every partner's code of sex (M/F/N, courts' NS, NDTMS 1/2/0/9) to male, female, unknown."""

Stage = Callable[[pl.Expr], pl.Expr]


def _upper(name: pl.Expr) -> pl.Expr:
    return name.str.to_uppercase()


def _unaccent(name: pl.Expr) -> pl.Expr:
    """Split accents off their letters and drop them; spell out letters that do not split."""
    plain = name.str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    return plain.str.replace_many(
        ["Ł", "Ø", "Đ", "Ð", "Æ", "Œ", "Þ", "ẞ", "\N{LATIN SMALL LETTER DOTLESS I}"],
        ["L", "O", "D", "D", "AE", "OE", "TH", "SS", "I"],
    )


def _drop_debris(name: pl.Expr) -> pl.Expr:
    """Drop the marks that migrations and double bookings leave before a name."""
    return name.str.replace(r"^\s*(?:(?:MIG_ERROR|NO_SHOW|DUPLICATE)_\s*)+", "")


def _drop_apostrophes(name: pl.Expr) -> pl.Expr:
    """Drop apostrophes and the marks that are typed for them."""
    return name.str.replace_all(r"['`\x{B4}\x{2BB}\x{2BC}\x{2018}\x{2019}\x{2032}]", "")


def _other_marks_to_space(name: pl.Expr) -> pl.Expr:
    """Hyphens, and everything else that is not a letter, part words."""
    return name.str.replace_all(r"[^A-Z]+", " ")


def _join_mc(name: pl.Expr) -> pl.Expr:
    return name.str.replace_all(r"\bMC ([A-Z])", "MC${1}")


def _trim(name: pl.Expr) -> pl.Expr:
    return name.str.strip_chars(" ")


def _placeholders_to_null(name: pl.Expr) -> pl.Expr:
    return pl.when((name != "") & ~name.is_in(PLACEHOLDER_NAMES)).then(name)


NAME_STAGES: tuple[Stage, ...] = (
    _upper,
    _unaccent,
    _drop_debris,
    _drop_apostrophes,
    _other_marks_to_space,
    _join_mc,
    _trim,
    _placeholders_to_null,
)


def person_name(raw: pl.Expr) -> pl.Expr:
    """A forename or surname in capital letters A to Z and single spaces, or null."""
    for stage in NAME_STAGES:
        raw = stage(raw)
    return raw


def initial(raw: pl.Expr) -> pl.Expr:
    """The first letter of a name, or null."""
    return person_name(raw).str.head(1)


def iso_date(raw: pl.Expr) -> pl.Expr:
    """A date written `YYYY-MM-DD`, or null where it is not a real one."""
    shaped = pl.when(raw.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")).then(raw)
    parsed = shaped.str.to_date("%Y-%m-%d", strict=False)
    return pl.when(parsed.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR)).then(parsed)


def date_of_birth(parsed: pl.Expr) -> pl.Expr:
    """A date of birth, null where it is one of the dates that mean it is not known."""
    return pl.when(~parsed.is_in(DUMMY_DATES_OF_BIRTH)).then(parsed)


def sex(code: pl.Expr) -> pl.Expr:
    """Any partner's code of sex as M, F or U; null stays null."""
    return code.replace_strict(SEX, default=None, return_dtype=pl.String)


def whole_number(raw: pl.Expr) -> pl.Expr:
    """A whole number written in digits, or null."""
    return raw.cast(pl.Int32, strict=False)


def linkable_postcode(normal: pl.Expr) -> pl.Expr:
    """A normal postcode, null where it is a pseudo-postcode and so names no place."""
    return pl.when(~identifiers.is_pseudo_postcode(normal)).then(normal)


def generalise(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace what says who somebody is by what may be kept.

    Args:
        frame: A validated frame that may have `dob`, `postcode`, `pc` and `ethnic`.

    Returns:
        The frame with `birth_year`, `postcode_district` and `no_fixed_abode` (null where the
        postcode says nothing) in place of `dob`, `postcode` and `pc`, and with `ethnic` named
        `ethnicity`. Other columns, names and identifiers among them, are as they were.
    """
    made: list[pl.Expr] = []
    if "dob" in frame.columns:
        made.append(pl.col("dob").dt.year().cast(pl.Int32).alias("birth_year"))
    if "postcode" in frame.columns:
        district = identifiers.postcode_district(pl.col("postcode"))
        if "pc" in frame.columns:
            district = pl.coalesce(district, identifiers.sector_district(pl.col("pc")))
        made.append(district.alias("postcode_district"))
        made.append(identifiers.is_no_fixed_abode(pl.col("postcode")).alias("no_fixed_abode"))
    kept = frame.with_columns(made).drop("dob", "postcode", "pc", strict=False)
    return kept.rename({"ethnic": "ethnicity"}, strict=False)


def rule_of(column: Column, codes: Path | None, year: int) -> pl.Expr | None:
    """What brings a column to its one form, over a column named `RAW`; None where it stays.

    Args:
        column: The column.
        codes: The partnership's own code lists.
        year: The year of the extract, which two-digit years are read against.

    Raises:
        ConfigError: A code list cannot be used.
    """
    raw = pl.col(RAW)
    match column.kind:
        case "pnc_id":
            return identifiers.pnc_id(raw, year)
        case "ethnicity" if column.codes:
            return raw.replace_strict(crosswalk(column.codes, codes), default=None)
        case "requirement":
            return _category(raw, codes)
        case kind if kind in _RULES:
            return _RULES[kind](raw)
        case _:
            return None


_RULES: dict[str, Stage] = {
    "name": person_name,
    "initial": initial,
    "dob": date_of_birth,
    "sex": sex,
    "nhs_number": identifiers.nhs_number,
    "nino": identifiers.nino,
    "cro_number": identifiers.cro_number,
    "crn": identifiers.crn,
    "noms_number": identifiers.noms_number,
    "uprn": identifiers.uprn,
    "la_code": identifiers.la_code,
    "postcode": identifiers.postcode,
    "postcode_sector": identifiers.postcode_sector,
    "days_of_28": whole_number,
    "score_of_20": whole_number,
}


def _category(description: pl.Expr, codes: Path | None) -> pl.Expr:
    """The first category whose pattern a requirement's description matches, else OTHER."""
    matches = [
        pl.when(description.str.contains(pattern)).then(pl.lit(category))
        for pattern, category in requirement_patterns(codes)
    ]
    return pl.coalesce(*matches, pl.lit("OTHER"))
