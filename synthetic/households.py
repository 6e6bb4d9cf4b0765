"""Households as housing meets them: who applies, with whom, and the children and others with them.

Children are people too, whom no other partner knows: they come after the adults of the population.
A child grows up on the register: whoever is 18 by the day of an application is another adult on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from synthetic import identifiers, names
from synthetic.histories import repeated, weighted
from synthetic.population import ADULT, YEAR, Population, years_of
from synthetic.rates import PARTNERS, Families
from synthetic.streams import Streams

MOST_CHILDREN = 6
OLDEST_MOTHER = 45
ROLES = ("main", "partner", "child", "other_adult")
MIXED = {"M1": 0.35, "M2": 0.10, "M3": 0.25, "M9": 0.30}  # of children of a White lone parent


@dataclass(frozen=True)
class Applications:
    """Who applied when, in order of person and day."""

    person: np.ndarray
    day: np.ndarray
    ref: np.ndarray


@dataclass(frozen=True)
class Members:
    """Everyone on an application, in order of person and day."""

    at: np.ndarray  # position of the application
    person: np.ndarray
    role: np.ndarray

    @property
    def with_children(self) -> np.ndarray:
        """Return the positions of applications with a child on them."""
        return np.unique(self.at[self.role == "child"])


@dataclass(frozen=True)
class _Children:
    """Children by position: who brings each up, and what they are born with."""

    carer: np.ndarray
    birth: np.ndarray

    def of(self, chosen: np.ndarray) -> _Children:
        return _Children(self.carer[chosen], self.birth[chosen])


def make_households(
    population: Population, applications: Applications, families: Families, streams: Streams
) -> tuple[Population, Members]:
    """Put people on applications, inventing the children of those who apply.

    Args:
        population: The adults.
        applications: Who applied when.
        families: How often households have children, partners and others.
        streams: Random numbers by purpose.

    Returns:
        The population with the children behind the adults, and who is on which application.
    """
    draw = streams.within("households")
    at, person, role = _couples(population, applications, families, draw)
    children = _children(population, person, families, draw)
    on = _with_parents(applications, at, person, children, families, draw)
    seen, number = np.unique(on["child"].to_numpy(), return_inverse=True)
    grown = _grown_up(population, applications, families, draw)
    members = (
        np.concatenate([at, on["at"].to_numpy(), grown[0]]),
        np.concatenate([person, population.size + number, grown[1]]),
        np.concatenate([role, on["role"].to_numpy(), np.full(len(grown[0]), "other_adult")]),
    )
    order = np.lexsort((applications.day[members[0]], members[1]))
    everyone = _brought_up(population, children.of(seen), families, draw)
    return everyone, Members(*(values[order] for values in members))


def _couples(
    population: Population, applications: Applications, families: Families, draw: Streams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return application, person and role of main applicants and their partners."""
    spouse = population.spouse[applications.person]
    known = (spouse >= 0) & population.known[spouse, PARTNERS.index("housing")]
    together = known & (draw("joint").random(len(spouse)) < families.joint_application)
    # Whoever has no application of their own is on every one of the other's.
    together |= known & ~np.isin(spouse, applications.person)
    joint = np.flatnonzero(together)
    return (
        np.concatenate([np.arange(len(spouse)), joint]),
        np.concatenate([applications.person, spouse[joint]]),
        np.repeat(["main", "partner"], [len(spouse), len(joint)]).astype(object),
    )


def _children(
    population: Population, applicants: np.ndarray, families: Families, draw: Streams
) -> _Children:
    """Return children of applicants by their age; only one of a couple brings them up here."""
    carer = np.unique(applicants)
    spouse = population.spouse[carer]
    carer = carer[~((spouse >= 0) & (spouse < carer) & np.isin(spouse, carer))]
    female, coupled = population.sex[carer] == "F", population.spouse[carer] >= 0
    chance = np.where(female | coupled, families.brings_up_children, families.lone_father)
    carer = carer[draw("has children").random(len(carer)) < chance]
    mother = _mother(population, carer)
    count = 1 + draw("how many").poisson(families.further_children, len(carer))
    which, nth = repeated(np.minimum(count, MOST_CHILDREN))
    gap = draw("gaps").integers(400, 1_800, len(which))
    gap[draw("born together").random(len(which)) < families.child_twins] = 0
    gap[nth == 0] = 0
    passed = np.cumsum(gap)
    since_first = passed - passed[nth == 0][which] if len(which) else passed
    age_at_first = ((17 + draw("first child").gamma(2.6, 3.0, len(carer))) * YEAR).astype(int)
    born_to_first = population.birth[mother] + age_at_first
    birth = born_to_first[which] + since_first
    in_time = birth - population.birth[mother][which] < OLDEST_MOTHER * YEAR
    return _Children(carer[which][in_time], birth[in_time])


def _mother(population: Population, carer: np.ndarray) -> np.ndarray:
    """Return whose age children follow: the woman of a couple, else whoever brings them up."""
    spouse = population.spouse[carer]
    other = (spouse >= 0) & (population.sex[carer] == "M") & (population.sex[spouse] == "F")
    return np.where(other, spouse, carer)


def _with_parents(
    applications: Applications, at: np.ndarray, person: np.ndarray, children: _Children,
    families: Families, draw: Streams,
) -> pl.DataFrame:  # fmt: skip
    """Return application (`at`), `child` and `role` of children on the day of an application."""
    applied = pl.DataFrame({"carer": person, "at": at, "day": applications.day[at]})
    born = pl.DataFrame({"carer": children.carer, "birth": children.birth}).with_row_index("child")
    both = applied.join(born, on="carer", maintain_order="left_right")
    both = both.filter(pl.col("birth") < pl.col("day"))
    age = (both["day"] - both["birth"]) / YEAR
    minor = age < ADULT
    there = pl.Series(draw("lives there").random(both.height))
    kept = (minor & (there < families.child_lives_there)) | (
        ~minor & (age < families.leaves_home_by) & (there < families.grown_child_lives_there)
    )
    both = both.with_columns(
        role=pl.when(minor).then(pl.lit("child")).otherwise(pl.lit("other_adult"))
    )
    return both.filter(kept).select("at", "child", "role")


