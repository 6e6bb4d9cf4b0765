"""Every named rate is really there: set alone, what it names is as common as it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from synthetic import make_world, places, rates
from synthetic.identities import Recorder, record_addresses, record_identities
from synthetic.names import nicknames
from synthetic.population import make_population
from synthetic.rates import Copying, ErrorRates, Filled, Pairs
from synthetic.streams import Streams

AS_AT = date(2026, 6, 30)
RATE = 0.15
NEAR = 0.03
BROAD = ["W9", "M9", "A9", "B9", "O9"]
DUMMIES = ["1900-01-01", "1970-01-01"]


def only(**rates):
    """Rates of which all others are nought."""
    return ErrorRates(**{**dict.fromkeys(vars(ErrorRates()), 0.0), **rates})


@pytest.fixture(scope="module")
def population():
    changed = {"surname_changed_female": RATE, "surname_changed_male": 2 * RATE}
    chances = only(double_barrelled=RATE, **changed)
    return make_population(7_000, Streams(4), AS_AT, chances, Pairs())


def people(population):
    return population.known_to("police")


def recorded(population, chances, *, person=None, filled=1.0, lied_to=1.0):
    """Identities and postcodes as a partner with those rates wrote them down."""
    person = people(population) if person is None else person
    # Before any surname had changed: that rate is measured in the population.
    on = np.full(len(person), population.as_at - 1_800)
    recorder = Recorder("police", {"pnc_id": filled}, lied_to=lied_to)
    frame = record_identities(population, person, on, recorder, Streams(6), chances)
    today = np.full(len(person), population.as_at)
    postcode = record_addresses(population, person, today, "police", Streams(6), chances)
    return frame.with_columns(postcode=pl.Series(postcode.tolist(), dtype=pl.String))


@pytest.fixture(scope="module")
def clean(population):
    return recorded(population, only())


def differs(column):
    return lambda old, new, _: (old[column].ne_missing(new[column])).mean()


def among(chosen, column):
    def share(old, new, population):
        at = chosen(old, population)
        return (old[column].ne_missing(new[column])).filter(at).mean()

    return share


def has_moved(_, population):
    person = people(population)
    spells = (population.moved_in[person] <= population.as_at).sum(axis=1)
    before = population.address[person, np.maximum(spells - 2, 0)]
    now = population.address[person, spells - 1]
    return pl.Series((spells > 1) & (population.postcodes[before] != population.postcodes[now]))


def days_of(frame):
    return frame["dob"].str.slice(5)


MEASURED = {
    "nickname": among(lambda old, _: old["forename"].is_in(list(nicknames())), "forename"),
    "forename_alias": differs("forename"),
    "surname_alias": differs("surname"),
    "false_identity": lambda old, new, _: (
        (old["dob"] != new["dob"]) & (old["surname"] != new["surname"])
    ).mean(),
    "double_barrelled_shortened": among(
        lambda old, _: old["surname"].str.contains("-", literal=True), "surname"
    ),
    "forename_misspelt": differs("forename"),
    "surname_misspelt": differs("surname"),
    "names_swapped": lambda old, new, _: (old["forename"] == new["surname"]).mean(),
    "name_missing": lambda _, new, __: (
        new["forename"].is_null() | new["surname"].is_null()
    ).mean(),
    "name_debris": lambda _, new, __: new["surname"].str.contains("_|NOT ENTERED").mean(),
    "day_month_exchanged": differs("dob"),
    "birth_year_slip": lambda old, new, _: (
        old["dob"].str.slice(0, 4) != new["dob"].str.slice(0, 4)
    ).mean(),
    "dob_digit_typed_wrong": lambda old, new, _: (days_of(old) != days_of(new)).mean(),
    "dob_dummy": lambda _, new, __: new["dob"].is_in(DUMMIES).mean(),
    "dob_missing": lambda _, new, __: new["dob"].is_null().mean(),
    "sex_wrong": differs("sex"),
    "sex_missing": lambda _, new, __: (new["sex"] == "N").mean(),
    "ethnicity_different": among(lambda old, _: ~old["ethnicity"].is_in(BROAD), "ethnicity"),
    "ethnicity_missing": lambda _, new, __: (new["ethnicity"] == "NS").mean(),
    "postcode_mistyped": differs("postcode"),
    "postcode_missing": lambda _, new, __: new["postcode"].is_null().mean(),
    "address_stale": among(has_moved, "postcode"),
    "identifier_mistyped": differs("pnc_id"),
    "identifier_of_another": lambda old, new, _: (
        new["pnc_id"].is_in(old["pnc_id"].to_list()) & (new["pnc_id"] != old["pnc_id"])
    ).mean(),
}
ELSEWHERE = {
    "careless",
    "careless_times",
    "double_barrelled",
    "surname_changed_female",
    "surname_changed_male",
    "identifier_by_habit",
    "second_crn",
    "second_client_id",
    "broken_rows",
}


def test_every_rate_is_measured():
    assert set(MEASURED) | ELSEWHERE == set(vars(ErrorRates()))
    assert not set(MEASURED) & ELSEWHERE


@pytest.mark.parametrize("name", MEASURED)
def test_a_mistake_is_as_common_as_its_rate(name, population, clean):
    spoilt = recorded(population, only(**{name: RATE}))
    assert abs(MEASURED[name](clean, spoilt, population) - RATE) < NEAR


def test_without_a_rate_nothing_is_wrong(population, clean):
    person = people(population)
    assert clean["forename"].to_list() == population.forename[person].tolist()
    assert clean["surname"].to_list() == population.surname[person].tolist()
    assert clean["pnc_id"].to_list() == population.pnc_id[person].tolist()
    assert clean.null_count().sum_horizontal().item() == 0


def test_surnames_change_and_are_double_as_often_as_named(population):
    changed = population.surname_changed <= population.as_at
    assert abs(changed[population.sex == "F"].mean() - RATE) < NEAR
    assert abs(changed[population.sex == "M"].mean() - 2 * RATE) < NEAR
    double = np.array(["-" in name for name in population.surname])
    assert abs(double.mean() - RATE) < NEAR


def test_mistakes_come_together_for_the_careless(population, clean):
    slips = {"forename_misspelt": 0.1, "surname_misspelt": 0.1}
    together = {}
    for careless in (0.0, 0.2):
        new = recorded(population, only(careless=careless, careless_times=4.0, **slips))
        wrong = [clean[column] != new[column] for column in ("forename", "surname")]
        assert abs(wrong[0].mean() - 0.1) < NEAR
        together[careless] = (wrong[0] & wrong[1]).mean()
    assert abs(together[0.0] - 0.1**2) < 0.006
    # A fifth slip four times as often, the others a quarter as often.
    assert abs(together[0.2] - 0.1**2 * (0.2 * 4**2 + 0.8 * 0.25**2)) < 0.009


def test_identifiers_are_written_by_habit_as_often_as_named(population):
    twice = np.repeat(people(population), 2)
    for habit in (0.0, 0.7):
        new = recorded(population, only(identifier_by_habit=habit), person=twice, filled=0.5)
        written = new["pnc_id"].is_not_null().to_numpy().reshape(-1, 2)
        same = (written[:, 0] == written[:, 1]).mean()
        assert abs(same - (0.5 + 0.5 * habit**2)) < NEAR


def test_people_lie_more_to_some_partners(population, clean):
    share = {
        times: MEASURED["false_identity"](
            clean, recorded(population, only(false_identity=RATE), lied_to=times), population
        )
        for times in (0.5, 2.0)
    }
    assert abs(share[0.5] - RATE / 2) < NEAR and abs(share[2.0] - RATE * 2) < NEAR


def test_a_second_number_is_given_and_rows_are_broken_as_often_as_named():
    usual = make_world(2_500, 8, AS_AT, rates=only(), filled=Filled(), copying=Copying())
    chances = only(second_crn=RATE, second_client_id=RATE, broken_rows=RATE)
    world = make_world(2_500, 8, AS_AT, rates=chances)
    sentences = world.tables["probation"]["sentence"].sort("person", "sentence_ref")
    further = sentences.filter(pl.col("person") == pl.col("person").shift())
    fresh = sentences.select(
        (pl.col("crn") != pl.col("crn").shift()).filter(
            pl.col("person") == pl.col("person").shift()
        )
    ).to_series()
    assert further.height > 300 and abs(fresh.mean() - RATE) < 2 * NEAR
    seconds = world.tables["treatment"]["episode"]
    clients = seconds.group_by("person", "AGNCY").agg(pl.len(), pl.col("CLIENTID").n_unique())
    assert clients.filter(len=1)["CLIENTID"].max() == 1
    twice = clients.filter(len=2)["CLIENTID"] == 2
    # Either of two episodes may be the one under another number.
    assert abs(twice.mean() - 2 * RATE * (1 - RATE)) < 3 * NEAR
    for partner, name in (("police", "custody"), ("housing", "duty"), ("probation", "sentence")):
        left, right = (
            one.tables[partner][name].drop("crn", strict=False) for one in (usual, world)
        )
        columns = [c for c in left.columns if c != "person"]
        wrong = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_right")) for c in columns)
        both = pl.concat([left, right.rename(lambda c: f"{c}_right")], how="horizontal")
        if name != "sentence":  # whose identities go by the number of CRNs
            assert abs(both.select(wrong.mean()).item() - RATE) < 2 * NEAR


def test_records_are_copied_as_often_as_named():
    """A fresh record loses its sex or postcode half the time, so half of them differ."""
    copying = Copying()
    world = make_world(4_000, 9, AS_AT, rates=only(sex_missing=0.5, postcode_missing=0.5))
    told = {
        copying.police_identity: ("police", "custody", "person", pl.col("sex") == "N"),
        copying.police_address: ("police", "custody", "person", pl.col("postcode").is_null()),
        copying.housing_identity: ("housing", "person", "person", pl.col("sex") == "N"),
        copying.probation_address: ("probation", "sentence", "crn", pl.col("postcode").is_null()),
        copying.treatment_address: (
            "treatment", "episode", "CLIENTID", pl.col("POSTCODE").is_null(),
        ),
    }  # fmt: skip
    order = {
        "custody": "custody_ref",
        "person": "person_ref",
        "sentence": "sentence_ref",
        "episode": "EPISODID",
    }
    for named, (partner, table, whose, lost) in told.items():
        frame = world.tables[partner][table].sort(whose, order[table])
        if table == "episode":
            frame = frame.filter(CONSENT="Y")
        later = pl.col(whose) == pl.col(whose).shift()
        changed = frame.select((lost != lost.shift()).filter(later)).to_series()
        assert len(changed) > 150
        assert abs(changed.mean() - named / 2) < 0.08, (partner, named)


def test_hostels_and_no_fixed_abode_are_as_common_as_named(population):
    """Families start at one address, which moves the shares a little."""
    postcodes = pl.Series(population.postcodes[population.address[:, 1:].ravel()].tolist())
    assert abs(postcodes.is_in(places.NO_FIXED_ABODE).mean() - places.STREETLESS_SHARE) < 0.01
    counts = postcodes.filter(~postcodes.is_in(places.NO_FIXED_ABODE)).value_counts(sort=True)
    hostels = max(4, 7_000 // 1_200)
    shared = counts["count"].head(hostels).sum() / len(postcodes)
    assert abs(shared - places.HOSTEL_SHARE) < 0.015
    assert counts["count"][hostels - 1] > 3 * counts["count"][hostels]


def test_every_rate_says_where_it_comes_from():
    """The comment on it or above it names its source, or says that it is a judgement."""
    lines = Path(rates.__file__).read_text(encoding="utf-8").splitlines()
    for name in vars(ErrorRates()):
        at = next(at for at, line in enumerate(lines) if line.strip().startswith(f"{name}:"))
        said = lines[at] + lines[at - 1]
        assert "CRATE" in said or "judgement" in said, name
