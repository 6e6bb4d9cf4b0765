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

# Composites of both names under part of the date show both names equal even when neither the
# whole date nor the postcode agrees.
NAMES_AGREE = _agree("names_year", "names_daymonth")
DATE_AGREES = _agree("date_surname", "date_sector", "date_names_either", "date_initial")
POSTCODE_AGREES = _agree("postcode_initials")
NAMES_EXCHANGED = f"({_agree('date_names_either')} AND coalesce({SURNAME} > 0, false))"


def _apart(distance: str, furthest: int, *shared: str) -> str:
    """True where no level but the last is reached and no anchor is known to be shared."""
    return f"coalesce({distance} > {furthest}, false) AND NOT ({' OR '.join(shared)})"


def _name(field: str, distance: str, *, exchanged: bool) -> Comparison:
    """A name; whether this one or the other carries the evidence of exchanged names."""
    missing = f"{distance} IS NULL AND NOT {NAMES_AGREE}"
    swap = Level("exchanged with the other name", NAMES_EXCHANGED)
    return Comparison(
        field,
        missing if exchanged else f"({missing}) OR {NAMES_EXCHANGED}",
        (
            Level("exact", f"({distance} = 0 OR {NAMES_AGREE})"),
            *((swap,) if exchanged else ()),
            Level("close", f"{distance} <= {NAME_CLOSE}"),
            Level("near", f"{distance} <= {NAME_NEAR}"),
            Level("distant", f"{distance} <= {NAME_DISTANT}"),
            Level("different", "ELSE"),
        ),
        apart=_apart(distance, NAME_DISTANT, DATE_AGREES, POSTCODE_AGREES, NAMES_AGREE),
    )


def _strong_id() -> Comparison:
    """Whether any strong id agrees, and if none does, whether any could have.

    A partner's own id for a person (CRN, client id) is evidence when it agrees and none when it
    differs: that a person has two of them is what linking within a partner is for.
    """
    columns = [token_column(name) for name in STRONG_IDS if name != "local_id"]
    both = " OR ".join(f"({c}_l IS NOT NULL AND {c}_r IS NOT NULL)" for c in columns)
    agrees = _agree(*STRONG_IDS)
    return Comparison(
        "strong_id",
        f"NOT {agrees} AND NOT ({both})",
        (
            Level("any agrees", agrees),
            Level("all that can be compared differ", "ELSE"),
        ),
    )


COMPARISONS = (
    _name("surname", SURNAME, exchanged=True),
    _name("forename", FORENAME, exchanged=False),
    Comparison(
        "dob",
        f"{DOB} IS NULL AND NOT {DATE_AGREES}",
        (
            Level("exact", f"({DOB} = 0 OR {DATE_AGREES})"),
            Level("close", f"{DOB} <= {DATE_CLOSE}"),
            Level("near", f"{DOB} <= {DATE_NEAR}"),
            Level("different", "ELSE"),
        ),
        apart=_apart(DOB, DATE_NEAR, POSTCODE_AGREES, NAMES_AGREE, DATE_AGREES),
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
        apart=_apart(POSTCODE, POSTCODE_NEAR, DATE_AGREES, NAMES_AGREE, POSTCODE_AGREES),
    ),
    Comparison(
        "sex",
        f"{SEX_BIT}_l IS NULL OR {SEX_BIT}_r IS NULL",
        (Level("same", f"{SEX_BIT}_l = {SEX_BIT}_r"), Level("different", "ELSE")),
        apart=f"NOT {DATE_AGREES}",
    ),
    _strong_id(),
)
