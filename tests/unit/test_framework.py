"""The lists of indicators: every row, its figure, what others publish, and its target's status."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from pack import QUARTERS, table

from governance.disclosure import Rule
from schemas.errors import ConfigError
from warehouse.given import PUBLISHED, load_given
from warehouse.models import load_seed
from warehouse.publish.framework import framework, target_status
from warehouse.publish.latest import Latest, latest
from warehouse.publish.published import PUBLISHED_COLUMNS, read_published

HEADER = ",".join(PUBLISHED_COLUMNS) + "\n"
CONTINUITY = (
    "Outcomes from linked data,Continuity of care: structured community treatment within 3 weeks "
    "of release from prison"
).replace("data,", 'data,"') + '"'
HOMICIDE = "National outcomes that these partners cannot supply,Homicides involving drugs"


def indicator(**said: Any) -> dict[str, Any]:
    """A row of the mart ``indicator``: continuity of care, changed as said."""
    row = {
        "list": "Outcomes from linked data",
        "place": 7,
        "indicator": "Continuity of care: structured community treatment within 3 weeks of "
        "release from prison",
        "status": "computed",
        "reason": None,
        "source": "Linked records: treatment, probation",
        "metric": "continuity",
        "measure": "within",
        "split": "all",
        "answered_by": "figure",
        "target": 50.0,
        "target_unit": "percent",
        "caveat": None,
        "is_withheld": False,
        "target_at_most": False,
        "unit": "releases",
    }
    return row | said


def outcomes(*windows: tuple[str, str], quarters: Any = QUARTERS) -> pl.DataFrame:
    """The table ``outcomes`` with these counts for everyone, in the newest quarters."""
    named = ("continuity", "within", "Title")
    return table(
        "outcomes",
        [
            (*named, *quarter, "All", "All", above, below, "[z]", "releases")
            for quarter, (above, below) in zip(quarters[-len(windows) :], windows, strict=True)
        ],
    )


def swing(low: str, high: str) -> pl.DataFrame:
    return table("linkage_sensitivity", [("continuity", "within", "", "", "per cent", low, high)])


NO_SWING = table("linkage_sensitivity", [])
NONE_PUBLISHED = read_published(None)
FOUR = (("20", "40"), ("25", "40"), ("20", "45"), ("30", "50"))


def made(
    shown: pl.DataFrame,
    swings: pl.DataFrame = NO_SWING,
    published: pl.DataFrame = NONE_PUBLISHED,
    prevalence: pl.DataFrame | None = None,
    **said: Any,
) -> list[dict[str, Any]]:
    indicators = pl.DataFrame([indicator(**said)], infer_schema_length=None)
    return framework(indicators, shown, swings, published, prevalence=prevalence).to_dicts()


def test_twelve_months_are_the_sum_of_what_is_published() -> None:
    (row,) = made(outcomes(*FOUR))
    assert (row["numerator"], row["denominator"], row["value"]) == ("95", "175", "54")
    assert (row["period"], row["unit"]) == ("July 2025 to June 2026", "per cent")
    assert (row["period_start"], row["period_end"]) == (date(2025, 7, 1), date(2026, 6, 30))
    assert (row["status"], row["area"], row["england"]) == ("exact", "All", "[x]")


def test_a_sum_that_is_shown_beside_its_parts_is_not_taken_for_a_window() -> None:
    parts = outcomes(*FOUR)
    whole = ("Twelve months to June 2026", QUARTERS[0][1], QUARTERS[-1][2])
    both = pl.concat([outcomes(("95", "175"), quarters=[whole]), parts])
    rule = Rule()
    figure = latest(both, rule)["continuity", "within"]
    assert figure == latest(parts, rule)["continuity", "within"]
    assert figure.numerator_range == (87, 103)


@pytest.mark.parametrize(
    ("windows", "quarters"),
    [
        ((("20", "40"), ("[c]", "40"), ("20", "45"), ("30", "50")), QUARTERS),
        ((("20", "45"), ("30", "50")), QUARTERS),
        (FOUR, (QUARTERS[0], QUARTERS[0], QUARTERS[1], QUARTERS[3])),
    ],
    ids=["one is masked", "only two", "one is missing"],
)
def test_without_twelve_whole_months_the_newest_window_stands(windows: Any, quarters: Any) -> None:
    (row,) = made(outcomes(*windows, quarters=quarters))
    assert (row["numerator"], row["denominator"], row["value"]) == ("30", "50", "60")
    assert row["period_start"] == date(2026, 4, 1)


def test_a_masked_newest_window_is_shown_as_that() -> None:
    (row,) = made(outcomes(("[c]", "15")), swing("[c]", "[c]"))
    assert (row["numerator"], row["denominator"], row["value"]) == ("[c]", "15", "[c]")
    assert row["target_status"] == ""


@pytest.mark.parametrize(
    ("target", "swings", "status"),
    [
        (50.0, ("54", "54"), "too close to call"),  # rounding alone: 87/183 to 103/167
        (47.0, ("54", "54"), "met"),
        (47.0, ("53", "55"), "too close to call"),  # a point of linkage sensitivity undoes it
        (62.0, ("54", "54"), "not met"),
        (62.0, ("54", "55"), "too close to call"),
    ],
)
def test_a_target_status_is_said_only_where_nothing_could_change_it(
    target: float, swings: tuple[str, str], status: str
) -> None:
    (row,) = made(outcomes(*FOUR), swing(*swings), target=target)
    assert row["target_status"] == status
    assert (row["low"], row["high"]) == swings


def test_without_linkage_sensitivity_no_status_is_said_and_why_is() -> None:
    (row,) = made(outcomes(*FOUR), target=10.0)
    assert row["target_status"] == "" and "linkage is not known" in row["note"]


def test_a_target_of_twelve_months_is_not_held_against_fewer() -> None:
    plain = {"target": 90.0, "target_unit": "people"}
    counts = [("40", "[z]")] * 4
    (row,) = made(outcomes(*counts), swing("160", "160"), **plain)
    assert (row["value"], row["unit"], row["target_status"]) == ("160", "releases", "met")
    (row,) = made(outcomes(*counts[:3]), swing("40", "40"), **plain)
    assert row["target_status"] == "" and "twelve months" in row["note"]


def test_a_target_may_be_one_to_stay_below() -> None:
    for target, said in ((62.0, "met"), (40.0, "not met"), (50.0, "too close to call")):
        (row,) = made(outcomes(*FOUR), swing("54", "54"), target=target, target_at_most=True)
        assert (row["target_is"], row["target_status"]) == ("at most", said), target


def test_a_target_of_another_figure_is_not_judged() -> None:
    (row,) = made(outcomes(*FOUR), swing("54", "54"), target_unit="per cent by which a mean rose")
    assert (row["target"], row["target_status"]) == ("", "")
    assert "50 per cent by which a mean rose, is of another figure" in row["note"]


@pytest.mark.parametrize(
    ("status", "is_withheld", "said"),
    [
        ("restricted", True, "has not asked"),
        ("restricted", False, "no partner sends"),
        ("computed", False, "no partner sends"),
        ("proxy", False, "no partner"),
    ],
)
def test_what_is_not_published_is_not_available_and_says_why(
    status: str, is_withheld: bool, said: str
) -> None:
    (row,) = made(table("outcomes", []), status=status, is_withheld=is_withheld)
    assert (row["numerator"], row["denominator"], row["value"]) == ("[x]", "[x]", "[x]")
    assert said in row["note"]
    assert row["unit"] == "per cent"  # its target's


def test_a_mean_is_not_said_to_be_missing_for_want_of_data() -> None:
    (row,) = made(table("outcomes", []), target_unit="per cent by which the mean of b exceeds a")
    assert "means are not published" in row["note"] and row["unit"] == ""


NOT_SUPPLIED = {
    "list": HOMICIDE.split(",")[0],
    "indicator": HOMICIDE.split(",")[1],
    "status": "not available",
    "reason": "Custody extracts do not name victims.",
    "source": "Home Office, Homicide Index",
    "metric": None,
    "measure": None,
    "answered_by": None,
    "target": None,
    "target_unit": None,
}


def test_a_row_that_partners_cannot_supply_is_marked_with_its_source() -> None:
    (row,) = made(table("outcomes", []), **NOT_SUPPLIED)
    assert (row["value"], row["status"]) == ("[x]", "not available")
    assert row["source"] == "Home Office, Homicide Index"


def published(folder: Path, *lines: str) -> pl.DataFrame:
    path = folder / PUBLISHED
    path.write_text(HEADER + "\n".join(lines) + "\n", "utf-8")
    return read_published(load_given(folder).published)


def test_what_others_publish_fills_a_row_that_partners_cannot_supply(tmp_path: Path) -> None:
    theirs = published(
        tmp_path,
        f"{HOMICIDE},,,2023 to 2025,3.1,per million,4.5,Home Office,2025-12-31",
        f"{HOMICIDE},E10000020,Norfolk,2023 to 2025,2.9,per million,4.5,Home Office,2025-12-31",
    )
    whole, norfolk = made(table("outcomes", []), published=theirs, **NOT_SUPPLIED)
    assert (whole["value"], whole["england"], whole["status"]) == ("3.1", "4.5", "published")
    assert (whole["area"], norfolk["area"]) == ("All", "Norfolk")
    assert (norfolk["value"], norfolk["unit"]) == ("2.9", "per million")
    assert (whole["period"], whole["source"]) == ("2023 to 2025", "Home Office")


def test_england_stands_beside_a_row_of_the_partnership(tmp_path: Path) -> None:
    theirs = published(
        tmp_path,
        f"{CONTINUITY},,,2024 to 2025,,per cent,34.5,NDTMS,2025-12-31",
        f"{CONTINUITY},E10000020,Norfolk,2024 to 2025,31,per cent,34.5,NDTMS,2025-12-31",
    )
    own, norfolk = made(outcomes(*FOUR), swing("54", "54"), theirs, target=47.0)
    assert (own["value"], own["england"], own["target_status"]) == ("54", "34.5", "met")
    assert (norfolk["value"], norfolk["target_status"], norfolk["low"]) == ("31", "", "")
    assert norfolk["status"] == "published" and norfolk["numerator"] == "[x]"


def test_england_in_another_unit_has_a_row_of_its_own(tmp_path: Path) -> None:
    theirs = published(tmp_path, f"{CONTINUITY},,,2024,,per 100,34.5,NDTMS,2025-12-31")
    own, other = made(outcomes(*FOUR), published=theirs)
    assert (own["england"], own["unit"]) == ("[x]", "per cent")
    assert (other["area"], other["value"], other["england"]) == ("All, as published", "[x]", "34.5")


def test_england_alone_gives_its_unit_to_a_row_without_a_figure(tmp_path: Path) -> None:
    theirs = published(tmp_path, f"{HOMICIDE},,,2024,,per million,4.5,Home Office,2025-12-31")
    (row,) = made(table("outcomes", []), published=theirs, **NOT_SUPPLIED)
    assert (row["value"], row["england"], row["unit"]) == ("[x]", "4.5", "per million")
    assert row["status"] == "not available"


def test_a_published_figure_never_takes_the_place_of_the_partnerships_own(tmp_path: Path) -> None:
    theirs = published(tmp_path, f"{CONTINUITY},,,2024,29,per cent,,NDTMS,2025-12-31")
    own, other = made(outcomes(*FOUR), published=theirs)
    assert (own["value"], other["area"], other["value"]) == ("54", "All, as published", "29")
    assert other["england"] == "[x]"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("No list,Homicides,,,2024,1,per million,,Home Office,2025-12-31", "names no indicator"),
        (f"{HOMICIDE},,,2024,,per million,,Home Office,2025-12-31", "neither a value nor"),
        (f"{HOMICIDE},E07000148,Norwich,2024,1,rate,,Home Office,2025-12-31", "`authority` is not"),
        (f"{HOMICIDE},E10000020,,2024,1,rate,,Home Office,2025-12-31", "without its name"),
        (f"{HOMICIDE},E10000020,All,2024,1,rate,,Home Office,2025-12-31", "name of the whole"),
        (f"{HOMICIDE},,Norfolk,2024,1,rate,,Home Office,2025-12-31", "without its code"),
        (f"{HOMICIDE},,,2024,1e9,rate,,Home Office,2025-12-31", "`value` is not"),
        (f"{HOMICIDE},,,2024,n91,rate,,Home Office,2025-12-31", "`value` is not"),
        (f"{HOMICIDE},,,=1+n91,1,rate,,Home Office,2025-12-31", "`period` is not"),
        (f"{HOMICIDE},,,2024,1,rate,,@n91,2025-12-31", "`source` is not"),
        (f"{HOMICIDE},,,2024,1,rate,,Home Office,31/12/2025", "`as_at`"),
        (f"{HOMICIDE},,,2024,1,rate,,Home Office", "more or fewer values"),
    ],
)
def test_a_fault_in_a_published_indicator_is_named_and_never_repeated(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"{PUBLISHED}.*line 2.*{said}|{said}.*line 2") as refused:
        published(tmp_path, line)
    assert "n91" not in str(refused.value)


def test_an_indicator_given_twice_of_one_authority_is_refused(tmp_path: Path) -> None:
    line = f"{HOMICIDE},,,2024,1,rate,,Home Office,2025-12-31"
    with pytest.raises(ConfigError, match="line 3 gives the same list, indicator, authority"):
        published(tmp_path, line, line)


def test_two_authorities_of_one_name_are_refused(tmp_path: Path) -> None:
    ends = "Norfolk,2024,1,rate,,Home Office,2025-12-31"
    with pytest.raises(ConfigError, match="two authorities of one name"):
        published(tmp_path, f"{HOMICIDE},E10000020,{ends}", f"{HOMICIDE},E10000021,{ends}")


def test_unmet_need_is_the_estimate_less_who_is_in_treatment() -> None:
    shown = outcomes(("400", "[z]"))
    estimate = {"substance": "within", "people": 910, "low": 740, "high": 1130, "source": "OHID"}
    said: dict[str, Any] = {"answered_by": "unmet_need", "target": None}
    (row,) = made(shown, prevalence=pl.DataFrame([estimate]), **said)
    assert (row["numerator"], row["value"], row["unit"]) == ("400", "56", "per cent")
    assert "910" in row["note"] and "740 to 1,130" in row["note"]
    (row,) = made(shown, prevalence=pl.DataFrame([estimate | {"people": 300}]), **said)
    assert row["value"] == "0"
    # 400 of 3,200 are 12.5 per cent and 2,800 are 87.5: each half goes up, as everywhere.
    (row,) = made(shown, prevalence=pl.DataFrame([estimate | {"people": 3200}]), **said)
    assert row["value"] == "88"
    (row,) = made(shown, **said)
    assert row["value"] == "[x]" and "gives no estimate" in row["note"]
    (row,) = made(outcomes(("[c]", "[z]")), prevalence=pl.DataFrame([estimate]), **said)
    assert row["value"] == "[c]"


def test_a_row_that_its_list_splits_says_where_its_parts_are() -> None:
    split = outcomes(*FOUR).with_columns(split=pl.lit("sex"), category=pl.lit("Female"))
    (row,) = made(pl.concat([outcomes(*FOUR), split]), split="sex")
    assert row["note"].startswith("The table “outcomes” gives it by sex.")
    (row,) = made(outcomes(*FOUR), split="sex")
    assert "outcomes" not in row["note"]


def test_the_lists_stand_in_the_order_in_which_they_are_packaged() -> None:
    rows = [indicator(), indicator(**NOT_SUPPLIED), indicator(list="Treatment dashboard", place=1)]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    told = framework(frame, table("outcomes", []), NO_SWING, NONE_PUBLISHED)
    assert told["list"].to_list() == [rows[0]["list"], rows[2]["list"], rows[1]["list"]]


def test_every_row_of_every_list_appears() -> None:
    seed = [indicator(**row, status="computed", target=None) for row in load_seed("indicator")]
    frame = pl.DataFrame(seed, infer_schema_length=None).with_columns(
        pl.col("place").cast(pl.Int64)
    )
    rows = framework(frame, table("outcomes", []), NO_SWING, NONE_PUBLISHED)
    assert set(rows.select("list", "place").rows()) == set(frame.select("list", "place").rows())


@given_any(
    st.lists(st.tuples(st.integers(5, 400), st.integers(0, 400)), min_size=1, max_size=4),
    st.integers(1, 99),
)
def test_no_truth_that_rounds_to_what_is_shown_contradicts_a_status(
    windows: list[tuple[int, int]], target: int
) -> None:
    rule = Rule()
    truth = [(above, above + more) for above, more in windows]
    shown = [(rule.rounded(above), rule.rounded(below)) for above, below in truth]
    figure: Latest = latest(outcomes(*shown), rule)["continuity", "within"]
    counted = truth if len(truth) == 4 else truth[-1:]
    share = 100 * sum(above for above, _ in counted) / sum(below for _, below in counted)
    status = target_status(figure.value_range, target)
    assert status == "too close to call" or (status == "met") == (share >= target)
