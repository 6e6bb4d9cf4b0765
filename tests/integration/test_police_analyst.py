"""A police analyst who knows every arrest looks for people in a release and in a file handed out.

The analyst has the force's own custody records: who was arrested on which days, for what, and of
which sex, age, ethnic group and postcode district. Whoever is found in a release that way is found
with everything that the other partners said of them. Linkage is taken to have made no mistake, and
the two to agree in every attribute, which is kinder to the analyst than life. The analyst knows how
weeks are told: each person's days are moved back by 0 to 6 days before, though not by how many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import warehouse_rows as rows
from slight import make_slight

from synthetic import make_world
from warehouse.connect import open_release
from warehouse.given import Given
from warehouse.release import build_release
from warehouse.restrict import Restriction

PEOPLE, SEED, AS_AT = 2_000, 5, date(2026, 6, 30)
FROM_CUSTODY = "5"  # how the treatment system codes a referral from an arrest
SOON = timedelta(days=28)
LATEST_CLOCK = 6  # by how many days at most a person's days are moved back before their week
DESCRIBED = "sex, age_band, ethnicity_group, area"

Keys = Mapping[str, Hashable]
Arrests = tuple[tuple[Any, ...], ...]


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def a_day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def description(
    row: Mapping[str, Any], sex: str, dob: str, ethnicity: str, postcode: str
) -> dict[str, Any]:
    born = a_day(row[dob])
    return {
        "sex": {"1": "M", "2": "F"}.get(row[sex], row[sex]),
        "birth_year": born and born.year,
        "ethnicity": row[ethnicity],
        "postcode_district": row[postcode] and row[postcode].split(" ")[0],
    }


@pytest.fixture(scope="module")
def people() -> rows.Persons:
    """What the police and treatment services recorded, by the person it was of."""
    world = make_world(PEOPLE, SEED, AS_AT)
    told: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    looks: dict[str, dict[str, Any]] = {}
    for row in world.tables["police"]["custody"].iter_rows(named=True):
        person, day = f"person-{row['person']:05}", a_day(row["arrest_date"])
        if day is not None:
            look = description(row, "sex", "dob", "ethnicity", "postcode")
            told[person]["police_custody"].append(
                {"arrest_date": day, "offence_class": row["offence_class"]}
                | looks.setdefault(person, look)
            )
    for row in world.tables["treatment"]["episode"].iter_rows(named=True):
        person = f"person-{row['person']:05}"
        referred, triaged = a_day(row["REFLD"]), a_day(row["TRIAGED"])
        if row["CONSENT"] == "Y" and referred is not None:
            look = description(row, "SEX", "DOB", "ETHNIC", "POSTCODE")
            told[person]["treatment_episode"].append(
                {"refld": referred, "triaged": triaged, "rfls": row["RFLS"]}
                | looks.setdefault(person, look)
            )
    return told


@pytest.fixture(scope="module")
def releases(people: rows.Persons, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A release by the week, and a file without the police that is by the same clocks."""
    folder = tmp_path_factory.mktemp("analyst")
    staging, owners = rows.stage(folder, people, AS_AT)
    wanted = {
        "release": Restriction(marts=frozenset({"person", "event", "journey_step"})),
        "file": Restriction(
            partners=frozenset({"treatment", "housing"}), marts=frozenset({"person", "event"})
        ),
    }
    given = Given(clock_key=b"k" * 32)
    opened = {}
    for name, restriction in wanted.items():
        path = folder / f"{name}.duckdb"
        with pytest.MonkeyPatch.context() as patch:
            make_slight(patch, restriction.marts)
            build_release(
                staging, rows.STAGING_KEY, owners, path, rows.RELEASE_KEY,
                run_id="20260701-000000-test", built_at=datetime(2026, 7, 1), given=given,
                restriction=restriction,
            )  # fmt: skip
        opened[name] = open_release(path, rows.RELEASE_KEY)
    yield opened
    for con in opened.values():
        con.close()


def share(alike: Mapping[str, set[str]]) -> float:
    """The share of people whom nobody else in the release is like."""
    return sum(found == {person} for person, found in alike.items()) / len(alike)


def alike(keys: Keys) -> dict[str, set[str]]:
    """Each person → those who have the same key."""
    people: dict[Hashable, set[str]] = defaultdict(set)
    for person, key in keys.items():
        people[key].add(person)
    return {person: people[key] for person, key in keys.items()}


def alike_by_week(known: Mapping[str, Arrests], told: Keys) -> dict[str, set[str]]:
    """Each person whose arrests are known to the day → those whose weeks, by some clock, fit."""
    people: dict[Hashable, set[str]] = defaultdict(set)
    for person, key in told.items():
        people[key].add(person)

    def by(arrests: Arrests, days_off: int) -> Hashable:
        return tuple(sorted((monday(day - timedelta(days=days_off)), *m) for day, *m in arrests))

    return {
        person: set[str]().union(*(people[by(arrests, days_off)] for days_off in range(7)))
        for person, arrests in known.items()
    }


