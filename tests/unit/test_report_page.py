"""The board's page as HTML: whole, readable without script or network, its figures the pack's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pack as packs
import polars as pl
import pytest

from warehouse.publish.columns import shorthand
from warehouse.publish.pack import Pack, empty
from warehouse.publish.report import headlines, render_page
from warehouse.publish.report.compose import compose

VOID = {"meta", "br", "rect", "line", "circle", "path"}


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(packs.pack(), ["funnel.csv", "pack.json"])


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert not found.open
    return found


def test_the_page_needs_no_script_and_no_network(page: str, outline: Outline) -> None:
    tags = {tag for tag, _ in outline.tags}
    assert not tags & {"script", "iframe", "img", "link", "object", "embed", "form", "image", "use"}
    for _, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not re.match(r"(https?:)?//", attributes.get("href") or "")
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_the_page_is_built_for_every_reader(page: str, outline: Outline) -> None:
    assert outline.of("html") == [{"lang": "en-GB"}]
    assert len(outline.of("h1")) == 1
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in outline.of("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert {link for link in links if not link.startswith("#")} == {"funnel.csv", "pack.json"}
    assert all(one.get("scope") in {"row", "col"} for one in outline.of("th"))
    assert all(one["role"] == "img" and one["aria-label"] for one in outline.of("svg"))
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert "colspan" not in page and "rowspan" not in page


def test_headings_go_down_one_level_at_a_time(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_each_chart_stands_above_its_table(page: str) -> None:
    for after in page.split('class="chart slim"')[1:]:
        assert re.search(r"</svg></div>\s*<div class=\"table", after)


def cells(page: str) -> Iterator[str]:
    yield from re.findall(r'<td class="n">([^<]*)</td>', page)


def test_every_figure_is_of_the_pack_or_worked_out_from_it(page: str) -> None:
    numbers = [
        int(cell.replace(",", "")) for cell in cells(page) if cell.replace(",", "").isdigit()
    ]
    known = {
        int(value)
        for table in packs.tables().values()
        for column in table.columns
        for value in table.get_column(column).cast(pl.String)
        if value and value.isdigit()
    }
    sums = {4 * value for value in known}
    assert numbers and set(numbers) <= known | sums


def rising(*numerators: str) -> dict[str, pl.DataFrame]:
    """The tables, with continuity of care in the last windows as given, and twelve months of it."""
    outcomes = packs.tables()["outcomes"]
    is_it = (pl.col("metric") == "continuity_of_care") & (pl.col("split") == "All")
    changed = outcomes.filter(is_it).with_columns(
        numerator=pl.Series(numerators, dtype=pl.String),
        denominator=pl.lit("400"),
        percent=pl.Series([str(int(n) // 4) for n in numerators], dtype=pl.String),
    )
    year = changed.tail(1).with_columns(
        period=pl.lit("Twelve months to June 2026"),
        period_start=pl.lit(packs.QUARTERS[0][1]),
        numerator=pl.lit(str(sum(map(int, numerators)))),
        denominator=pl.lit("1600"),
        percent=pl.lit("33"),
    )
    return {**packs.tables(), "outcomes": pl.concat([changed, year, outcomes.filter(~is_it)])}


@pytest.mark.parametrize(
    ("last", "is_headline", "is_told"),
    [("240", True, True), ("160", False, True), ("125", False, False)],
)
def test_a_headline_needs_a_clearer_change_than_a_sentence(
    last: str, is_headline: bool, is_told: bool
) -> None:
    tables = {
        **rising("120", "120", "120", last),
        "linkage_sensitivity": empty("linkage_sensitivity"),
    }
    pack = packs.pack(tables=tables)
    said = f"up from 30% in {packs.QUARTERS[2][0]}"
    assert any(said in sentence for sentence in headlines(pack)) == is_headline
    assert (said in render_page(pack)) == is_told
    assert any(one.startswith("No figure changed by more") for one in headlines(pack)) == (
        not is_told
    )
    assert any(one.startswith("No change stands out") for one in headlines(pack)) == (
        is_told and not is_headline
    )
    assert ("held against rounding and chance alone" in render_page(pack)) == is_told


def test_the_linkage_range_of_twelve_months_is_shared_among_their_windows() -> None:
    arrested = packs.tables()["outcomes"].filter(metric="contact_groups")
    year = arrested.tail(1).with_columns(
        period=pl.lit("Twelve months to June 2026"),
        period_start=pl.lit(packs.QUARTERS[0][1]),
        numerator=pl.lit("1240"),
    )
    swing = packs.table(
        "linkage_sensitivity",
        [("contact_groups", "people_arrested", "", "1240", "people", "1220", "1260")],
    )
    tables = {
        **packs.tables(),
        "outcomes": pl.concat([arrested, year]),
        "linkage_sensitivity": swing,
    }
    page = render_page(packs.pack(tables=tables))
    assert "303 to 317" in page  # 308 to 312 by rounding, and 5 either way
    assert "1,212 to 1,268" in page  # 1,232 to 1,248, and 20
    assert "up to 5 people higher or lower" in page


def test_one_percentage_point_is_one() -> None:
    swing = packs.table(
        "linkage_sensitivity",
        [("continuity_of_care", "within_3_weeks", "", "46", "per cent", "45", "47")],
    )
    page = render_page(packs.pack(tables={**packs.tables(), "linkage_sensitivity": swing}))
    assert "up to 1 percentage point higher" in page


def test_a_target_that_cannot_be_judged_is_not_without_one() -> None:
    framework = packs.tables()["framework"].head(1)
    masked = framework.with_columns(value=pl.lit("[c]"), target_status=pl.lit(""))
    page = render_page(packs.pack(tables={**packs.tables(), "framework": masked}))
    assert "Cannot be told" in page
    assert "0 can be told from these partners’ records; none can be set against a target" in page


def test_twelve_months_are_a_row_of_their_own_and_no_window() -> None:
    tables = rising("120", "120", "120", "125")
    report = compose(packs.pack(tables=tables))
    (measure,) = (
        part
        for section in report.sections
        for inner in section.inner
        for part in inner.parts
        if inner.key == "continuity-of-care" and not part.is_detail
    )
    assert measure.grid is not None and measure.chart is not None
    assert [row[0] for row in measure.grid.rows] == [
        *(name for name, _, _ in packs.QUARTERS),
        "Twelve months to June 2026: the sum",
    ]
    assert measure.grid.rows[-1][1:3] == ("485", "1,600")
    assert "in April to June 2026" in measure.sentences[0]
    assert "Twelve months" not in measure.chart.says


def test_measures_of_one_window_stand_side_by_side() -> None:
    whole = packs.tables()["outcomes"]
    stock = whole.filter(pl.col("metric") == "contact_groups").tail(1)
    both = pl.concat(
        [stock, stock.with_columns(measure=pl.lit("b"), title=pl.lit("Arrested twice"))]
    )
    page = render_page(packs.pack(tables={**packs.tables(), "outcomes": both}))
    assert "In April to June 2026: " in page and "arrested twice, about 310." in page
    assert page.count("<caption>People, April to June 2026</caption>") == 1


def test_what_a_partnership_is_called_is_text_not_markup(page: str) -> None:
    assert "A &amp; B &lt;Combating Drugs Partnership&gt;" in page
    assert "<Combating" not in page


def test_it_leads_with_a_sentence_then_a_funnel_and_says_when_the_next_is_due(page: str) -> None:
    first = page.index('class="first"')
    assert "about 120 people in April to June 2026" in page[first : first + 200]
    assert (
        page.index("cohort-release-need") < page.index('id="next"') < page.index('id="indicators"')
    )
    assert "More figures are due once the data of all partners reach 22 December 2026." in page
    assert headlines(packs.pack())[0] in page


@pytest.mark.parametrize("made_up", [True, False])
def test_made_up_data_are_called_so(made_up: bool) -> None:
    assert ("Made-up data." in render_page(packs.pack(demonstration=made_up))) == made_up


def test_the_same_pack_makes_the_same_page() -> None:
    assert render_page(packs.pack()) == render_page(packs.pack())


def without(pack: Pack, *names: str) -> dict[str, pl.DataFrame]:
    return {name: empty(name) if name in names else table for name, table in pack.tables.items()}


def test_no_chart_is_drawn_of_days_none_of_which_can_be_told() -> None:
    masked = packs.tables()["survival"].with_columns(percent=pl.lit("[c]"))
    report = compose(packs.pack(tables={**packs.tables(), "survival": masked}))
    (part,) = (one for one in report.sections[0].parts if one.title.endswith("by which day"))
    assert part.chart is None and part.grid is not None


def test_a_pack_of_nothing_is_still_a_page() -> None:
    whole = packs.pack()
    nothing = packs.pack(tables=without(whole, *whole.tables), releases=(), definitions=())
    assert "Nothing is published yet." in render_page(nothing)


@pytest.mark.parametrize("name", packs.tables())
def test_a_pack_may_lack_any_table(name: str) -> None:
    assert render_page(packs.pack(tables=without(packs.pack(), name)))


def test_a_pack_in_which_all_is_masked_is_still_a_page() -> None:
    masked = {
        name: table.with_columns(
            pl.lit("[c]").alias(column)
            for column in ("people", "of_people", "numerator", "denominator", "records", "percent")
            if column in table.columns
        )
        for name, table in packs.tables().items()
    }
    assert "too few people" in render_page(packs.pack(tables=masked))


def test_a_caveat_that_several_outcomes_share_is_said_once_for_their_theme() -> None:
    shared = "A person who was not linked is not a person who was not treated."
    definitions = [
        {"metric": name, "title": name, "theme": "treatment", "caveat": caveat}
        for name, caveat in (
            ("continuity_of_care", shared),
            ("contact_groups", shared),
            ("stable_accommodation", "Not everyone is asked."),
        )
    ]
    report = compose(packs.pack(definitions=tuple(definitions)))
    (theme,) = (one for one in report.sections if one.key == "outcomes-treatment")
    assert theme.caveat == shared
    assert {one.title: one.caveat for one in theme.inner} == {
        "continuity_of_care": "",
        "contact_groups": "",
    }
    assert theme.parts[0].grid is not None
    assert {row[0].split(":")[0]: row[1:4] for row in theme.parts[0].grid.rows} == {
        "continuity_of_care": ("55", "120", "46"),
        "contact_groups": ("310", "[z]", "[z]"),
    }


def test_indicators_held_against_a_target_stand_first_and_say_their_window_once() -> None:
    report = compose(packs.pack())
    (section,) = (one for one in report.sections if one.key == "indicators")
    first = section.parts[0].grid
    assert first is not None and first.caption.endswith("target, April to June 2026")
    assert first.rows == ((packs.TITLES["continuity_of_care"], "46%", "At least 75%", "Not met"),)
    assert not first.is_broad


def test_a_funnel_says_between_which_values_it_would_lie_if_linked_otherwise() -> None:
    report = compose(packs.pack())
    grid = report.sections[0].parts[0].grid
    assert grid is not None and grid.columns[-1] == "If linked otherwise"
    assert [row[-1] for row in grid.rows] == ["[x]", "[x]", "41% to 51%", "[x]", "[x]"]


def test_the_last_step_of_a_group_is_no_part_though_parts_come_after_it() -> None:
    tables = packs.tables()
    moved = pl.when(pl.col("is_part")).then(6).otherwise(pl.col("step_number"))
    funnel = tables["funnel"].with_columns(step_number=moved.cast(pl.Int64))
    report = compose(packs.pack(tables={**tables, "funnel": funnel}))
    (groups,) = (one for one in report.sections[0].parts if one.title == "By group")
    assert groups.grid is not None
    shares = {row[1]: row[-1] for row in groups.grid.rows}
    assert (shares["Male"], shares["Female"]) == ("29", "[c]")
    first = report.sections[0].parts[0].grid
    assert first is not None and first.rows[-1][0] == "also: already in it on the day of release"


def test_a_cohort_that_can_be_told_of_stands_before_one_that_cannot() -> None:
    funnel = packs.tables()["funnel"]
    masked = funnel.with_columns(pl.lit("[c]").alias(name) for name in ("people", "of_people"))
    other = funnel.with_columns(cohort=pl.lit("positive_test"), title=pl.lit("After a test"))
    both = packs.pack(tables={**packs.tables(), "funnel": pl.concat([masked, other])})
    shown, hidden = compose(both).sections[:2]
    assert [shown.key, hidden.key] == ["cohort-positive-test", "cohort-release-need"]
    assert shown.parts[0].chart is not None
    assert hidden.parts[0].chart is None  # bars of nothing
    assert "too few people" in hidden.lead and "too few people" not in headlines(both)[0]


def test_a_cohort_of_which_only_its_size_is_told_stands_after_one_with_a_step() -> None:
    """One bar of everyone tells nothing, and is no headline."""
    funnel = packs.tables()["funnel"]

    def told_to(last: int, cohort: str) -> pl.DataFrame:
        return funnel.with_columns(
            pl.lit(cohort).alias("cohort"),
            *(
                pl.when(pl.col("step_number") > last)
                .then(pl.lit("[c]"))
                .otherwise(name)
                .alias(name)
                for name in ("people", "percent")
            ),
        )

    both = pl.concat([told_to(1, "release_need"), told_to(2, "test")])
    first, second = compose(packs.pack(tables={**packs.tables(), "funnel": both})).sections[:2]
    assert [first.key, second.key] == ["cohort-test", "cohort-release-need"]
    assert first.parts[0].chart is not None and second.parts[0].chart is None


def test_steps_of_a_cohort_whose_size_is_masked_are_drawn_beside_each_other() -> None:
    """Not each as long as everyone, and no percentage of what is not told."""
    whole = pl.col("step_number") == 1
    funnel = packs.tables()["funnel"].with_columns(
        pl.when(whole).then(pl.lit("[c]")).otherwise("people").alias("people"),
        *(pl.lit("[c]").alias(name) for name in ("of_people", "percent")),
    )
    section = compose(packs.pack(tables={**packs.tables(), "funnel": funnel})).sections[0]
    chart = section.parts[0].chart
    assert chart is not None
    wide = [float(one) for one in re.findall(r'<rect[^>]* width="([0-9.]+)"', chart.wide)]
    assert len(set(wide)) > 1 and "of how many is confidential" in chart.wide
    assert "%" not in chart.wide and "cannot be told" in section.lead


def test_shorthand_means_on_the_page_what_it_means_in_the_files() -> None:
    assert dict(compose(packs.pack()).shorthand) == shorthand()
