"""How much two encoded records agree: five comparisons, their levels from best to worst.

A field's distance is the Hamming distance of its filters under an anchor that the pair shares: it
follows the shared grams (0 when the values are equal, about a quarter of the bits for one typing
error in a short name, 0.49 of them for unrelated names). Every anchor is a token that is stored, so
tokens tell where filters compare. A composite that contains a field and agrees shows it equal.

Every condition is symmetric in the two records, so that the order they arrive in cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from schemas.encoded import (
    FILTERS,
    STRONG_IDS,
    encoded_schema,
    filter_columns,
    sex_column,
    token_column,
)

# Hamming distances in bits of 128, chosen on the training population (docs/adr/0008, 0011, 0049).
NAME_CLOSE = 32
NAME_NEAR = 43
NAME_DISTANT = 50
DATE_CLOSE = 31
DATE_NEAR = 36
POSTCODE_CLOSE = 22

CODED: Final = "coded"
"""The column that holds all that is encoded of a record, where records are compared."""


@dataclass(frozen=True)
class Level:
    """One level of a comparison: its name in the model file, and its condition in SQL."""

    name: str
    condition: str


@dataclass(frozen=True)
class NoEvidence:
    """Where a comparison says nothing, of the pairs that no condition before it took.

    A value is missing on either side, or the two are not known to share an anchor.
    """

    condition: str


@dataclass(frozen=True)
class Comparison:
    """One comparison: its conditions in the order they are tried; a pair is taken by the first.

    What says nothing is asked as late as can be: whatever a level before it took need not be
    excluded again, and Splink reads each condition three times before it scores a pair.

    Attributes:
        name: Its name in the model file.
        steps: Its levels, best first, and among them where it says nothing. The last is a level
            that takes every pair left.
    """

    name: str
    steps: tuple[Level | NoEvidence, ...]

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels, best first."""
        return tuple(step for step in self.steps if isinstance(step, Level))


def as_compared(encoded: pl.DataFrame) -> pl.DataFrame:
    """Encoded records as conditions read them: ``record_id``, and all else in one column.

    Splink reads each column that a condition names by itself, several times before it scores a
    pair.

    Args:
        encoded: The columns of ``schemas.encoded.encoded_schema()``.
    """
    columns = [name for name in encoded_schema() if name not in ("record_id", "partner")]
    return encoded.select("record_id", pl.struct(columns).alias(CODED))


def _anchors(field: str) -> list[str]:
    return [anchor for filtered, anchor in FILTERS if filtered == field]


def _bits(field: str, anchor: str) -> str:
    words = (f"bit_count({_xor(word)})" for word in filter_columns(field, anchor))
    # DuckDB counts the bits of a word in one byte, which their sum may not fit.
    return f"{' + '.join(words)}::INTEGER"


def _first_word(field: str, anchor: str) -> str:
    """Null where the filter is missing on either side: its words are missing together."""
    word, *_ = filter_columns(field, anchor)
    return _xor(word)


def _xor(word: str) -> str:
    return f"xor({_value(word, 'l')}, {_value(word, 'r')})"


def _alike(column: str) -> str:
    return f"{_value(column, 'l')} = {_value(column, 'r')}"


def _value(column: str, side: str) -> str:
    return f"({CODED}_{side}).{column}"  # in parentheses, or it would be a table's column


def _compared(field: str, by: Callable[[str, str], str], *, anchored: bool) -> str:
    """A field's values compared under an anchor that both share, null where that cannot be told.

    Under one common salt every pair can be compared, and under each anchor alike.
    """
    if not anchored:
        return f"({by(field, _anchors(field)[0])})"
    cases = (f"WHEN {_equal(anchor)} THEN {by(field, anchor)}" for anchor in _anchors(field))
    return f"CASE {' '.join(cases)} END"


def _distance(field: str, *, anchored: bool) -> str:
    """How far a field's values are apart, null where that cannot be told."""
    return _compared(field, _bits, anchored=anchored)