def _grown_up(
    population: Population, applications: Applications, families: Families, draw: Streams
) -> tuple[np.ndarray, np.ndarray]:
    """Return application and person of adults who live with a parent that applies."""
    adult = np.flatnonzero(population.parent >= 0)
    adult = adult[population.known[adult, PARTNERS.index("housing")]]
    applied = pl.DataFrame({"parent": applications.person}).with_row_index("at")
    both = applied.join(
        pl.DataFrame({"parent": population.parent[adult], "person": adult}),
        on="parent",
        maintain_order="left_right",
    )
    at, person = both["at"].to_numpy().astype(int), both["person"].to_numpy()
    age = (applications.day[at] - population.birth[person]) / YEAR
    lives = draw("grown up").random(len(at)) < families.grown_child_lives_there
    lives &= (age >= ADULT) & (age < families.leaves_home_by)
    return at[lives], person[lives]


def _brought_up(
    population: Population, children: _Children, families: Families, draw: Streams
) -> Population:
    """Return the population with the children behind it, each with what a family hands on."""
    carer, birth, size = children.carer, children.birth, len(children.carer)
    community, year = population.community[carer], years_of(birth)
    sex = np.where(draw("sex").random(size) < 0.512, "M", "F").astype(object)
    surname = _surnames(population, carer, sex, families, draw)
    none = np.full(size, None, dtype=object)
    known = np.zeros((size, len(PARTNERS)), dtype=bool)
    known[:, PARTNERS.index("housing")] = True
    more = {
        "sex": sex,
        "birth": birth,
        "community": community,
        "ethnicity": _ethnicities(population, carer, families, draw),
        "forename": _forenames(carer, community, sex, year, draw),
        "surname": surname,
        "other_forename": names.draw_forenames(draw("other forename"), community, sex, year),
        "other_surname": names.draw_surnames(draw("other surname"), community, sex),
        "new_surname": surname,
        "surname_changed": np.full(size, population.as_at + 100_000),
        "known": known,
        "spouse": np.full(size, -1),
        "parent": carer,
        "drug": np.zeros(size, dtype=int),
        "address": population.address[carer],
        "moved_in": population.moved_in[carer],
        "nino": _fresh_ninos(population, size, draw),
        **dict.fromkeys(("pnc_id", "cro_number", "noms_number", "nhs_number"), none),
    }
    both: dict[str, Any] = {
        name: np.concatenate([getattr(population, name), new]) for name, new in more.items()
    }
    return replace(population, **both)


def _by_family(carer: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Give everyone whom one person brings up the first value drawn among them."""
    _, first, family = np.unique(carer, return_index=True, return_inverse=True)
    return values[first][family]


def _surnames(
    population: Population, carer: np.ndarray, sex: np.ndarray, families: Families, draw: Streams
) -> np.ndarray:
    """Return the father's surname or the mother's, the same for all whom one person brings up."""
    size, community = len(carer), population.community[carer]
    mother = _mother(population, carer)
    spouse = population.spouse[carer]
    father = np.where(mother != carer, carer, np.where(spouse >= 0, spouse, carer))
    absent = names.draw_surnames(draw("absent father"), community, np.full(size, "M", dtype=object))
    alone = (spouse < 0) & (population.sex[carer] == "F")
    his = np.where(alone, absent, population.surname[father])
    takes_his = draw("takes the father's").random(size)
    chance = np.where(alone, families.absent_fathers_surname, families.fathers_surname)
    borne = _by_family(carer, np.where(takes_his < chance, his, population.surname[carer]))
    own = names.draw_surnames(draw("own surname"), community, sex)
    return names.family_name(borne, own, community, sex)


def _forenames(
    carer: np.ndarray, community: np.ndarray, sex: np.ndarray, year: np.ndarray, draw: Streams
) -> np.ndarray:
    """Draw forenames by year of birth; brothers and sisters differ."""
    forename = names.draw_forenames(draw("forename"), community, sex, year)
    for attempt in range(20):
        alike = pl.DataFrame({"carer": carer, "name": forename.tolist()})
        again = np.flatnonzero(~alike.select(pl.struct(pl.all()).is_first_distinct()).to_series())
        if not len(again):
            break
        rng = draw(f"forename again {attempt}")
        forename[again] = names.draw_forenames(rng, community[again], sex[again], year[again])
    return forename


def _ethnicities(
    population: Population, carer: np.ndarray, families: Families, draw: Streams
) -> np.ndarray:
    """Return the parent's ethnicity, or for some children of a White lone parent a mixed one."""
    ethnicity = population.ethnicity[carer]
    white = np.array([code.startswith("W") for code in ethnicity], dtype=bool)
    mixed = white & (population.spouse[carer] < 0)
    mixed &= _by_family(carer, draw("mixed").random(len(carer))) < families.mixed_ethnicity
    drawn = _by_family(carer, weighted(draw("which mixed"), MIXED, len(carer)))
    return np.where(mixed, drawn, ethnicity)


def _fresh_ninos(population: Population, size: int, draw: Streams) -> np.ndarray:
    """Return National Insurance numbers that no adult has, for when the children are sixteen."""
    taken = set(population.nino)
    drawn = identifiers.ninos(draw("nino"), 2 * size)
    return np.array([number for number in drawn if number not in taken][:size], dtype=object)
