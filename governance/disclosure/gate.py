"""Mask small counts and round the others once, a table at a time.

The rules are those of NDTMS (mask below 5), OpenSAFELY and ONS (round to a base), as methods for
statistical disclosure control describe them:

1. A count under the threshold is masked, nought included, unless the nought is structural (it
   could not have been anything else).
2. A count that is all but fewer than the threshold of its total is masked too: it would tell the
   same of those left over, and that nearly everyone in the total has the attribute.
3. Every other count is rounded to the nearest multiple of the base, once, from the truth.

No secondary suppression is done here, on purpose. Each total is rounded from its own true value and
not added up from rounded parts, so parts and totals do not sum, and taking the shown parts from a
shown total bounds a masked cell by the rounding errors of all of them instead of giving it away.
That is not proof: joint bounds over linked tables and over quarters need the audit of the whole
release, which is ``certify``. The partnership's draft still comes through here, because its tables
count people by the first event of twelve months, which cannot be set beside an earlier release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from governance.disclosure.rules import (
    BASE,
    MASKED,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    THRESHOLD,
    DisclosureError,
)

_ABSENT = frozenset({NOT_AVAILABLE, NOT_APPLICABLE})


def gate(
    frame: pl.DataFrame,
    count_columns: Sequence[str],
    threshold: int = THRESHOLD,
    base: int = BASE,
    *,
    totals: Mapping[str, str] | None = None,
    people: Mapping[str, str] | None = None,
    rest: Mapping[str, str] | None = None,
    absent: Mapping[str, str] | None = None,
    structural_zero: str | None = None,
) -> pl.DataFrame:
    """Return a table whose counts may be published.

    Args:
        frame: One row a cell, with true whole counts.
        count_columns: The columns of counts.
        threshold: Counts under this are masked.
        base: Other counts are rounded to a multiple of this.
        totals: Count column → the column of its total, for rule 2. Both are true counts.
        people: Count column → column of distinct people behind each cell, by which a count of
            tests, arrests or households is masked as well. These columns are left out of the
            result unless they are count columns themselves.
        rest: Count column → column of distinct people in the total who are not behind the cell,
            where that is not simply total less count; rule 2 is applied to it as well.
        absent: Count column → the shorthand, ``[x]`` or ``[z]``, for a count that is missing.
        structural_zero: A column that is true where a nought could not have been anything else;
            such noughts are shown as 0. It is left out of the result.

    Returns:
        The table with each count column as text: a multiple of the base, ``[c]``, ``[x]``, ``[z]``
        or a structural 0. Columns used only for masking are gone.

    Raises:
        DisclosureError: A column is missing, is not of whole numbers (so a gated table is refused:
            rounding twice is not rounding once) or is negative, or the numbers make no sense.
    """
    totals, people, rest, absent = totals or {}, people or {}, rest or {}, absent or {}
    _check_numbers(threshold, base)
    helpers = {*totals.values(), *people.values(), *rest.values()}
    for column in (*count_columns, *sorted(helpers - set(count_columns))):
        _check_counts(frame, column)
    for named in (totals, people, rest, absent):
        _check_known(named, count_columns)
    if set(absent.values()) - _ABSENT:
        raise DisclosureError(
            "The shorthand for missing counts is not known.",
            "Use [x] not available or [z] not applicable.",
        )
    if structural_zero is not None and frame.schema.get(structural_zero) != pl.Boolean:
        raise DisclosureError(
            "The column of structural noughts is missing or is not true or false.",
            "Give it as true, false or leave it out.",
        )
    gated = frame.with_columns(
        _gated(
            column,
            threshold,
            base,
            total=totals.get(column),
            behind=people.get(column),
            left=rest.get(column),
            missing=absent.get(column),
            structural_zero=structural_zero,
        )
        for column in count_columns
    )
    _check_explained(gated, count_columns)
    dropped = (helpers | ({structural_zero} if structural_zero else set())) - set(count_columns)
    return gated.drop(sorted(dropped))


def _gated(
    column: str,
    threshold: int,
    base: int,
    *,
    total: str | None,
    behind: str | None,
    left: str | None,
    missing: str | None,
    structural_zero: str | None,
) -> pl.Expr:
    """Return the expression that turns one column of true counts into text."""
    count = pl.col(column).cast(pl.Int64)
    masked = count < threshold
    if behind is not None:
        # No number of people known is as bad as too few.
        masked = masked | (pl.col(behind) < threshold).fill_null(value=True)
    if total is not None:
        masked = masked | (pl.col(total).cast(pl.Int64) - count < threshold).fill_null(value=False)
    if left is not None:
        masked = masked | (pl.col(left) < threshold).fill_null(value=False)
    rounded = ((count + base // 2) // base * base).cast(pl.String)
    shown = (
        pl.when(count.is_null())
        .then(pl.lit(missing, dtype=pl.String))
        .when(masked)
        .then(pl.lit(MASKED))
        .otherwise(rounded)
    )
    if structural_zero is not None:
        shown = (
            pl.when(pl.col(structural_zero).fill_null(value=False) & (count == 0))
            .then(pl.lit("0"))
            .otherwise(shown)
        )
    return shown.alias(column)


def _check_numbers(threshold: int, base: int) -> None:
    """Raise DisclosureError for a threshold and base that would not protect anyone."""
    if threshold < THRESHOLD or base < BASE or (threshold + base // 2) // base == 0:
        raise DisclosureError(
            "The threshold or the rounding base is too small, or the base is so large that a count "
            "at the threshold would be rounded to nought.",
            "Use a threshold of 5 or more and a base of 5 or 10.",
        )


def _check_counts(frame: pl.DataFrame, column: str) -> None:
    """Raise DisclosureError unless a column holds true counts."""
    if column not in frame.columns:
        raise DisclosureError(f"The table has no column {column}.", "Name the columns it has.")
    if not frame.schema[column].is_integer() and frame.schema[column] != pl.Null:
        raise DisclosureError(
            f"The column {column} is not of whole numbers, or has been through the gate already.",
            "Gate the true counts, once.",
        )
    if (frame.get_column(column).cast(pl.Int64) < 0).any():
        raise DisclosureError(f"The column {column} has a count below nought.", "Count again.")


def _check_known(named: Mapping[str, str], count_columns: Sequence[str]) -> None:
    """Raise DisclosureError when an option names a column that is not a count, or odd shorthand."""
    unknown = sorted(set(named) - set(count_columns))
    if unknown:
        raise DisclosureError(
            f"The gate was told of {', '.join(unknown)}, which is not among its count columns.",
            "Name the count columns and their options alike.",
        )


def _check_explained(gated: pl.DataFrame, count_columns: Sequence[str]) -> None:
    """Raise DisclosureError when a count is missing without a shorthand that says why."""
    for column in count_columns:
        shown = gated.get_column(column)
        if shown.is_null().any():
            raise DisclosureError(
                f"A count of {column} is missing and nothing says why.",
                "Give the shorthand for missing counts: [x] not available, [z] not applicable.",
            )
