"""The adults: who they are, whom they live with, where they lived and which partners know them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from synthetic import identifiers, names, places
from synthetic.histories import kept
from synthetic.rates import (
    FEMALE,
    FEMALE_OTHERWISE,
    KNOWN_TO,
    PARTNER_LETTERS,
    PARTNERS,
    ErrorRates,
    Pairs,
)
from synthetic.streams import Streams

YEARS = 5  # of history in every extract
YEAR = 365.25
ADULT = 18
OLDEST = 80
MOVES = 0.60  # a year a person has this chance of moving, on average
MOST_MOVES = 4
DRUGS = ("none", "opiate", "crack", "cocaine", "alcohol", "cannabis")
# Main substance by whether treatment knows the person. Judgement from published treatment shares.
DRUGS_IF_TREATED = (0.0, 0.46, 0.06, 0.08, 0.30, 0.10)
DRUGS_OTHERWISE = (0.52, 0.07, 0.04, 0.12, 0.13, 0.12)
# Papers made out on arrival often give 1 January. Judgement; most people's chance is 1 in 250.
NEW_YEAR_BIRTHDAY = {
    "pakistani": 0.06, "bangladeshi": 0.12, "somali": 0.30, "eritrean": 0.20, "arabic": 0.20,
    "kurdish": 0.30, "iranian": 0.05, "vietnamese": 0.10,
}  # fmt: skip


@dataclass(frozen=True)
class Population:
    """One array element per person, adults first.

    Days count from 1970-01-01; -1 stands for nobody.
    """

    as_at: int
    sex: np.ndarray
    birth: np.ndarray
    community: np.ndarray
    ethnicity: np.ndarray
    forename: np.ndarray
    surname: np.ndarray
    other_forename: np.ndarray
    other_surname: np.ndarray
    new_surname: np.ndarray
    surname_changed: np.ndarray  # day from which new_surname holds; far in the future if never
    known: np.ndarray  # people × partners
    spouse: np.ndarray
    parent: np.ndarray
    adults: int  # how many come first; children of households follow
    drug: np.ndarray  # position in DRUGS
    address: np.ndarray  # people × (MOST_MOVES + 1) postcode positions
    moved_in: np.ndarray  # people × (MOST_MOVES + 1) days
    postcodes: np.ndarray
    pnc_id: np.ndarray
    cro_number: np.ndarray
    noms_number: np.ndarray
    nino: np.ndarray
    nhs_number: np.ndarray

    @property
    def size(self) -> int:
        """Return the number of people."""
        return len(self.sex)

    def known_to(self, partner: str) -> np.ndarray:
        """Return the positions of the people a partner knows."""
        return np.flatnonzero(self.known[:, PARTNERS.index(partner)])

    def window_opens(self, person: np.ndarray) -> np.ndarray:
        """Return the first day of each person's history: five years back, or just after 18."""
        adult = self.birth[person] + int((ADULT + 0.1) * YEAR)
        return np.maximum(self.as_at - int(YEARS * YEAR), adult)


@dataclass(frozen=True)
class _Pairs:
    """Positions of the first and second person of each pair, by kind of family."""

    twins: tuple[np.ndarray, np.ndarray]
    father_and_son: tuple[np.ndarray, np.ndarray]
    siblings: tuple[np.ndarray, np.ndarray]
    parent_and_child: tuple[np.ndarray, np.ndarray]
    couples: tuple[np.ndarray, np.ndarray]

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        kinds = (
            self.twins,
            self.father_and_son,
            self.siblings,
            self.parent_and_child,
            self.couples,
        )
        return np.concatenate([a for a, _ in kinds]), np.concatenate([b for _, b in kinds])


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def years_of(days: np.ndarray) -> np.ndarray:
    """Return the calendar year of each day number."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970


def _pair_up(streams: Streams, people: int, families: Pairs) -> _Pairs:
    order = streams("families").permutation(people)
    taken = 0
    kinds = {}
    for kind, share in vars(families).items():
        count = max(1, round(share * people))
        both = order[taken : taken + 2 * count]
        kinds[kind] = (both[:count], both[count:])
        taken += 2 * count
    return _Pairs(**kinds)


def _known(streams: Streams, people: int, pairs: _Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return people × partners, and the pattern of letters behind each row."""
    rng = streams("known to")
    pattern = names.pick(rng, KNOWN_TO, people)
    # Half of second twins are known where the first is; most couples are housed together.
    for (first, second), share in ((pairs.twins, 0.5), (pairs.couples, 0.4)):
        same = rng.random(len(first)) < share
        pattern[second[same]] = pattern[first[same]]
    patterns, which = np.unique(pattern.astype(str), return_inverse=True)
    return np.array([[letter in p for letter in PARTNER_LETTERS] for p in patterns])[which], pattern


