"""Treatment episodes and what was done in them, many of them begun by an arrest or a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.histories import (
    NEVER,
    between,
    day_column,
    kept,
    numbered,
    references,
    repeated,
    text_column,
    weighted,
    weighted_by,
)
from synthetic.identities import (
    Recorder,
    first_of_each,
    record_addresses,
    record_identities,
    starts,
)
from synthetic.outcomes import outcomes_profiles
from synthetic.places import LOCAL_AUTHORITY
from synthetic.population import DRUGS, Population
from synthetic.rates import Copying, ErrorRates, Filled
from synthetic.streams import Streams

AGENCIES = {"N0853": 0.48, "N0855": 0.22, "N0861": 0.15, "N0870": 0.10, "N0902": 0.05}
ANOTHER_AGENCY = 0.15  # of later episodes
REFUSED_CONSENT = 0.02  # of clients
# Route → (share of occasions that lead to treatment, soonest and latest day of referral).
ROUTES = {"5": (0.30, 0, 30), "6": (0.55, 0, 25), "13": (0.45, 0, 60)}
OTHER_ROUTES = {"4": 0.55, "3": 0.25, "8": 0.20}
SHORTEST_GAP = 45  # days between one referral and the next kept
MEDIAN_LENGTH = {"opiate": 260, "crack": 150, "cocaine": 110, "alcohol": 120, "cannabis": 100}
DRUG1 = {
    "opiate": {"1011": 0.86, "1105": 0.04, "1000": 0.10},
    "crack": {"3201": 1.0},
    "cocaine": {"3200": 0.90, "3100": 0.06, "3406": 0.04},
    "alcohol": {"7000": 1.0},
    "cannabis": {"5000": 0.92, "2200": 0.08},
}
DRUG2 = {
    "opiate": {"3201": 0.52, "7000": 0.06, "2200": 0.06, "5000": 0.04, "": 0.32},
    "crack": {"7000": 0.25, "5000": 0.15, "1011": 0.10, "": 0.50},
    "cocaine": {"7000": 0.40, "5000": 0.15, "": 0.45},
    "alcohol": {"3200": 0.16, "5000": 0.09, "": 0.75},
    "cannabis": {"7000": 0.25, "3200": 0.12, "": 0.63},
}
DRUG3 = {"3406": 0.02, "3100": 0.05, "": 0.93}
EXITS = {
    "opiate": {"80": 0.18, "82": 0.09, "83": 0.09, "84": 0.14, "85": 0.36, "86": 0.03,
               "87": 0.04, "88": 0.04, "89": 0.03},
    "crack": {"80": 0.30, "83": 0.06, "84": 0.10, "85": 0.42, "86": 0.04, "88": 0.07, "89": 0.01},
    "cocaine": {"80": 0.46, "82": 0.08, "83": 0.04, "84": 0.04, "85": 0.30, "88": 0.08},
    "alcohol": {"80": 0.20, "81": 0.30, "82": 0.06, "83": 0.04, "85": 0.31, "88": 0.07,
                "89": 0.02},
    "cannabis": {"80": 0.42, "82": 0.12, "83": 0.03, "85": 0.34, "88": 0.09},
}  # fmt: skip
# Circumstances as field knowledge has them; none of these shares is published for one area.
CIRCUMSTANCES = {
    "RELIGION": {"none": 0.46, "christian": 0.30, "muslim": 0.06, "buddhist": 0.01, "hindu": 0.01,
                 "sikh": 0.01, "jewish": 0.01, "other": 0.03, "declined": 0.04, "not_known": 0.07},
    "SEXUAL_ORIENTATION": {"heterosexual": 0.86, "gay_lesbian": 0.03, "bisexual": 0.02,
                           "other": 0.01, "declined": 0.04, "not_known": 0.04},
    "DISABILITY": {"none": 0.66, "mobility": 0.07, "behaviour_emotional": 0.12, "learning": 0.04,
                   "progressive": 0.05, "sight": 0.01, "hearing": 0.01, "other": 0.04},
    "EMPLOYMENT": {"regular": 0.24, "unemployed_seeking": 0.24, "long_term_sick": 0.32,
                   "not_seeking": 0.08, "student": 0.03, "homemaker": 0.03, "unpaid": 0.01,
                   "retired": 0.02, "other": 0.01, "not_known": 0.02},
    "CHILDREN_LIVING_WITH": {"none": 0.72, "all": 0.16, "some": 0.05, "other": 0.04,
                             "declined": 0.02, "not_known": 0.01},
}  # fmt: skip
HEPATITIS = {"A": 0.38, "B": 0.26, "C": 0.12, "D": 0.20, "E": 0.04}
VACCINATIONS = {"1": 0.3, "2": 0.15, "3": 0.2, "C": 0.35}
MENTAL_HEALTH = {"Y": 0.62, "N": 0.34, "declined": 0.02, "not_known": 0.02}
TREATED_FOR_IT = {"primary_care": 0.52, "community_team": 0.16, "talking_therapy": 0.06,
                  "inpatient": 0.01, "in_service": 0.05, "none": 0.20}  # fmt: skip
ROUTES_OF_USE = {
    "opiate": {"1": 0.34, "3": 0.56, "4": 0.10}, "crack": {"3": 0.96, "1": 0.04},
    "cocaine": {"2": 0.94, "3": 0.04, "5": 0.02}, "alcohol": {"4": 1.0}, "cannabis": {"3": 1.0},
}  # fmt: skip
SETTINGS = {"community": 0.93, "inpatient": 0.02, "residential": 0.03, "secure": 0.02}
LOCAL_TEAM, ANOTHER_TEAM = "A09B", "B12B"  # drug action teams of residence
PLANNED = ("80", "81", "82")
WITHDRAWN = ("86",)
NEVER_TRIAGED = 0.04


@dataclass(frozen=True)
class Episodes:
    """Referrals to treatment in order of person, with their day and route."""

    person: np.ndarray
    day: np.ndarray
    route: np.ndarray


def _led_to(
    population: Population, route: str, person: np.ndarray, day: np.ndarray, draw: Streams
) -> Episodes:
    """Return the referrals that one kind of occasion led to, for people treatment knows."""
    share, soonest, latest = ROUTES[route]
    rng = draw(f"route {route}")
    referred = day + soonest + (rng.beta(1, 3, len(day)) * (latest - soonest + 1)).astype(int)
    known = population.known[person, 2]
    at = known & (rng.random(len(day)) < share) & (referred <= population.as_at)
    return Episodes(person[at], referred[at], np.full(int(at.sum()), route, dtype=object))


def _of_their_own_accord(population: Population, sent: np.ndarray, draw: Streams) -> Episodes:
    """Return other referrals, at least one for everyone whom nothing else brought."""
    known = population.known_to("treatment")
    rng = draw("own accord")
    count = np.maximum(rng.poisson(0.55, len(known)), ~np.isin(known, sent))
    person = known[repeated(count)[0]]
    today = np.full(len(person), population.as_at)
    day = between(draw("own accord when"), population.window_opens(person), today)
    return Episodes(person, day, weighted(draw("own route"), OTHER_ROUTES, len(person)))


def make_episodes(
    population: Population, occasions: dict[str, tuple[np.ndarray, np.ndarray]], streams: Streams
) -> Episodes:
    """Draw referrals from the occasions of each route (person, day) and from elsewhere."""
    draw = streams.within("episodes")
    parts = [_led_to(population, route, *occasions[route], draw) for route in ROUTES]
    sent = np.concatenate([part.person for part in parts])
    parts.append(_of_their_own_accord(population, sent, draw))
    person = np.concatenate([part.person for part in parts])
    day = np.concatenate([part.day for part in parts])
    route = np.concatenate([part.route for part in parts])
    order = np.lexsort((day, person))
    person, day, route = person[order], day[order], route[order]
    for _ in range(3):  # dropping one can leave two others too close
        close = np.zeros(len(person), dtype=bool)
        close[1:] = (person[1:] == person[:-1]) & (day[1:] - day[:-1] < SHORTEST_GAP)
        close[1:] &= ~close[:-1]
        person, day, route = person[~close], day[~close], route[~close]
    return Episodes(person, day, route)


@dataclass(frozen=True)
class _Course:
    """The dates of each episode; NEVER where it did not come to that."""

    triaged: np.ndarray
    planned: np.ndarray
    discharged: np.ndarray
    reason: np.ndarray


def _courses(
    population: Population, episodes: Episodes, using: np.ndarray, draw: Streams
) -> _Course:
    rng = draw("course")
    size = len(using)
    today = population.as_at
    triaged = episodes.day + (rng.beta(1, 3, size) * 22).astype(int)
    never = (rng.random(size) < NEVER_TRIAGED) | (triaged > today)
    planned = triaged + (rng.beta(1, 2, size) * 29).astype(int)
    unplanned = never | (rng.random(size) < 0.10) | (planned > today)
    median = np.array([MEDIAN_LENGTH[drug] for drug in using], dtype=float)
    length = np.maximum((median * rng.lognormal(0, 0.8, size)).astype(int), 10)
    end = np.where(never, episodes.day + 30, np.where(unplanned, triaged, planned) + length)
    following = np.full(size, today + 100_000)
    same = episodes.person[1:] == episodes.person[:-1]
    following[:-1][same] = episodes.day[1:][same] - 1
    # Most episodes close before the next begins; a few overlap, as transfers do.
    closes = np.maximum(following, np.where(never, episodes.day, triaged))
    end = np.where(rng.random(size) < 0.93, np.minimum(end, closes), end)
    open_still = end > today
    reason = weighted_by(draw("reason"), using, EXITS)
    reason = np.where(never, "88", reason)
    return _Course(
        triaged=np.where(never, NEVER, triaged),
        planned=np.where(unplanned | (planned > end), NEVER, planned),
        discharged=np.where(open_still, NEVER, end),
        reason=kept(~open_still, reason),
    )


def _clients(episodes: Episodes, rates: ErrorRates, draw: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Return agency and a running client number for each episode: a client is one per agency."""
    rng = draw("clients")
    size = len(episodes.person)
    home = weighted(rng, AGENCIES, int(episodes.person.max()) + 1)[episodes.person]
    elsewhere = rng.random(size) < ANOTHER_AGENCY
    agency = np.where(elsewhere, weighted(rng, AGENCIES, size), home)
    twice = rng.random(size) < rates.second_client_id
    which = np.select([agency == name for name in AGENCIES], range(len(AGENCIES)))
    key = (episodes.person * len(AGENCIES) + which) * 2 + twice
    return agency, np.unique(key, return_inverse=True)[1]


