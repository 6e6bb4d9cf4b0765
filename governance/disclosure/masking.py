"""What is masked before any audit: small counts, and what holds nearly all of a total."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from governance.disclosure.catalogue import Population
from governance.disclosure.rules import MASKED, Rule
from governance.disclosure.tally import Counts, Tally

MOST_SMALL = 0.2  # beyond this share of small cells, categories are too fine
MOST_ROUNDING = 0.03  # and beyond this share of a count that rounding moves, in the median


def primary(population: Population, cells: Counts, tally: Tally, rule: Rule) -> list[str]:
    """Mask and round every cell from its own true count, once.

    A cell is masked when it, or the people behind it, are fewer than the threshold, nought
    included, and when fewer people than that are in a total and not in it: then it tells that
    nearly everyone in the total is in it, and how many are not. A cell that cannot have anyone is
    shown as 0.

    Args:
        population: What is declared.
        cells: True counts by cell, in the period published.
        tally: The people behind them.
        rule: The threshold and base.

    Returns:
        What is shown, by cell.
    """
    small = (cells < rule.threshold) | (tally.people < rule.threshold)
    nearly_all = np.zeros(len(cells), dtype=bool)
    for (part, total), rest in zip(population.totals, tally.rest, strict=True):
        could_be_left = (population.matrix[total] & ~population.matrix[part]).any()
        nearly_all[part] |= bool(could_be_left) and rest < rule.threshold
    return [
        "0" if not can else MASKED if mask else rule.rounded(int(count))
        for count, mask, can in zip(cells, small | nearly_all, population.possible, strict=True)
    ]


def share_small(population: Population, cells: Counts, rule: Rule) -> float:
    """The share of the cells that could have anyone which have fewer than the threshold."""
    possible = population.possible
    return float(((cells < rule.threshold) & possible).sum() / max(int(possible.sum()), 1))


def rounding_to_expect(shown: Sequence[str], rule: Rule) -> float | None:
    """What rounding moves a published count by on average, as a share of the median one.

    It is worked out from what is published, so that it tells no more than that.

    Args:
        shown: Published counts; those that are masked or 0 do not count.
        rule: The threshold and base.

    Returns:
        The share; None where no count is shown.
    """
    counts = [int(value) for value in shown if value not in (MASKED, "0")]
    return rule.mean_error / float(np.median(counts)) if counts else None