def _sexes(streams: Streams, pattern: np.ndarray, pairs: _Pairs) -> np.ndarray:
    rng = streams("sex")
    chance = np.array([FEMALE.get(p, FEMALE_OTHERWISE) for p in pattern])
    sex = np.where(rng.random(len(pattern)) < chance, "F", "M").astype(object)
    for first, second in (pairs.father_and_son,):
        sex[first] = sex[second] = "M"
    first, second = pairs.couples
    opposite = np.where(sex[first] == "M", "F", "M")
    sex[second] = np.where(rng.random(len(first)) < 0.95, opposite, sex[first])
    first, second = pairs.twins
    sex[second] = np.where(rng.random(len(first)) < 0.65, sex[first], sex[second])
    return sex


def _births(streams: Streams, as_at: int, community: np.ndarray, pairs: _Pairs) -> np.ndarray:
    rng = streams("birth")
    people = len(community)
    youngest, oldest = as_at - int((ADULT + 0.5) * YEAR), as_at - int(OLDEST * YEAR)
    birth = youngest - (rng.gamma(2.6, 7.2, size=people) * YEAR).astype(int)
    at_new_year = np.array([NEW_YEAR_BIRTHDAY.get(name, 0.004) for name in community])
    rounded = birth.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]")
    birth = np.where(rng.random(people) < at_new_year, rounded.astype(int), birth)
    birth = np.clip(birth, oldest, youngest)
    first, second = pairs.twins
    birth[second] = birth[first]
    first, second = pairs.siblings
    gap = rng.integers(330, 3_300, size=len(first)) * rng.choice([-1, 1], size=len(first))
    birth[second] = np.where(birth[first] + gap > youngest, birth[first] - gap, birth[first] + gap)
    for first, second in (pairs.father_and_son, pairs.parent_and_child):
        birth[second] = youngest - (rng.random(len(first)) * 22 * YEAR).astype(int)
        birth[first] = birth[second] - ((18 + rng.gamma(4, 2.3, len(first))) * YEAR).astype(int)
    first, second = pairs.couples
    birth[second] = np.clip(
        birth[first] + (rng.normal(0, 4, len(first)) * YEAR).astype(int), oldest, youngest
    )
    return birth


def _forenames(
    streams: Streams, community: np.ndarray, sex: np.ndarray, birth: np.ndarray, pairs: _Pairs
) -> np.ndarray:
    """Draw forenames; a son bears his father's, and brothers and sisters differ."""
    year = years_of(birth)
    forename = names.draw_forenames(streams("forename"), community, sex, year)
    first, second = pairs.father_and_son
    forename[second] = forename[first]
    first = np.concatenate([pairs.twins[0], pairs.siblings[0]])
    second = np.concatenate([pairs.twins[1], pairs.siblings[1]])
    for attempt in range(20):
        alike = second[forename[first] == forename[second]]
        if not len(alike):
            break
        rng = streams(f"forename again {attempt}")
        forename[alike] = names.draw_forenames(rng, community[alike], sex[alike], year[alike])
    return forename


def _surnames(
    streams: Streams, community: np.ndarray, sex: np.ndarray, pairs: _Pairs, rates: ErrorRates
) -> np.ndarray:
    rng = streams("surname")
    own = names.draw_surnames(rng, community, sex)
    surname = own.copy()
    double = rng.random(len(surname)) < rates.double_barrelled
    partner = rng.permutation(surname)
    surname = np.where(double & (surname != partner), surname + "-" + partner, surname)
    for first, second in (
        pairs.twins,
        pairs.father_and_son,
        pairs.siblings,
        pairs.parent_and_child,
    ):
        surname[second] = surname[first]
    first, second = pairs.couples
    married = rng.random(len(first)) < 0.55
    surname[second[married]] = surname[first[married]]
    return names.family_name(surname, own, community, sex)


def _addresses(
    streams: Streams, as_at: int, people: int, pairs: _Pairs, where: places.Places
) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's addresses and the days they moved in; families start together."""
    rng = streams("addresses")
    spells = MOST_MOVES + 1
    address = places.draw_addresses(rng, where, people * spells).reshape(people, spells)
    settled = rng.gamma(0.8, size=people) / 0.8
    moves = np.minimum(rng.poisson(MOVES * YEARS * settled), MOST_MOVES)
    span = int(YEARS * YEAR)
    day = np.sort(as_at - span + rng.integers(1, span, size=(people, MOST_MOVES)), axis=1)
    never = np.arange(MOST_MOVES) >= moves[:, None]
    far_past, far_future = as_at - 100_000, as_at + 100_000
    moved_in = np.concatenate(
        [np.full((people, 1), far_past), np.where(never, far_future, day)], axis=1
    )
    first, second = pairs.all()
    together = rng.random(len(first)) < 0.75
    address[second[together], 0] = address[first[together], 0]
    first, second = pairs.twins
    address[second, 0] = address[first, 0]
    return address, moved_in


