"""Households: children and other adults are people, with the names and ages of a family."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from schemas.codes import load_codes
from synthetic import make_world, write_extracts
from synthetic.extracts import truth_people, truth_records
from synthetic.names import COMMUNITIES, ETHNICITIES, _forenames, _surnames, family_name
from synthetic.rates import ErrorRates

AS_AT = date(2026, 6, 30)


@pytest.fixture(scope="module")
def world():
    none = ErrorRates(**dict.fromkeys(vars(ErrorRates()), 0.0))
    return make_world(6_000, 12, AS_AT, rates=none)


@pytest.fixture(scope="module")
def homes(world):
    """Everyone on an application, with whoever made it."""
    housing = world.tables["housing"]
    person = housing["person"].join(
        housing["application"].select("case_ref", "application_date"), on="case_ref"
    )
    main = person.filter(role="main").select(
        "case_ref", head="person", head_surname="surname", head_dob="dob"
    )
    age = (pl.col("application_date").str.to_date() - pl.col("dob").str.to_date()).dt.total_days()
    return person.join(main, on="case_ref").with_columns(age=age / 365.25)


def test_every_role_of_the_code_list_is_there(homes):
    assert set(homes["role"]) == load_codes("household_role")
    shares = dict(homes["role"].value_counts(normalize=True).iter_rows())
    assert 0.12 < shares["child"] < 0.40 and 0.01 < shares["other_adult"] < 0.15


def test_a_child_is_under_eighteen_on_the_day_and_everyone_else_is_not(homes):
    assert homes.filter(role="child")["age"].is_between(0, 18).all()
    assert homes.filter(pl.col("role") != "child")["age"].min() >= 17.99
    assert homes.filter(role="other_adult")["age"].max() < 31


def test_parents_are_of_an_age_to_be_theirs(world, homes):
    population = world.population
    children = np.arange(population.adults, population.size)
    carer = population.parent[children]
    mothers = population.sex[carer] == "F"
    age = (population.birth[children] - population.birth[carer]) / 365.25
    assert age[mothers].min() >= 16.9 and age[mothers].max() < 46
    assert 22 < np.median(age[mothers]) < 32


def test_brothers_and_sisters_share_a_surname_and_no_forename(world):
    population = world.population
    frame = pl.DataFrame(
        {
            "carer": population.parent[population.adults :],
            "forename": population.forename[population.adults :].tolist(),
            "surname": population.surname[population.adults :].tolist(),
            "birth": population.birth[population.adults :],
            "community": population.community[population.adults :].tolist(),
        }
    )
    families = (
        frame.filter(community="british")
        .group_by("carer")
        .agg(
            pl.len(),
            pl.col("surname").n_unique(),
            pl.col("forename").n_unique(),
            pl.col("birth").n_unique(),
        )
    )
    assert (families["surname"] == 1).all()
    assert (families["forename"] == families["len"]).all()
    assert families["len"].max() >= 3
    twins = families.filter(pl.col("birth") < pl.col("len"))
    assert 0 < twins.height < 0.05 * families.height


def test_brothers_and_sisters_are_born_months_apart_or_together(world):
    population = world.population
    frame = pl.DataFrame(
        {
            "carer": population.parent[population.adults :],
            "birth": population.birth[population.adults :],
        }
    ).sort("carer", "birth")
    gap = frame.select(pl.col("birth").diff().over("carer")).to_series().drop_nulls()
    assert ((gap == 0) | (gap >= 300)).all()


def test_most_children_bear_the_surname_of_whoever_applied(homes):
    children = homes.filter(role="child")
    same = (children["surname"] == children["head_surname"]).mean()
    assert 0.5 < same < 0.9


def test_children_are_known_to_housing_alone_and_truth_knows_them(world):
    people = truth_people(world.population)
    records = truth_records(world.tables)
    children = people.filter(pl.col("person") >= world.population.adults)
    assert children.height > 200
    assert children["known_to_housing"].all()
    for partner in ("police", "probation", "treatment"):
        assert not children[f"known_to_{partner}"].any()
    seen = records.filter(pl.col("person") >= world.population.adults)
    assert set(seen["partner"]) == {"housing"}
    assert set(seen["person"]) == set(children["person"])


def test_nobody_under_sixteen_has_a_national_insurance_number(homes):
    assert (
        homes.filter(pl.col("age") < 15.9)["nino"].null_count()
        == homes.filter(pl.col("age") < 15.9).height
    )
    grown = homes.filter(role="other_adult")
    assert 0.2 < grown["nino"].is_not_null().mean() < 0.8
    numbers = homes.drop_nulls("nino").unique(["person", "nino"])
    assert numbers["nino"].n_unique() == numbers.height


def test_a_child_on_two_applications_is_one_person(homes):
    again = homes.filter(role="child").group_by("person").agg(pl.len(), pl.col("dob").n_unique())
    assert again.filter(pl.col("len") > 1).height > 10
    assert (again["dob"] == 1).all()


def test_a_young_parent_is_one(world, homes):
    young = world.tables["housing"]["application"].filter(need_young_parent="Y")["case_ref"]
    assert len(young) > 5
    families = homes.filter(pl.col("case_ref").is_in(young.to_list()))
    assert families.filter(role="main")["age"].max() < 25
    assert set(families.filter(role="child")["case_ref"]) == set(young)


def test_every_child_written_is_in_the_truth_files(tmp_path):
    write_extracts(400, 3, tmp_path, AS_AT)
    person = pl.read_csv(tmp_path / "inbox" / "housing" / "person.csv", infer_schema=False)
    children = person.filter(role="child")
    truth = pl.read_csv(tmp_path / "truth" / "record.csv", infer_schema=False)
    people = pl.read_csv(tmp_path / "truth" / "person.csv", infer_schema=False)
    known = truth.filter(partner="housing").join(people, on="person")
    assert children.height > 10
    assert set(children["person_ref"]) <= set(known["record_key"])


def test_every_community_has_names_of_its_own_for_both_sexes():
    assert len(COMMUNITIES) >= 20 and set(COMMUNITIES) == set(ETHNICITIES)
    assert abs(sum(COMMUNITIES.values()) - 1) < 0.01
    for community in COMMUNITIES:
        for sex in "MF":
            assert len(_forenames()[community, sex][0]) >= 20
            assert len(_surnames()[community, sex][0]) >= 12
    pools = {name: set(_surnames()[name, "M"][0]) for name in COMMUNITIES}
    for one, other in (("pakistani", "sikh"), ("somali", "nigerian"), ("polish", "romanian")):
        assert len(pools[one] & pools[other]) <= 1


def test_names_fit_the_community_that_bears_them(world):
    population = world.population
    for community in ("pakistani", "somali", "polish", "chinese", "nigerian"):
        at = np.flatnonzero(population.community == community)
        own = {name for sex in "MF" for name in _surnames()[community, sex][0]}
        assert len(at) > 20
        assert np.mean([name in own for name in population.surname[at]]) > 0.9


def test_names_follow_the_year_of_birth_into_this_century(world):
    population = world.population
    children = np.arange(population.size) >= population.adults
    names = population.forename[children & (population.community == "british")]
    new = {"Arlo", "Luna", "Harper", "Isla", "Oliver", "Ivy", "Freya", "Noah", "Willow"}
    adults = population.forename[~children & (population.community == "british")]
    share = [np.mean([name in new for name in group]) for group in (names, adults)]
    assert share[0] > 5 * share[1] > 0


def test_a_surname_is_borne_as_its_bearers_sex_bears_it():
    def borne(surname, community, sex):
        given = (np.array([text], dtype=object) for text in (surname, "Ali", community, sex))
        return family_name(*given)[0]

    assert borne("Kowalski", "polish", "F") == "Kowalska"
    assert borne("Kowalska", "polish", "M") == "Kowalski"
    assert borne("Ivanov", "bulgarian", "F") == "Ivanova"
    assert borne("Kaur", "sikh", "M") == "Singh"
    assert borne("Begum", "bangladeshi", "M") == "Ali"
    assert borne("Nowak", "polish", "F") == "Nowak"
    assert borne("Kowalski", "british", "F") == "Kowalski"