def substances(using: np.ndarray, draw: Streams) -> list[np.ndarray]:
    """Return three different substances for each episode, the later ones often missing."""
    first = weighted_by(draw("drug 1"), using, DRUG1)
    second = weighted_by(draw("drug 2"), using, DRUG2)
    second = kept((second != "") & (second != first), second)
    third = weighted(draw("drug 3"), DRUG3, len(using))
    alone = pl.Series(second.tolist()).is_null().to_numpy() | (third == "")
    alone |= (third == first) | (third == second)
    return [first, second, kept(~alone, third)]


def _interventions(
    population: Population, episodes: Episodes, course: _Course, using: np.ndarray,
    keys: dict[str, np.ndarray], draw: Streams,
) -> pl.DataFrame:  # fmt: skip
    """Return what was done: medicine and talking for opiates, talking for others, then support."""
    rng = draw("interventions")
    size = len(using)
    engaged = (course.triaged > NEVER) & (rng.random(size) < 0.92)
    medicine = engaged & ((using == "opiate") | (rng.random(size) < 0.08))
    talking = engaged & (~medicine | (rng.random(size) < 0.75))
    finished = np.isin(course.reason, PLANNED)
    support = engaged & finished & (rng.random(size) < 0.30)
    at = np.concatenate([np.flatnonzero(chosen) for chosen in (medicine, talking, support)])
    modal = np.repeat(["94", "95", "96"], [medicine.sum(), talking.sum(), support.sum()])
    referred = course.triaged[at] + (rng.beta(1, 4, len(at)) * 15).astype(int)
    referred = np.where(modal == "96", np.maximum(course.discharged[at] - 20, referred), referred)
    offered = referred + (rng.gamma(1.5, 4.5, len(at))).astype(int)
    started = offered + (rng.gamma(0.8, 3.0, len(at))).astype(int)
    last = np.where(course.discharged[at] > NEVER, course.discharged[at], population.as_at)
    begun = started <= last
    ended = begun & (course.discharged[at] > NEVER)
    reason = course.reason[at]
    how = np.where(np.isin(reason, PLANNED), "A", np.where(np.isin(reason, WITHDRAWN), "C", "B"))
    chosen = referred <= last
    frame = pl.DataFrame(
        {
            "MODID": text_column(references("M", referred)),
            **{name: text_column(values[at]) for name, values in keys.items()},
            "MODAL": text_column(modal.astype(object)),
            "SETTING": text_column(weighted(draw("setting"), SETTINGS, len(at))),
            "REFMODDT": day_column(referred),
            "FAOMODDT": day_column(np.where(offered <= last, offered, NEVER)),
            "MODST": day_column(np.where(begun, started, NEVER)),
            "MODEND": day_column(np.where(ended, last, NEVER)),
            "MODEXIT": text_column(kept(ended, how)),
            "person": episodes.person[at],
        }
    )
    return frame.filter(pl.Series(chosen))


