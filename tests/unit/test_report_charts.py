"""Charts show published counts only, in true proportion, with every word inside the drawing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.publish.report.charts import Bar, Link, Point, bars, sankey, trend
from warehouse.publish.report.drawing import Chart, broken

SVG = "{http://www.w3.org/2000/svg}"
SHOWN = st.one_of(
    st.sampled_from(["[c]", "[x]", "0"]), st.integers(1, 400).map(lambda n: str(5 * n))
)


def of(svg: str, tag: str) -> list[dict[str, str]]:
    """The attributes of every shape of a kind."""
    return [one.attrib for one in ElementTree.fromstring(svg).iter(SVG + tag)]


def check(chart: Chart) -> None:
    """Both drawings are whole, described, and keep their words between top and bottom."""
    for svg in (chart.wide, chart.narrow):
        root = ElementTree.fromstring(svg)
        height = float(root.attrib["viewBox"].split()[3])
        assert root.attrib["role"] == "img" and root.attrib["aria-label"] == chart.says
        for text in root.iter(SVG + "text"):
            assert 10 <= float(text.attrib["y"]) <= height
    assert "url(" not in chart.wide and "href" not in chart.wide


@given(st.lists(st.tuples(SHOWN, st.floats(0, 1), st.booleans()), min_size=1, max_size=6))
def test_bars_are_drawn_of_any_counts(counts: list[tuple[str, float, bool]]) -> None:
    each = [
        Bar(f"Step <{place}> & on", shown, "of 200", length, part)
        for place, (shown, length, part) in enumerate(counts)
    ]
    check(bars("Bars", each))


@given(st.lists(st.one_of(st.just("[c]"), st.integers(0, 100).map(str)), min_size=1, max_size=8))
def test_a_trend_is_drawn_of_any_shares(shares: list[str]) -> None:
    points = [Point("January to March 2026", shown, 0, 100) for shown in shares]
    check(trend("A trend", points, is_share=True))


@given(st.lists(st.lists(SHOWN, min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_sankey_is_drawn_of_any_links(rows: list[list[str]]) -> None:
    links = [
        Link(f"Step {place}", f"Next {to}", shown, "500")
        for place, row in enumerate(rows)
        for to, shown in enumerate(row)
    ]
    chart = sankey("A Sankey", links, quiet="Next 2")
    check(chart)
    bands = [int(shown) for row in rows for shown in row if shown.isdigit() and shown != "0"]
    assert len(of(chart.wide, "path")) == len(bands)


def test_bars_are_as_long_as_their_counts_and_a_masked_one_has_none() -> None:
    each = [
        Bar("All", "200", "", 1),
        Bar("Half", "100", "", 0.5),
        Bar("Masked", "[c]", "[c]% of 200"),
    ]
    chart = bars("Bars", each)
    whole, half = (float(bar["width"]) for bar in of(chart.wide, "rect"))
    assert half == pytest.approx(whole / 2, rel=0.01)
    assert "confidential" in chart.wide and "[c]%" not in chart.wide + chart.says


def test_bands_are_as_broad_as_their_counts() -> None:
    links = [
        Link("A", "X", "100", "150"),
        Link("A", "Y", "50", "150"),
        Link("A", "Z", "[c]", "150"),
    ]
    broad = []
    for band in of(sankey("A Sankey", links).wide, "path"):
        numbers = [float(one) for one in re.findall(r"-?\d+\.?\d*", band["d"])]
        broad.append(numbers[-1] - numbers[1])
    assert len(broad) == 2 and broad[0] == pytest.approx(2 * broad[1], rel=0.02)
    assert ">Z<" not in sankey("A Sankey", links).wide


def test_a_masked_window_breaks_the_line_of_a_trend() -> None:
    points = [Point(str(place), shown) for place, shown in enumerate(["10", "20", "[c]", "30"])]
    svg = trend("A trend", points, is_share=False).wide
    assert len(of(svg, "circle")) == 3
    assert sum(line["stroke"] == "#12436D" for line in of(svg, "line")) == 1


def test_words_are_broken_to_fit() -> None:
    assert all(len(line) <= 18 for line in broken("In contact with a treatment service", 160))
