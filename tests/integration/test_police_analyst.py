"""A police analyst who knows every arrest looks for people in a release and in a file handed out.

The analyst has the force's own custody records: who was arrested on which days, for what, and of
which sex, age, ethnic group and postcode district. Whoever is found in a release that way is found
with everything that the other partners said of them. Linkage is taken to have made no mistake, and
the two to agree in every attribute, which is kinder to the analyst than life.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import warehouse_rows as rows

from synthetic import make_world
from warehouse.connect import open_release
from warehouse.given import Given
from warehouse.release import build_release
from warehouse.restrict import Restriction

PEOPLE, SEED, AS_AT = 2_000, 5, date(2026, 6, 30)
FROM_CUSTODY = "5"  # how the treatment system codes a referral from an arrest
SOON = timedelta(days=28)
DESCRIBED = "sex, age_band, ethnicity_group, area"

Keys = Mapping[str, Hashable]


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def a_day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def described(
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
            look = described(row, "sex", "dob", "ethnicity", "postcode")
            told[person]["police_custody"].append(
                {"arrest_date": day, "offence_class": row["offence_class"]}
                | looks.setdefault(person, look)
            )
    for row in world.tables["treatment"]["episode"].iter_rows(named=True):
        person = f"person-{row['person']:05}"
        referred, triaged = a_day(row["REFLD"]), a_day(row["TRIAGED"])
        if row["CONSENT"] == "Y" and referred is not None:
            look = described(row, "SEX", "DOB", "ETHNIC", "POSTCODE")
            told[person]["treatment_episode"].append(
                {"refld": referred, "triaged": triaged, "rfls": row["RFLS"]}
                | looks.setdefault(person, look)
            )
    return told


@pytest.fixture(scope="module")
def releases(people: rows.Persons, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One release that tells exact days beside the weeks, and a file without the police."""
    folder = tmp_path_factory.mktemp("analyst")
    staging, owners = rows.stage(folder, people, AS_AT)
    wanted = {
        "release": (Given(exact_dates=True), Restriction(marts=frozenset({"person", "event"}))),
        "file": (
            Given(),
            Restriction(
                partners=frozenset({"treatment", "housing"}), marts=frozenset({"person", "event"})
            ),
        ),
    }
    opened = {}
    for name, (given, restriction) in wanted.items():
        path = folder / f"{name}.duckdb"
        build_release(
            staging, rows.STAGING_KEY, owners, path, rows.RELEASE_KEY,
            run_id="20260701-000000-test", built_at=datetime(2026, 7, 1), given=given,
            restriction=restriction,
        )  # fmt: skip
        opened[name] = open_release(path, rows.RELEASE_KEY)
    yield opened
    for con in opened.values():
        con.close()


def singled_out(keys: Keys) -> float:
    """The share of people whom nobody else in the release is like."""
    like = Counter(keys.values())
    return sum(like[key] == 1 for key in keys.values()) / len(keys)


def arrests(con: Any, day: str, *more: str) -> dict[str, Hashable]:
    """Each arrested person's arrests as a release tells them."""
    listed = ", ".join((day, *more))
    found = con.execute(
        f"SELECT person_id, list(({listed}) ORDER BY {listed}) FROM event "
        "WHERE event_type = 'arrest' GROUP BY person_id"
    ).fetchall()
    return {person: tuple(map(str, told)) for person, told in found}


def looks(con: Any) -> dict[str, Hashable]:
    found = con.execute(f"SELECT person_id, ({DESCRIBED}) FROM person").fetchall()
    return {person: str(look) for person, look in found}


def both(one: Keys, other: Keys) -> Keys:
    return {person: (key, other[person]) for person, key in one.items()}


def test_whoever_knows_the_arrests_finds_most_people_in_a_release_even_by_the_week(
    releases: dict[str, Any], record_property: Any
) -> None:
    """Weeks hide who was arrested once; nothing hides who was arrested often."""
    con = releases["release"]
    look = looks(con)
    weeks, days = arrests(con, "event_week"), arrests(con, "event_date")
    charged = arrests(con, "event_week", "detail")
    found = {
        "description alone": singled_out({person: look[person] for person in weeks}),
        "weeks": singled_out(weeks),
        "exact days": singled_out(days),
        "weeks and offences": singled_out(charged),
        "exact days and offences": singled_out(arrests(con, "event_date", "detail")),
        "weeks and description": singled_out(both(weeks, look)),
        "exact days and description": singled_out(both(days, look)),
        "weeks, offences and description": singled_out(both(charged, look)),
    }
    once = {person: key for person, key in weeks.items() if len(key) == 1}  # type: ignore[arg-type]
    found["weeks, arrested once"] = singled_out(once)
    found["exact days, arrested once"] = singled_out({person: days[person] for person in once})
    for name, share in found.items():
        record_property(name, round(share, 3))
        print(f"{name:<34} {share:6.1%} of {len(weeks):,}")
    assert found["weeks"] < found["exact days"]
    assert found["weeks, arrested once"] < found["exact days, arrested once"]
    # So a release is personal data, by weeks as well: it is not handed out, and looks are logged.
    assert found["weeks and description"] > 0.5


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
    known = looks(releases["release"])
    arrested = {
        name: told["police_custody"] for name, told in people.items() if told["police_custody"]
    }
    guessed = {"description alone": [], "description and referral": []}
    for person, told in arrested.items():
        near = {
            monday(row["arrest_date"] + timedelta(days=after))
            for row in told
            for after in range(SOON.days + 1)
        }
        alike = by_look[known[person]]
        referred = {one for one in alike if came[one] & near}
        for name, candidates in zip(guessed, (alike, referred), strict=True):
            if len(candidates) == 1:
                guessed[name].append(candidates == {person})
    for name, guesses in guessed.items():
        right = sum(guesses) / len(arrested)
        record_property(name, round(right, 3))
        print(f"file, {name:<28} {right:6.1%} of {len(arrested):,}, {len(guesses)} guesses")
    assert sum(guessed["description and referral"]) / len(arrested) < 0.25