def _parents(people: int, pairs: _Pairs) -> np.ndarray:
    parent = np.full(people, -1)
    for first, second in (pairs.father_and_son, pairs.parent_and_child):
        parent[second] = first
    return parent


def _spouses(people: int, pairs: _Pairs) -> np.ndarray:
    spouse = np.full(people, -1)
    first, second = pairs.couples
    spouse[first], spouse[second] = second, first
    return spouse


def _drugs(streams: Streams, treated: np.ndarray) -> np.ndarray:
    rng = streams("drugs")
    spread = np.where(treated[:, None], np.cumsum(DRUGS_IF_TREATED), np.cumsum(DRUGS_OTHERWISE))
    return (rng.random(len(treated))[:, None] > spread[:, :-1]).sum(axis=1)


def _some(where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Place values at the true positions of a mask, and None elsewhere."""
    filled = np.full(len(where), None, dtype=object)
    filled[where] = values
    return filled


def _strong_ids(streams: Streams, birth: np.ndarray, known: np.ndarray, as_at: int) -> dict:
    """Give each person the identifiers that their contacts would have made."""
    police, probation, treatment, _ = known.T
    justice = police | probation
    rng = streams("first arrest")
    age = np.minimum(14 + rng.gamma(2, 5, len(birth)), (as_at - birth) / YEAR - 0.5)
    year = years_of(birth + (age * YEAR).astype(int))[justice]
    fingerprinted = rng.random(len(birth)) < 0.92
    return {
        "pnc_id": _some(justice, identifiers.pnc_ids(streams("pnc"), year)),
        "cro_number": kept(
            fingerprinted,
            _some(justice, identifiers.cro_numbers(streams("cro"), year, small_files=0.04)),
        ),
        "noms_number": identifiers.noms_numbers(streams("noms"), len(birth)),
        "nino": identifiers.ninos(streams("nino"), len(birth)),
        "nhs_number": _some(
            treatment, identifiers.nhs_numbers(streams("nhs"), int(treatment.sum()))
        ),
    }


def make_population(
    people: int, streams: Streams, as_at: date, rates: ErrorRates, families: Pairs
) -> Population:
    """Make the adults known to any of the four partners.

    Args:
        people: How many; at least enough for one of each kind of family.
        streams: Random numbers by purpose.
        as_at: The day the extracts are drawn.
        rates: Chances of changed and double-barrelled surnames.
        families: Pairs of each kind per person.
    """
    today = day_number(as_at)
    pairs = _pair_up(streams, people, families)
    community = names.pick(streams("community"), names.COMMUNITIES, people)
    first, second = pairs.all()
    community[second] = community[first]
    known, pattern = _known(streams, people, pairs)
    sex = _sexes(streams, pattern, pairs)
    birth = _births(streams, today, community, pairs)
    rng = streams("surname changes")
    chance = np.where(sex == "F", rates.surname_changed_female, rates.surname_changed_male)
    changes = rng.random(people) < chance
    changed_on = today - rng.integers(60, int(YEARS * YEAR) - 60, size=people)
    where = places.make_places(streams("places"), people)
    address, moved_in = _addresses(streams, today, people, pairs, where)
    population = Population(
        as_at=today,
        sex=sex,
        birth=birth,
        community=community,
        ethnicity=_ethnicities(streams, community),
        forename=_forenames(streams, community, sex, birth, pairs),
        surname=_surnames(streams, community, sex, pairs, rates),
        other_forename=names.draw_forenames(
            streams("other forename"), community, sex, years_of(birth)
        ),
        other_surname=names.draw_surnames(streams("other surname"), community, sex),
        new_surname=names.draw_surnames(streams("new surname"), community, sex),
        surname_changed=np.where(changes, changed_on, today + 100_000),
        known=known,
        spouse=_spouses(people, pairs),
        parent=_parents(people, pairs),
        adults=people,
        drug=_drugs(streams, known[:, PARTNERS.index("treatment")]),
        address=address,
        moved_in=moved_in,
        postcodes=where.postcodes,
        **_strong_ids(streams, birth, known, today),
    )
    first, second = pairs.twins
    return replace(population, ethnicity=_shared(population.ethnicity, first, second))


def _shared(values: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    copied = values.copy()
    copied[second] = copied[first]
    return copied


def _ethnicities(streams: Streams, community: np.ndarray) -> np.ndarray:
    rng = streams("ethnicity")
    ethnicity = np.empty(len(community), dtype=object)
    for name, weights in names.ETHNICITIES.items():
        at = np.flatnonzero(community == name)
        ethnicity[at] = names.pick(rng, weights, len(at))
    return ethnicity
