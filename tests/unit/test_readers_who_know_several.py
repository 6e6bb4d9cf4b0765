"""What a reader who knows several of those in a count can tell: tried out count by count."""

from __future__ import annotations

import pytest

from governance.disclosure.rules import BASES, THRESHOLDS, Rule


def told_too_much(rule: Rule, count: int, known: int) -> bool:
    """Whether who knows so many of a count is sure that the others are fewer than the threshold."""
    alike = [one for one in range(rule.threshold, 200) if rule.rounded(one) == rule.rounded(count)]
    return all(one - known < rule.threshold for one in alike)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_so_many_must_be_known_and_no_fewer(threshold: int, base: int) -> None:
    rule = Rule(threshold, base)
    counts = range(threshold, 60)
    assert not any(told_too_much(rule, one, rule.fewest_known - 1) for one in counts)
    assert told_too_much(rule, threshold, rule.fewest_known)


def test_the_figures_that_the_pages_give() -> None:
    assert {(t, b): Rule(t, b).fewest_known for t in THRESHOLDS for b in BASES} == {
        (5, 5): 3, (5, 10): 10, (8, 5): 5, (8, 10): 7, (10, 5): 3, (10, 10): 5
    }  # fmt: skip
