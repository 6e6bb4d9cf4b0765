"""The shape of an encoded extract: every column linkage may rely on, and nothing else.

Block tokens are 64-bit keyed composites, one per blocking rule. Filters are 128 bits in two signed
64-bit words, salted by an anchor, so that two of them compare only where the anchor agrees; sex is
likewise one bit for each of two composites that mask it. Reduced tokens are composites of what
every partner has, initials among it, so that an extract without names can meet one with them. No
attribute of a person is in the clear.
"""

from __future__ import annotations

from typing import Final

import polars as pl

ENCODING_VERSION: Final = 9
SAME_VALUES_SINCE: Final = 6
"""The earliest version that gives one standardised record the values that this one gives it, but
for filters and sex bits that one of the two does not have.

It is what labels of keys and linkage models go by, so that ids of records and of people, and a
model that a partnership has trained, outlive what changes round the values.
"""

FILTER_WORDS: Final = 2
FILTER_BITS: Final = 64 * FILTER_WORDS

# Each block token is named after the fields it is made of. What each of them gains was measured:
# docs/adr/0008, 0011, 0013 and 0022.
BLOCK_TOKENS: Final = (
    "date_surname",
    "date_sector",
    "postcode_initials",
    "names_year",
    "date_names_either",
    "names_daymonth",
    "date_initial_sex",
    "names_either_sector",
    "names_lone",
    "postcode_surname",
    "postcode_forename",
    "surname_initial_sector",
    "forename_initial_sector",
)

# Composites of the reduced view, named likewise. Those of initials and date without sex bring named
# records together too (docs/adr/0041).
REDUCED_TOKENS: Final = (
    "initials_date_sex",
    "initials_date_sector",
    "initials_either_date",
    "initials_date_either",
)

# Values that are unique to a person carry no frequency, so they may stand alone.
STRONG_IDS: Final = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number", "local_id")

# field, anchor: the field's filter is salted by the anchor, a composite that is a token. So two
# filters compare only where a token shows it, and what two people share of the one is hidden with
# the other (docs/adr/0049). Names and the date have one under every token that brings named records
# together and does not tell them; postcodes only where they can be like.
FILTERS: Final = (
    ("forename", "date_surname"),
    ("forename", "date_sector"),
    ("forename", "date_initial_sex"),
    ("forename", "initials_either_date"),
    ("forename", "postcode_initials"),
    ("surname", "date_sector"),
    ("surname", "date_initial_sex"),
    ("surname", "initials_either_date"),
    ("surname", "postcode_initials"),
    ("dob", "postcode_initials"),
    ("forename", "initials_date_either"),
    ("surname", "initials_date_either"),
    ("forename", "postcode_surname"),
    ("dob", "postcode_surname"),
    ("surname", "postcode_forename"),
    ("dob", "postcode_forename"),
    ("forename", "surname_initial_sector"),
    ("dob", "surname_initial_sector"),
    ("surname", "forename_initial_sector"),
    ("dob", "forename_initial_sector"),
    ("dob", "names_year"),
    ("dob", "names_daymonth"),
    ("dob", "names_either_sector"),
    ("dob", "names_lone"),
    ("postcode", "date_sector"),
)

# What takes the place of a value that two people share hangs on these: 128 secret bits a record.
# They come with a delivery and are never stored (docs/adr/0043).
STAND_IN: Final = ("stand_in_0", "stand_in_1")

# Sex as one bit masked by each of these: equal bits mean one sex where that composite agrees. Each
# is hardly ever of two people, as a mask that many share would tell who knows their sexes that
# they do (docs/adr/0048).
SEX_MASKS: Final = ("date_surname", "initials_either_date")


def token_column(name: str) -> str:
    """The column of a block token, reduced token or strong id."""
    return f"t_{name}"


def filter_columns(field: str, anchor: str) -> tuple[str, ...]:
    """The word columns of a field's filter under an anchor."""
    return tuple(f"f_{field}_{anchor}_{word}" for word in range(FILTER_WORDS))


def sex_column(mask: str) -> str:
    """The column of the sex bit that a composite masks."""
    return f"sex_{mask}"


def delivered_schema() -> dict[str, pl.DataType]:
    """Column names and polars types of an encoded extract as it is delivered, in their order."""
    return encoded_schema() | dict.fromkeys(STAND_IN, pl.Int64())


def encoded_schema() -> dict[str, pl.DataType]:
    """Column names and polars types of an encoded extract as it is kept, in their order."""
    words = [column for pair in FILTERS for column in filter_columns(*pair)]
    tokens = [token_column(name) for name in BLOCK_TOKENS + REDUCED_TOKENS + STRONG_IDS]
    return {
        "record_id": pl.Int64(),
        "partner": pl.String(),
        **{sex_column(mask): pl.Int8() for mask in SEX_MASKS},
        **{column: pl.Int64() for column in tokens + words},
    }
