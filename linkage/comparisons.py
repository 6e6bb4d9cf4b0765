"""How much two encoded records agree: five comparisons, their levels from best to worst.

A field's distance is the least Hamming distance of its filters under the anchors: under an anchor
the pair shares it follows the shared grams (0 when the values are equal, about a quarter of the
bits for one typing error in a short name, 0.49 of them for unrelated names), and under any
other it is noise near one half. A composite that contains a field and agrees shows the field equal.

Every condition is symmetric in the two records, so that the order they arrive in cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.encoded import FILTERS, STRONG_IDS, filter_columns, sex_column, token_column

# Hamming distances in bits of 128, chosen on the training population (docs/adr/0008, 0011).
NAME_CLOSE = 32
NAME_NEAR = 43
NAME_DISTANT = 53
DATE_CLOSE = 31
DATE_NEAR = 40
POSTCODE_CLOSE = 22


@dataclass(frozen=True)
class Level:
    """One level of a comparison: its name in the model file, and its condition in SQL."""

    name: str
    condition: str


@dataclass(frozen=True)
class NoEvidence:
    """Where a comparison says nothing, of the pairs that no condition before it took.

    Attributes:
        missing: True where a value is missing on either side.
        apart: True where the values look different only because the pair is not known to share an
            anchor, so that the distance is noise and evidence of nothing. Under one common salt
            every pair can be compared, and this does not apply.
    """

    missing: str
    apart: str | None = None

    def condition(self, *, anchored: bool = True) -> str:
        """The condition in SQL, for anchored or for commonly salted filters."""
        return f"({self.missing}) OR ({self.apart})" if anchored and self.apart else self.missing


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


def _filters(field: str) -> list[tuple[str, ...]]:
    """The word columns of a field's filters, anchor by anchor."""
    return [filter_columns(field, anchor) for filtered, anchor in FILTERS if filtered == field]


def _distance(field: str) -> str:
    """The least distance of a field over its anchors, null where no anchor has both values."""
    distances = [
        # DuckDB counts the bits of a word in one byte, which their sum may not fit.
        f"{' + '.join(f'bit_count(xor({word}_l, {word}_r))' for word in words)}::INTEGER"
        for words in _filters(field)
    ]
    return f"least({', '.join(distances)})"


def _same(field: str) -> str:
    """True where the filters are equal under an anchor, so that the least distance is 0."""
    return " OR ".join(
        f"({' AND '.join(f'{word}_l = {word}_r' for word in words)})" for words in _filters(field)
    )


def _unknown(field: str) -> str:
    """True where no anchor has both values, so that there is no distance."""
    either = ", ".join(f"xor({words[0]}_l, {words[0]}_r)" for words in _filters(field))
    return f"coalesce({either}) IS NULL"


def _agree(*tokens: str) -> str:
    """True where any of the composites agrees; false where none does, missing ones included."""
    conditions = [f"{token_column(token)}_l = {token_column(token)}_r" for token in tokens]
    return f"coalesce({' OR '.join(conditions)}, false)"


def _shared(field: str) -> str:
    """True where an anchor of the field is shared, so that its filters compare."""
    return _agree(*(anchor for filtered, anchor in FILTERS if filtered == field))


FORENAME = _distance("forename")
SURNAME = _distance("surname")
DOB = _distance("dob")
POSTCODE = _distance("postcode")

# Composites that show values equal, with no need of a filter.
DATE_AGREES = _agree(
    "date_surname", "date_sector", "date_names_either", "date_initial_sex", "initials_either_date"
)
# Of two dates that are not equal, what composites show of them all the same.
DATE_EXCHANGED = _agree("initials_date_either")
# Beside common names a year says little: of the pairs that it would have linked of 100,000 made-up
# records two in three were of two people.
YEAR_AGREES = (
    f"({_agree('postcode_forename_year')} OR ({_agree('names_year')} AND {_agree('names_lone')}))"
)
POSTCODE_AGREES = _agree("postcode_initials", "postcode_forename_year")
# Of two postcodes that are not equal: one may be made up and the other not.
SECTOR_AGREES = _agree("date_sector", "names_either_sector")
NAMES_IN_ORDER = _agree("names_year", "names_daymonth", "names_lone")
# Both names are known equal, and under the date that they do not stand in one order.
NAMES_EXCHANGED = (
    f"({_agree('date_names_either')} AND NOT {_agree('date_surname')} AND NOT {NAMES_IN_ORDER})"
)
NAMES_MEET = _agree(
    "names_year", "names_daymonth", "names_lone", "date_names_either", "names_either_sector"
)
# Under a sector nothing shows the order. Exchanged names are rare, and hardly ever met but by date.
NAMES_ELSEWHERE = f"({_agree('names_either_sector')} AND NOT {_agree('date_names_either')})"
NAMES_AGREE = f"({NAMES_IN_ORDER} OR {NAMES_ELSEWHERE})"
INITIALS_AGREE = _agree("postcode_initials", "initials_date_either")
INITIAL_AGREES = _agree("postcode_initials", "initials_date_either", "date_initial_sex")
# One postcode and forename, but not both initials: the surnames are others, though no filter of
# theirs can be compared.
OTHER_SURNAME_INITIAL = (
    f"({_agree('postcode_forename_year')} AND"
    f" {token_column('postcode_initials')}_l <> {token_column('postcode_initials')}_r)"
)
FORENAME_AGREES = f"({NAMES_AGREE} OR {_agree('postcode_forename_year')})"
SURNAME_AGREES = f"({NAMES_AGREE} OR {_agree('date_surname')})"