NHS_ETHNICITY = {
    "W1": "A", "W2": "B", "W3": "C", "W9": "C", "M1": "D", "M2": "E", "M3": "F", "M9": "G",
    "A1": "H", "A2": "J", "A3": "K", "A9": "L", "B1": "M", "B2": "N", "B9": "P", "A4": "R",
    "O2": "S", "O9": "S", "NS": "Z",
}  # fmt: skip
NHS_SEX = {"M": "1", "F": "2", "N": "9"}


def _initial(written: pl.Series, true: np.ndarray) -> pl.Series:
    """Return the initial of the name as written, or of the true one where none was."""
    return written.fill_null(text_column(true)).str.slice(0, 1).str.to_uppercase()


def _identity_columns(
    population: Population, episodes: Episodes, client: np.ndarray, streams: Streams,
    draw: Streams, rates: ErrorRates, filled: Filled, copying: Copying,
) -> pl.DataFrame:  # fmt: skip
    """Return identity columns in the treatment system's own codes, one row per episode."""
    recorder = Recorder(
        "treatment", {"nhs_number": filled.treatment_nhs}, requires_dob=True, lied_to=0.7
    )
    first = starts(client)
    identity = record_identities(
        population, episodes.person[first], episodes.day[first], recorder, streams, rates
    )[client]
    # Episodes of one client are not always neighbours, so addresses go by the client's order.
    order = np.lexsort((episodes.day, client))
    moved = draw("address again").random(len(client)) < copying.treatment_address
    held = np.empty(len(client), dtype=int)
    held[order] = first_of_each(client[order], moved[order])
    at = starts(held)
    postcode = record_addresses(
        population, episodes.person[at], episodes.day[at], "treatment", streams, rates
    )[held]
    text = text_column(postcode)
    return pl.DataFrame(
        {
            "FORENAME": identity["forename"],
            "SURNAME": identity["surname"],
            "FINITIAL": _initial(identity["forename"], population.forename[episodes.person]),
            "SINITIAL": _initial(identity["surname"], population.surname[episodes.person]),
            "NHSNO": identity["nhs_number"],
            "DOB": identity["dob"],
            "SEX": identity["sex"].replace_strict(NHS_SEX),
            "ETHNIC": identity["ethnicity"].replace_strict(NHS_ETHNICITY),
            "POSTCODE": text,
            "PC": text.str.slice(0, text.str.len_chars() - 2),
            "LA": text.str.split(" ").list.first().replace_strict(LOCAL_AUTHORITY, default=None),
        }
    )


