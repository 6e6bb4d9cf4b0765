"""How much two encoded records agree: five comparisons, their levels from best to worst.

A field's distance is the least Hamming distance of its filters under the anchors: under an anchor
the pair shares it follows the shared grams (0 when the values are equal, about a quarter of the
bits for one typing error in a short name, 0.49 of them for unrelated names), and under any
other it is noise near one half. A composite that contains a field and agrees shows the field equal.

Every condition is symmetric in the two records, so that the order they arrive in cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.encoded import FILTERS, SEX_BIT, STRONG_IDS, filter_columns, token_column

# Hamming distances in bits of 128, chosen on the training population (docs/adr/0008, 0011).
NAME_CLOSE = 32
NAME_NEAR = 43
NAME_DISTANT = 53
DATE_CLOSE = 31
DATE_NEAR = 40
POSTCODE_CLOSE = 22
POSTCODE_NEAR = 38


@dataclass(frozen=True)
class Level:
    """One level of a comparison: its name in the model file, and its condition in SQL."""

    name: str
    condition: str


@dataclass(frozen=True)
class Comparison:
    """One comparison: when it says nothing, and otherwise its levels, best first.

    Attributes:
        name: Its name in the model file.
        missing: True where a value is missing on either side.
        levels: The levels; the last takes every pair that no other does.
        apart: True where the values look different only because the pair is not known to share an
            anchor, so that the distance is noise and evidence of nothing. Under one common salt
            every pair can be compared, and this does not apply.
    """

    name: str
    missing: str
    levels: tuple[Level, ...]
    apart: str | None = None

    def no_evidence(self, *, anchored: bool = True) -> str:
        """When the comparison says nothing, for anchored or for commonly salted filters."""
        return f"({self.missing}) OR ({self.apart})" if anchored and self.apart else self.missing


def _distance(field: str) -> str:
    """The least distance of a field over its anchors, null where no anchor has both values."""
    distances = [
        " + ".join(
            f"bit_count(xor({column}_l, {column}_r))::INTEGER"
            for column in filter_columns(field, anchor)
        )
        for filtered, anchor in FILTERS
        if filtered == field
    ]
    return f"least({', '.join(distances)})"


def _agree(*tokens: str) -> str:
    """True where any of the composites agrees; false where none does, missing ones included."""
    conditions = [f"{token_column(token)}_l = {token_column(token)}_r" for token in tokens]
    return f"coalesce({' OR '.join(conditions)}, false)"


FORENAME = _distance("forename")
SURNAME = _distance("surname")
DOB = _distance("dob")
POSTCODE = _distance("postcode")

# Composites that show values equal, with no need of a filter.
DATE_AGREES = _agree("date_surname", "date_sector", "date_names_either", "date_initial_sex")
POSTCODE_AGREES = _agree("postcode_initials", "postcode_forename_year")
NAMES_IN_ORDER = _agree("names_year", "names_daymonth", "names_lone")
# Both names are known equal, and under the date that they do not stand in one order.
NAMES_EXCHANGED = (
    f"({_agree('date_names_either')} AND coalesce({SURNAME} > 0, true) AND NOT {NAMES_IN_ORDER})"
)
# Under a sector nothing shows the order. Exchanged names are rare, and hardly ever met but by date.
NAMES_ELSEWHERE = f"({_agree('names_either_sector')} AND NOT {_agree('date_names_either')})"
NAMES_AGREE = f"({NAMES_IN_ORDER} OR {NAMES_ELSEWHERE})"
INITIAL_AGREES = _agree("date_initial_sex", "postcode_initials")
FORENAME_AGREES = f"({NAMES_AGREE} OR {_agree('postcode_forename_year')})"

# Composites that show an anchor shared, so that the filters under it compare.
POSTCODE_INITIALS_SHARED = _agree("postcode_initials")
NAMES_SHARED = _agree(
    "names_year", "names_daymonth", "names_lone", "date_names_either", "names_either_sector"
)


def _apart(distance: str, furthest: int, *shared: str) -> str:
    """True where the distance may be noise: beyond `furthest`, and no anchor known to be shared."""
    return f"coalesce({distance} > {furthest}, false) AND NOT ({' OR '.join(shared)})"


def _name(
    field: str, distance: str, agrees: str, *, exchanged: bool, initial: str | None = None
) -> Comparison:
    """A name.

    Args:
        field: Which.
        distance: How far apart the two are.
        agrees: Where composites show the two equal.
        exchanged: Whether this name or the other carries the evidence of exchanged names.
        initial: Where the name's initial is known to agree, if it can be.
    """
    missing = f"{distance} IS NULL AND NOT {agrees}"
    swap = Level("exchanged with the other name", NAMES_EXCHANGED)
    return Comparison(
        field,
        f"{missing} AND NOT {NAMES_EXCHANGED}"
        if exchanged
        else f"({missing}) OR {NAMES_EXCHANGED}",
        (
            Level("exact", f"({distance} = 0 OR {agrees})"),
            *((swap,) if exchanged else ()),
            Level("close", f"{distance} <= {NAME_CLOSE}"),
            Level("near", f"{distance} <= {NAME_NEAR}"),
            Level("distant", f"{distance} <= {NAME_DISTANT}"),
            *((Level("of one initial", initial),) if initial else ()),
            Level("different", "ELSE"),
        ),
        # One pair in twenty comes within the distant by chance where no anchor is shared.
        apart=_apart(distance, NAME_NEAR, DATE_AGREES, POSTCODE_INITIALS_SHARED, agrees),
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
        f"NOT {agrees} AND NOT {differs}",
        (
            Level("agree", f"{agrees} AND NOT {differs}"),
            Level("some agree, some differ", agrees),
            Level("all that can be compared differ", "ELSE"),
        ),
    )


COMPARISONS = (
    _name("surname", SURNAME, NAMES_AGREE, exchanged=True),
    _name("forename", FORENAME, FORENAME_AGREES, exchanged=False, initial=INITIAL_AGREES),
    Comparison(
        "dob",
        f"{DOB} IS NULL AND NOT {DATE_AGREES}",
        (
            Level("exact", f"({DOB} = 0 OR {DATE_AGREES})"),
            Level("close", f"{DOB} <= {DATE_CLOSE}"),
            Level("near", f"{DOB} <= {DATE_NEAR}"),
            Level("different", "ELSE"),
        ),
        apart=_apart(DOB, DATE_NEAR, POSTCODE_INITIALS_SHARED, NAMES_SHARED, DATE_AGREES),
    ),
    Comparison(
        "postcode",
        f"{POSTCODE} IS NULL AND NOT {POSTCODE_AGREES}",
        (
            Level("exact", f"({POSTCODE} = 0 OR {POSTCODE_AGREES})"),
            Level("close", f"{POSTCODE} <= {POSTCODE_CLOSE}"),
            Level("near", f"{POSTCODE} <= {POSTCODE_NEAR}"),
            Level("different", "ELSE"),
        ),
        apart=_apart(POSTCODE, POSTCODE_NEAR, DATE_AGREES, NAMES_SHARED, POSTCODE_AGREES),
    ),
    Comparison(
        "sex",
        f"{SEX_BIT}_l IS NULL OR {SEX_BIT}_r IS NULL",
        (Level("same", f"{SEX_BIT}_l = {SEX_BIT}_r"), Level("different", "ELSE")),
        apart=f"NOT {DATE_AGREES}",
    ),
    _strong_id(),
)