def _name(
    field: str, distance: str, agrees: str, initial: str, *, exchanged: bool, other: str = ""
) -> Comparison:
    """A name.

    Args:
        field: Which.
        distance: How far apart the two are.
        agrees: Where composites show the two equal.
        initial: Where its initial is known to agree.
        exchanged: Whether this name or the other carries the evidence of exchanged names.
        other: Where it is known to be another, with no anchor shared.
    """
    exact = Level("exact", f"({_same(field)} OR {agrees})")
    swap = Level("exchanged with the other name", NAMES_EXCHANGED)
    told = [_shared(field), *([f"coalesce({other}, false)"] if other else [])]
    return Comparison(
        field,
        (
            *((exact, swap) if exchanged else (NoEvidence(NAMES_EXCHANGED), exact)),
            Level("close", f"{distance} <= {NAME_CLOSE}"),
            Level("near", f"{distance} <= {NAME_NEAR}"),
            # One pair in twenty comes within the distant by chance where no anchor is shared.
            NoEvidence(_unknown(field), f"NOT ({' OR '.join(told)})"),
            # So does one in ten where one is, and most of those do not begin alike.
            Level("distant, of one initial", f"{distance} <= {NAME_DISTANT} AND {initial}"),
            Level("of one initial", initial),
            Level("distant", f"{distance} <= {NAME_DISTANT}"),
            Level("different", "ELSE"),
        ),
    )


def _strong_id() -> Comparison:
    """Whether strong ids agree, and whether any that could have does not.

    One that agrees beside another that differs is most often somebody else's, written down by
    mistake. A partner's own id for a person (CRN, client id) is evidence when it agrees and none
    when it differs: that a person has two of them is what linking within a partner is for.
    """
    columns = [token_column(name) for name in STRONG_IDS if name != "local_id"]
    agrees = _agree(*STRONG_IDS)
    differs = f"coalesce({' OR '.join(f'{c}_l <> {c}_r' for c in columns)}, false)"
    return Comparison(
        "strong_id",
        (
            Level("agree", f"{agrees} AND NOT {differs}"),
            Level("some agree, some differ", agrees),
            NoEvidence(f"NOT {differs}"),
            Level("all that can be compared differ", "ELSE"),
        ),
    )


# Bits of sex compare under what masks them, and initials with the date hold in either view.
SEX_COMPARES = _agree("date_surname", "initials_either_date", "date_initial_sex")
SEX_AGREES = (
    f"CASE WHEN {_agree('date_initial_sex')} THEN true"
    f" WHEN {_agree('initials_either_date')}"
    f" THEN {sex_column('initials_either_date')}_l = {sex_column('initials_either_date')}_r"
    f" ELSE {sex_column('date_surname')}_l = {sex_column('date_surname')}_r END"
)

COMPARISONS = (
    _name(
        "surname",
        SURNAME,
        SURNAME_AGREES,
        INITIALS_AGREE,
        exchanged=True,
        other=OTHER_SURNAME_INITIAL,
    ),
    _name("forename", FORENAME, FORENAME_AGREES, INITIAL_AGREES, exchanged=False),
    Comparison(
        "dob",
        (
            Level("exact", f"({_same('dob')} OR {DATE_AGREES})"),
            Level("day and month exchanged", DATE_EXCHANGED),
            Level("close", f"{DOB} <= {DATE_CLOSE}"),
            Level("of one year", YEAR_AGREES),
            Level("near", f"{DOB} <= {DATE_NEAR}"),
            NoEvidence(_unknown("dob"), f"NOT {_shared('dob')}"),
            Level("different", "ELSE"),
        ),
    ),
    Comparison(
        "postcode",
        (
            Level("exact", f"({_same('postcode')} OR {POSTCODE_AGREES})"),
            Level("close", f"{POSTCODE} <= {POSTCODE_CLOSE}"),
            Level("of one sector", SECTOR_AGREES),
            NoEvidence(_unknown("postcode"), f"NOT ({DATE_AGREES} OR {NAMES_MEET})"),
            Level("different", "ELSE"),
        ),
    ),
    Comparison(
        "sex",
        (
            NoEvidence(f"({SEX_AGREES}) IS NULL", f"NOT {SEX_COMPARES}"),
            Level("same", SEX_AGREES),
            Level("different", "ELSE"),
        ),
    ),
    _strong_id(),
)
