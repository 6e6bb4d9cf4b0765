"""The insider: an operator of the hub who holds the store keys and no identifier key.

The staging store keeps sex, ethnicity, year of birth, district and the events in the clear, since
analysis needs them, and the person id joins them to the encoded records. So the insider names some
people from staging alone. With the encoding, staging colours the graph of shared tokens; since it
tells sex, the masked bits tell the insider nothing more. Which values a record lacks may tell as
well: it told who lives at a crowded postcode as long as those were left out. Counted is what the
encoding adds.
"""

from __future__ import annotations

from typing import Final

import polars as pl

YEAR: Final = "birth_year"
STAGED: Final = ("sex", YEAR, "district")


def staged(people: pl.DataFrame) -> pl.DataFrame:
    """What the staging store says of people, as anybody can tell it of a plain list.

    Ethnicity is left out: a plain list seldom has it.
    """
    return people.select(
        "sex",
        birth_year=pl.col("dob").dt.year(),
        district=pl.col("postcode").str.head(-3),
    )


def name_by_columns(target: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """Guess the person who alone on the list agrees on every column; null where none does.

    Args:
        target: What is in the clear of each record.
        known: The same columns of the attacker's list.

    Returns:
        Rows of ``known``.
    """
    columns = target.columns
    alone = known.with_row_index("row").unique(columns, keep="none", maintain_order=True)
    return target.join(alone, on=columns, how="left", nulls_equal=True, maintain_order="left")[
        "row"
    ]


def narrowed_to(target: pl.DataFrame) -> float:
    """The median number of records that look like a record, itself among them."""
    alike = target.select(n=pl.len().over(target.columns))
    return float(alike["n"].median() or 0)  # type: ignore[arg-type]