def known(people: rows.Persons, *more: str) -> dict[str, Arrests]:
    """What the force recorded of each arrested person's arrests, each with its day first."""
    return {
        person: tuple(
            sorted((row["arrest_date"], *(row[name] for name in more)) for row in recorded)
        )
        for person, told in people.items()
        if (recorded := told["police_custody"])
    }


def arrests(con: Any, *told: str) -> dict[str, Hashable]:
    """Each arrested person's arrests as a release tells them."""
    listed = ", ".join(told)
    found = con.execute(
        f"SELECT person_id, list(row({listed}) ORDER BY {listed}) FROM event "
        "WHERE event_type = 'arrest' GROUP BY person_id"
    ).fetchall()
    return {person: tuple(told) for person, told in found}


def arrests_and_gaps(con: Any) -> dict[str, Hashable]:
    """The same of each person's days with an arrest, with the days since the first of them."""
    found = con.execute(
        "SELECT person_id, list(row(step_week, gap) ORDER BY gap) FROM ("
        "SELECT person_id, step_week, days_from_first - min(days_from_first) OVER "
        "(PARTITION BY person_id) AS gap FROM journey_step WHERE step = 'arrest') GROUP BY 1"
    ).fetchall()
    return {person: tuple(told) for person, told in found}


def looks(con: Any) -> dict[str, Hashable]:
    found = con.execute(f"SELECT person_id, ({DESCRIBED}) FROM person").fetchall()
    return {person: str(look) for person, look in found}


def both(one: Keys, other: Keys) -> Keys:
    return {person: (key, other[person]) for person, key in one.items()}


def test_whoever_knows_the_arrests_finds_most_people_in_a_release_even_by_the_week(
    releases: dict[str, Any], people: rows.Persons, record_property: Any
) -> None:
    """Weeks hide who was arrested once; nothing hides who was arrested often."""
    con = releases["release"]
    look, days, charged = looks(con), known(people), known(people, "offence_class")
    gaps = {
        person: tuple((day, (day - told[0][0]).days) for (day,) in sorted(set(told)))
        for person, told in days.items()
    }
    weeks = alike_by_week(days, arrests(con, "event_week"))
    by_offence = alike_by_week(charged, arrests(con, "event_week", "detail"))
    alike_in = {
        "description alone": alike({person: look[person] for person in days}),
        "weeks": weeks,
        "exact days": alike(days),
        "weeks and the days between": alike_by_week(gaps, arrests_and_gaps(con)),
        "weeks and offences": by_offence,
        "exact days and offences": alike(charged),
    }
    for name in ("weeks", "exact days", "weeks and offences"):
        alike_in[f"{name}, and description"] = {
            person: {one for one in found if look[one] == look[person]}
            for person, found in alike_in[name].items()
        }
    once = {person for person, told in days.items() if len(told) == 1}
    for name in ("weeks", "exact days"):
        alike_in[f"{name}, arrested once"] = {person: alike_in[name][person] for person in once}
    found = {name: share(one) for name, one in alike_in.items()}
    for name, part in found.items():
        record_property(name, round(part, 3))
        print(f"{name:<34} {part:6.1%} of {len(days):,}")
    assert all(person in told for one in alike_in.values() for person, told in one.items())
    assert found["weeks"] < found["exact days"]
    assert found["weeks, arrested once"] < found["exact days, arrested once"]
    # So a release is personal data, by weeks as well: it is not handed out, and looks are logged.
    assert found["weeks, and description"] > 0.5


def test_a_file_without_the_police_gives_few_away_to_one_who_knows_the_arrests(
    releases: dict[str, Any], people: rows.Persons, record_property: Any
) -> None:
    """The analyst takes whoever is alike and came from custody soon after an arrest."""
    con = releases["file"]
    columns = {
        name for (name,) in con.execute("SELECT column_name FROM duckdb_columns()").fetchall()
    }
    assert not {name for name in columns if name.endswith("_date")}
    assert con.execute("SELECT count(*) FROM event WHERE partner = 'police'").fetchall() == [(0,)]
    by_look: dict[Hashable, set[str]] = defaultdict(set)
    for person, look in looks(con).items():
        by_look[look].add(person)
    came = defaultdict(set)
    for person, week in con.execute(
        "SELECT person_id, event_week FROM event WHERE event_type = 'referral' AND detail = ?",
        [FROM_CUSTODY],
    ).fetchall():
        came[person].add(week)
    look_of = looks(releases["release"])
    arrested = {
        name: told["police_custody"] for name, told in people.items() if told["police_custody"]
    }
    guessed = {"description alone": [], "description and referral": []}
    for person, told in arrested.items():
        near = {
            monday(row["arrest_date"] + timedelta(days=after))
            for row in told
            for after in range(-LATEST_CLOCK, SOON.days + 1)
        }
        described = by_look[look_of[person]]
        referred = {one for one in described if came[one] & near}
        for name, candidates in zip(guessed, (described, referred), strict=True):
            if len(candidates) == 1:
                guessed[name].append(candidates == {person})
    for name, guesses in guessed.items():
        right = sum(guesses) / len(arrested)
        record_property(name, round(right, 3))
        print(f"file, {name:<28} {right:6.1%}: {len(guesses)} guesses, {sum(guesses)} right")
    assert sum(guessed["description and referral"]) / len(arrested) < 0.25
