"""Rates, medians and survival curves come from published counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.disclosure import DisclosureError, median_band, percentage, rate, survival

GATED = st.one_of(st.just("[c]"), st.integers(1, 200).map(lambda n: str(5 * n)))


def test_a_rate_is_of_published_counts():
    assert rate("15", "2000") == "8"
    assert rate("[c]", "2000") == rate("15", "[c]") == "[c]"
    assert rate("15", "[z]") == rate("0", "0") == "[z]"


@pytest.mark.parametrize("given_", ["7.5", "", "-5", "n"])
def test_only_published_counts_are_taken(given_):
    with pytest.raises(DisclosureError, match="published count"):
        percentage(given_, "40")


def test_a_median_is_of_bands_that_are_all_shown():
    assert median_band([("young", "10"), ("middle", "20"), ("old", "15")]) == "middle"
    assert median_band([("young", "10"), ("middle", "[c]"), ("old", "15")]) == "[c]"
    assert median_band([("young", "0"), ("old", "0")]) == "[z]"


@given(st.lists(GATED, min_size=1, max_size=8))
def test_a_survival_curve_never_rises(remaining):
    shares = [int(share) for share in survival(remaining) if share.isdigit()]
    assert shares == sorted(shares, reverse=True)
    assert [s for s, r in zip(survival(remaining), remaining, strict=True) if r == "[c]"] == [
        "[c]" for r in remaining if r == "[c]"
    ]


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("5", "40", "13"),
        ("10", "30", "33"),
        ("40", "40", "100"),
        ("[c]", "40", "[c]"),
        ("5", "[c]", "[c]"),
        ("[x]", "40", "[x]"),
        ("[c]", "[z]", "[z]"),
        ("0", "0", "[z]"),
    ],
)
def test_percentages_come_from_published_counts(
    numerator: str, denominator: str, expected: str
) -> None:
    assert percentage(numerator, denominator) == expected