def _circumstances(
    injects: np.ndarray, using: np.ndarray, identity: pl.DataFrame, draw: Streams
) -> dict[str, pl.Series]:
    """Return what full exports say of a client beside the treatment."""
    size = len(using)
    needs = weighted(draw("mental health"), MENTAL_HEALTH, size)
    treated = weighted(draw("mental health treatment"), TREATED_FOR_IT, size)
    route = weighted_by(draw("route of use"), using, ROUTES_OF_USE)
    hepatitis = weighted(draw("hepatitis b"), HEPATITIS, size)
    vaccinations = weighted(draw("vaccinations"), VACCINATIONS, size)
    local = identity["LA"].is_not_null()
    return {
        **{
            name: text_column(weighted(draw(name), shares, size))
            for name, shares in CIRCUMSTANCES.items()
        },
        "DAT": pl.select(
            pl.when(local).then(pl.lit(LOCAL_TEAM)).otherwise(pl.lit(ANOTHER_TEAM))
        ).to_series(),
        "SERVICE_TYPE": pl.repeat("adult", size, eager=True),
        "ROUTE": text_column(np.where(injects == "C", "1", route)),
        "MENTAL_HEALTH_NEED": text_column(needs),
        "MENTAL_HEALTH_TREATMENT": text_column(kept(needs == "Y", treated)),
        "HEPBSTAT": text_column(hepatitis),
        "HEPCSTAT": text_column(weighted(draw("hepatitis c"), HEPATITIS, size)),
        "HEPBVAC": text_column(kept(hepatitis == "A", vaccinations)),
    }


