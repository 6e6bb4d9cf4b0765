"""Cohort files: what may stand in one, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.errors import ConfigError
from warehouse.cohorts import load_cohorts, read_cohort
from warehouse.cohorts.read import MOST_WAYS
from warehouse.cohorts.rows import cohort_row, stage_rows
from warehouse.cohorts.vocabulary import vocabulary
from warehouse.models import load_seed
from warehouse.publish.indexes import closed_sets

SOUND: dict[str, Any] = {
    "cohort": "rearrested",
    "title": "Arrested again",
    "definition": "Of people arrested, how many were arrested again.",
    "partners": ["police"],
    "sources": ["police custody"],
    "exclusions": "None.",
    "status": "proxy",
    "owner": "Analyst",
    "index": {"step": "arrest", "title": "Arrested"},
    "entry": [{"age_from": 18}, {"no_step": "arrest", "within_days_before": "effective"}],
    "stages": [
        {"stage": "again", "title": "Again within {within} days", "step": "arrest", "within": 90}
    ],
}


def written(folder: Path, name: str = "rearrested", **changed: Any) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**SOUND, **changed}), "utf-8")
    return path


def stage(**changed: Any) -> dict[str, Any]:
    return {"stages": [{**SOUND["stages"][0], **changed}]}


def test_the_seven_cohorts_are_there() -> None:
    assert [cohort.cohort for cohort in load_cohorts()] == [
        "homelessness_need",
        "intensive_programme",
        "new_presentation",
        "positive_test",
        "release_need",
        "rough_sleeping",
        "treatment_requirement",
    ]


def test_a_partnerships_own_file_is_added_and_wins(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, "rough_sleeping", cohort="rough_sleeping")
    found = {cohort.cohort: cohort for cohort in load_cohorts(tmp_path)}
    assert len(found) == len(load_cohorts()) + 1
    assert found["rough_sleeping"].title == "Arrested again"


def test_words_and_days_follow_from_the_definition(tmp_path: Path) -> None:
    cohort = read_cohort(written(tmp_path))
    row, (index, again) = cohort_row(cohort, vocabulary()), stage_rows(cohort, vocabulary())
    assert (row["follow_up_days"], row["look_back_days"]) == (90, 84)
    assert index["title"] == "Arrested"
    assert again["title"] == "Again within 90 days"
    assert "not known to be under 18; arrest not recorded in the 84 days before" in row[
        "denominator"
    ]  # fmt: skip


def test_the_longest_path_is_the_follow_up() -> None:
    days = {c.cohort: vocabulary().follow_up(c) for c in load_cohorts()}
    assert days["positive_test"] == 90 + 84
    assert days["release_need"] == 21 + 84
    assert days["new_presentation"] == 365


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cohort": "other"}, "`cohort` is not the name of the file"),
        ({"index": {"step": "arest", "title": "A"}}, "`index.step` is not a kind of step"),
        (
            {"index": {"step": "suspected_drug_death", "title": "A"}},
            "`index.step` is a restricted step",
        ),
        ({"status": "restricted"}, "`status` is not one of the values allowed"),
        ({"index": {"step": "arrest"}}, "`index.title` is missing"),
        ({"entry": [{"not_in": "gaol"}]}, "`entry.0.not_in` is not a kind of spell"),
        ({"entry": [{"age_from": 18, "sex": ["F"]}]}, "`entry.0` is not one rule"),
        ({"entry": [{"step": "arrest"}]}, "`entry.0` needs within_days_before"),
        ({"entry": [{"age_from": 18, "detail": "A"}]}, "`entry.0` has a detail"),
        ({"partners": ["treatment"]}, "`partners` leaves out police"),
        ({"sources": ["police stations"]}, "`sources.0` is not a partner and a table"),
        ({"entry": [{"area": ["NR3", "Norwich"]}]}, "`entry.0.area` is not a postcode district"),
        ({"entry": [{"ethnicity_group": "Martian"}]}, "`entry.0.ethnicity_group` is not one of A"),
        ({"stages": []}, "has no stages"),
        ({"colour": "red"}, "`colour` is not a key this document has"),
        ({"take": "last"}, "`take` is not one of the values allowed"),
        (stage(within="soon"), "`stages.0.within` is not a name in policy"),
        (stage(within="entrenched_months"), "`stages.0.within` is not a name in policy"),
        (stage(within=-1), "`stages.0.within"),
        (stage(within=None), "`stages.0` needs within"),
        (stage(spell="custody"), "`stages.0` needs exactly one of"),
        (stage(lasting=3), "`stages.0` needs within, and has no lasting"),
        (stage(step=None, spell="custody", lasting=3), "`stages.0` needs within or lasting"),
        (stage(step=None, **{"in": "custody"}), "so has no within or lasting"),
        (stage(or_ended_well=True), "which only goes with lasting"),
        (stage(of="index"), "which only a part has"),
        (stage(stage="index"), "which is the name of the index event"),
        (stage(**{"from": "later"}), "whose `from` or `of` is not a stage before it"),
        ({"stages": SOUND["stages"] * 2}, "names two stages alike"),
        ({"sources": ["housing tenancy"]}, "`sources` leaves out police"),
        ({"partners": "police"}, "`partners` is not a list"),
        ({"title": " "}, "`title` is not in the expected form"),
        ({"index": {"step": "arrest", "title": "A", "detail": "a\0b"}}, "`index.detail.0`"),
        (stage(within=True), "`stages.0.within"),
        ({"entry": [{"age_from": True}]}, "`entry.0.age_from` is not a whole number"),
        ({"entry": [{"age_below": 17.5}]}, "`entry.0.age_below` is not a whole number"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_file(tmp_path: Path, changed, said: str) -> None:
    changed = {key: value for key, value in changed.items() if value is not None}
    if "stages" in changed:
        kept = [{k: v for k, v in one.items() if v is not None} for one in changed["stages"]]
        changed["stages"] = kept
    with pytest.raises(ConfigError) as caught:
        load_cohorts(written(tmp_path, **changed).parent)
    assert caught.value.problem.startswith("rearrested.yaml cannot be used: ")
    assert said in caught.value.problem
    assert caught.value.problem.count(".\n") == 0


@pytest.mark.parametrize("name", ["quarter", "stage"])
def test_the_warehouses_own_names_are_not_to_be_had(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.yaml cannot be used: `cohort` is a name that"):
        read_cohort(written(tmp_path, name, cohort=name))


def test_a_partnerships_own_cohort_may_be_published(tmp_path: Path) -> None:
    assert read_cohort(written(tmp_path, publish=True)).publish


def test_the_ways_through_a_cohort_are_the_sets_of_stages_that_can_be_reached() -> None:
    for cohort in load_cohorts():
        number = {stage: place for place, stage in enumerate(["index", *cohort.needed()], start=1)}
        needs = [(1, 1), *((number[one], number[of]) for one, of in cohort.needed().items())]
        assert cohort.ways() == len(closed_sets(needs)) <= MOST_WAYS


def test_a_published_cohort_names_its_steps_apart(tmp_path: Path) -> None:
    twice = [{**SOUND["stages"][0], "stage": name, "title": "Again"} for name in ("one", "two")]
    with pytest.raises(ConfigError, match="two of its steps have one title"):
        read_cohort(written(tmp_path, stages=twice, publish=True))


def test_a_cohort_of_too_many_ways_cannot_be_published(tmp_path: Path) -> None:
    parts = [
        {
            **SOUND["stages"][0],
            "stage": f"part_{place}",
            "title": f"Part {place}",
            "part": True,
            "of": "index",
        }
        for place in range(7)
    ]
    assert read_cohort(written(tmp_path, stages=parts)).ways() == 2 * MOST_WAYS
    with pytest.raises(ConfigError, match="can be reached in 128 ways and at most 64"):
        read_cohort(written(tmp_path, stages=parts, publish=True))


def test_a_part_is_not_a_stage_to_go_on_from(tmp_path: Path) -> None:
    first = {**SOUND["stages"][0], "part": True}
    second = {**SOUND["stages"][0], "stage": "then", "from": "again"}
    with pytest.raises(ConfigError, match="a part is none"):
        read_cohort(written(tmp_path, stages=[first, second]))


def test_a_file_that_would_be_passed_over_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("cohort: mine\n", "utf-8")
    with pytest.raises(ConfigError, match=r"ends in \.yml"):
        load_cohorts(tmp_path)


def test_every_step_has_its_partner() -> None:
    listed = {
        name: {row["code"] for row in load_seed("code") if row["list"] == name}
        for name in ("step", "step_partner")
    }
    assert listed["step"] == listed["step_partner"]