def _unknown(field: str, *, anchored: bool) -> str:
    """True where :func:`_distance` is null; it is shorter to read."""
    return f"{_compared(field, _first_word, anchored=anchored)} IS NULL"


def _same(field: str) -> str:
    """True where the filters are equal under an anchor."""
    under = (filter_columns(field, anchor) for anchor in _anchors(field))
    return " OR ".join(f"({' AND '.join(map(_alike, words))})" for words in under)


def _equal(token: str) -> str:
    return _alike(token_column(token))


def _agree(*tokens: str) -> str:
    """True where any of the composites agrees; false where none does, missing ones included."""
    return f"coalesce({' OR '.join(map(_equal, tokens))}, false)"


# Composites that show values equal, with no need of a filter.
DATE_AGREES = _agree(
    "date_surname", "date_sector", "date_names_either", "date_initial_sex", "initials_either_date"
)
# Of two dates that are not equal, what composites show of them all the same.
DATE_EXCHANGED = _agree("initials_date_either")
POSTCODE_AGREES = _agree("postcode_initials", "postcode_surname", "postcode_forename")
# Beside common names alone a year says little: of the pairs that it would have linked of 100,000
# made-up records two in three were of two people.
YEAR_AGREES = f"({_agree('names_year')} AND ({_agree('names_lone')} OR {POSTCODE_AGREES}))"
# Of two postcodes that are not equal: one may be made up and the other not.
SECTOR_AGREES = _agree(
    "date_sector", "names_either_sector", "surname_initial_sector", "forename_initial_sector"
)
NAMES_IN_ORDER = _agree("names_year", "names_daymonth", "names_lone")
# Both names are known equal, and that they do not stand in one order.
NAMES_EXCHANGED = (
    f"({_agree('date_names_either')} AND NOT {_agree('date_surname')} AND NOT {NAMES_IN_ORDER})"
)
# Under a sector nothing shows the order. Exchanged names are rare, and hardly ever met but by date.
NAMES_ELSEWHERE = f"({_agree('names_either_sector')} AND NOT {_agree('date_names_either')})"
NAMES_AGREE = f"({NAMES_IN_ORDER} OR {NAMES_ELSEWHERE})"
SURNAME_AGREES = (
    f"({NAMES_AGREE} OR {_agree('date_surname', 'postcode_surname', 'surname_initial_sector')})"
)
FORENAME_AGREES = f"({NAMES_AGREE} OR {_agree('postcode_forename', 'forename_initial_sector')})"
SURNAME_INITIAL_AGREES = _agree(
    "forename_initial_sector", "postcode_initials", "initials_date_either"
)
INITIAL_AGREES = _agree(
    "surname_initial_sector", "postcode_initials", "initials_date_either", "date_initial_sex"
)
# Who shares a date or both names is in two places where nothing shows one.
NAMES_MEET = _agree(
    "names_year", "names_daymonth", "names_lone", "date_names_either", "names_either_sector"
)


# Bits of sex compare under what masks them, and initials with the date hold in either view.
SEX_COMPARES = _agree("date_surname", "initials_either_date", "date_initial_sex")
SEX_AGREES = (
    f"CASE WHEN {_agree('date_initial_sex')} THEN true"
    f" WHEN {_agree('initials_either_date')}"
    f" THEN {_alike(sex_column('initials_either_date'))}"
    f" ELSE {_alike(sex_column('date_surname'))} END"
)