def _without_consent(
    episode: pl.DataFrame, children: dict[str, pl.DataFrame], refused: pl.Series
) -> dict[str, pl.DataFrame]:
    """Leave one bare row for each client who refused, and nothing of what was done."""
    bare = ("AGNCY", "CLIENTID", "CONSENT", "person")
    episode = episode.with_columns(
        CONSENT=pl.when(refused).then(pl.lit("N")).otherwise(pl.lit("Y"))
    )
    clients = episode.filter(CONSENT="N").select("AGNCY", "CLIENTID")
    kept = (pl.col("CONSENT") == "Y") | pl.struct("AGNCY", "CLIENTID").is_first_distinct()
    episode = episode.filter(kept).with_columns(
        pl.when(pl.col("CONSENT") == "Y").then(pl.col(name)).alias(name)
        for name in episode.columns
        if name not in bare
    )
    return {"episode": episode} | {
        name: child.join(clients, on=["AGNCY", "CLIENTID"], how="anti", maintain_order="left")
        for name, child in children.items()
    }


def treatment_tables(
    population: Population, episodes: Episodes, streams: Streams, rates: ErrorRates,
    filled: Filled, copying: Copying,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return treatment's tables, each with the person behind the row."""
    draw = streams.within("treatment tables")
    using = np.array(DRUGS, dtype=object)[population.drug[episodes.person]]
    course = _courses(population, episodes, using, draw)
    agency, client = _clients(episodes, rates, draw)
    numbers = draw("client ids").permutation(int(client.max()) + 1)[client]
    keys = {
        "AGNCY": agency,
        "CLIENTID": numbered("C", numbers, 6),
        "EPISODID": references("E", episodes.day),
    }
    drugs = substances(using, draw)
    size = len(using)
    injects = weighted(draw("injects"), {"P": 0.35, "C": 0.18, "N": 0.42, "Z": 0.05}, size)
    accommodation = weighted(draw("accommodation"), {"1": 0.12, "2": 0.19, "3": 0.69}, size)
    identity = _identity_columns(
        population, episodes, client, streams, draw, rates, filled, copying
    )
    injects = np.where(using == "opiate", injects, "N").astype(object)
    episode = pl.DataFrame(
        {
            **{name: text_column(values) for name, values in keys.items()},
            "CONSENT": pl.repeat("Y", size, eager=True),
            **identity.to_dict(),
            "REFLD": day_column(episodes.day),
            "TRIAGED": day_column(course.triaged),
            "CPLANDT": day_column(course.planned),
            "DISD": day_column(course.discharged),
            "DISRSN": text_column(course.reason),
            "RFLS": text_column(episodes.route),
            **{f"DRUG{n}": text_column(values) for n, values in enumerate(drugs, 1)},
            "ACCMNEED": text_column(accommodation),
            "INJSTAT": text_column(injects),
            **_circumstances(injects, using, identity, draw),
            "person": episodes.person,
        }
    )
    children = {
        "intervention": _interventions(population, episodes, course, using, keys, draw),
        "outcomes_profile": outcomes_profiles(
            episodes.person, course.triaged, course.discharged, using, injects, keys,
            population.as_at, draw,
        ),
    }  # fmt: skip
    refused = draw("consent").random(int(client.max()) + 1)[client] < REFUSED_CONSENT
    return _without_consent(episode, children, pl.Series(refused))