def comparisons(*, anchored: bool = True) -> tuple[Comparison, ...]:
    """The comparisons of two records, each with its levels.

    Args:
        anchored: False for filters made under one common salt, where random people compare.
    """
    dob, postcode = (_distance(field, anchored=anchored) for field in ("dob", "postcode"))
    return (
        _name("surname", SURNAME_AGREES, SURNAME_INITIAL_AGREES, exchanged=True, anchored=anchored),
        _name("forename", FORENAME_AGREES, INITIAL_AGREES, exchanged=False, anchored=anchored),
        Comparison(
            "dob",
            (
                Level("exact", f"({_same('dob')} OR {DATE_AGREES})"),
                Level("day and month exchanged", DATE_EXCHANGED),
                Level("close", f"{dob} <= {DATE_CLOSE}"),
                Level("of one year", YEAR_AGREES),
                Level("near", f"{dob} <= {DATE_NEAR}"),
                NoEvidence(_unknown("dob", anchored=anchored)),
                Level("different", "ELSE"),
            ),
        ),
        Comparison(
            "postcode",
            (
                Level("exact", f"({_same('postcode')} OR {POSTCODE_AGREES})"),
                Level("close", f"{postcode} <= {POSTCODE_CLOSE}"),
                Level("of one sector", SECTOR_AGREES),
                NoEvidence(_postcode_unknown(anchored=anchored)),
                Level("different", "ELSE"),
            ),
        ),
        Comparison(
            "sex",
            (
                NoEvidence(f"({SEX_AGREES}) IS NULL OR NOT {SEX_COMPARES}")
                if anchored
                else NoEvidence(f"({SEX_AGREES}) IS NULL"),
                Level("same", SEX_AGREES),
                Level("different", "ELSE"),
            ),
        ),
        _strong_id(),
    )


def _name(field: str, agrees: str, initial: str, *, exchanged: bool, anchored: bool) -> Comparison:
    """A name.

    Args:
        field: Which.
        agrees: Where composites show the two equal.
        initial: Where its initial is known to agree.
        exchanged: Whether this name or the other carries the evidence of exchanged names.
        anchored: As for :func:`comparisons`.
    """
    distance = _distance(field, anchored=anchored)
    exact = Level("exact", f"({_same(field)} OR {agrees})")
    swap = Level("exchanged with the other name", NAMES_EXCHANGED)
    return Comparison(
        field,
        (
            *((exact, swap) if exchanged else (NoEvidence(NAMES_EXCHANGED), exact)),
            Level("close", f"{distance} <= {NAME_CLOSE}"),
            Level("near", f"{distance} <= {NAME_NEAR}"),
            NoEvidence(_unknown(field, anchored=anchored)),
            # Of strangers one pair in ten is distant, and most of those do not begin alike.
            Level("distant, of one initial", f"{distance} <= {NAME_DISTANT} AND {initial}"),
            Level("of one initial", initial),
            Level("distant", f"{distance} <= {NAME_DISTANT}"),
            Level("different", "ELSE"),
        ),
    )


def _postcode_unknown(*, anchored: bool) -> str:
    """True where a postcode is missing on either side, or none of what two share tells of it."""
    either = ", ".join(_first_word("postcode", anchor) for anchor in _anchors("postcode"))
    missing = f"coalesce({either}) IS NULL"
    return f"{missing} OR NOT ({DATE_AGREES} OR {NAMES_MEET})" if anchored else missing


def _strong_id() -> Comparison:
    """Whether strong ids agree, and whether any that could have does not.

    One that agrees beside another that differs is most often somebody else's, written down by
    mistake. A partner's own id for a person (CRN, client id) is evidence when it agrees and none
    when it differs: that a person has two of them is what linking within a partner is for.
    """
    columns = [token_column(name) for name in STRONG_IDS if name != "local_id"]
    agrees = _agree(*STRONG_IDS)
    unlike = (f"{_value(column, 'l')} <> {_value(column, 'r')}" for column in columns)
    differs = f"coalesce({' OR '.join(unlike)}, false)"
    return Comparison(
        "strong_id",
        (
            Level("agree", f"{agrees} AND NOT {differs}"),
            Level("some agree, some differ", agrees),
            NoEvidence(f"NOT {differs}"),
            Level("all that can be compared differ", "ELSE"),
        ),
    )


COMPARISONS = comparisons()
