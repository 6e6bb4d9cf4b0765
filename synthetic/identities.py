"""How one partner wrote each person down: an identity as held, with its own mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.histories import iso_dates, kept
from synthetic.mistakes import edit, misspell, shorten_double, wrong_digit
from synthetic.names import nicknames
from synthetic.population import ADULT, YEAR, Population
from synthetic.rates import ErrorRates
from synthetic.streams import Streams

DUMMY_DATES = ("1900-01-01", "1970-01-01")
DEBRIS = ("MIG_ERROR_", "NO_SHOW_", "DUPLICATE_")
STRONG_IDS = ("pnc_id", "cro_number", "noms_number", "nino", "nhs_number")


@dataclass(frozen=True)
class Recorder:
    """One partner's habits: its name, the strong ids it writes down, capitals or not.

    Where a date of birth is required, whoever does not know it enters a dummy. People have more
    reason to lie to some partners than to others.
    """

    partner: str
    filled: dict[str, float]
    capitals: bool = False
    requires_dob: bool = False
    lied_to: float = 1.0


def first_of_each(values: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Return a running number that grows where a sorted value changes or `again` is true."""
    new = np.ones(len(values), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | again[1:]
    return np.cumsum(new) - 1


def starts(version: np.ndarray) -> np.ndarray:
    """Return the first row of each version."""
    return np.unique(version, return_index=True)[1]


def _iso(days: np.ndarray) -> np.ndarray:
    return np.array(iso_dates(days).to_list(), dtype=object)


def _is_false(
    population: Population, person: np.ndarray, recorder: Recorder, draw: Streams, rates: ErrorRates
) -> np.ndarray:
    """Return where an adult gave a wholly false identity; the same for names and date."""
    lied = draw("false identity").random(len(person)) < rates.false_identity * recorder.lied_to
    return lied & (person < population.adults)


def _care(size: int, purpose: str, draw: Streams, rates: ErrorRates) -> np.ndarray:
    """Return by how much to multiply the chance of each slip, 1 on average.

    Mistakes come together: a few identities are taken down in haste or from someone incapable.
    """
    careless = draw(f"care over {purpose}").random(size) < rates.careless
    others = (1 - rates.careless * rates.careless_times) / (1 - rates.careless)
    return np.where(careless, rates.careless_times, others)


def _surnames(
    population: Population,
    person: np.ndarray,
    on: np.ndarray,
    recorder: Recorder,
    draw: Streams,
    rates: ErrorRates,
) -> np.ndarray:
    changed = on >= population.surname_changed[person]
    surname = np.where(changed, population.new_surname[person], population.surname[person])
    care = _care(len(person), "identity", draw, rates)
    rng = draw("surname")
    alias = rng.random(len(person)) < rates.surname_alias * care
    alias |= _is_false(population, person, recorder, draw, rates)
    surname = np.where(alias, population.other_surname[person], surname)
    shortened = rng.random(len(person)) < rates.double_barrelled_shortened
    surname = edit(draw("double-barrelled"), surname, shortened, shorten_double)
    wrong = rng.random(len(person)) < rates.surname_misspelt * care
    return edit(draw("surname misspelt"), surname, wrong, misspell)


def _forenames(
    population: Population,
    person: np.ndarray,
    recorder: Recorder,
    draw: Streams,
    rates: ErrorRates,
) -> np.ndarray:
    care = _care(len(person), "identity", draw, rates)
    rng = draw("forename")
    alias = rng.random(len(person)) < rates.forename_alias * care
    alias |= _is_false(population, person, recorder, draw, rates)
    forename = np.where(alias, population.other_forename[person], population.forename[person])
    short = nicknames()

    def shorten(name: str, which: float) -> str:
        choices = short.get(name, (name,))
        return choices[int(which * len(choices))]

    # Only some names have a short form, and only bearers of those can go by it.
    forename = edit(draw("nickname"), forename, rng.random(len(person)) < rates.nickname, shorten)
    wrong = rng.random(len(person)) < rates.forename_misspelt * care
    return edit(draw("forename misspelt"), forename, wrong, misspell)


def _spoil_names(
    forename: np.ndarray, surname: np.ndarray, draw: Streams, rates: ErrorRates
) -> tuple[np.ndarray, np.ndarray]:
    """Exchange, lose or litter a few names."""
    rng = draw("spoilt names")
    swapped, debris, missing = (rng.random(len(forename)) for _ in range(3))
    which = rng.integers(len(DEBRIS), size=len(forename))
    care = _care(len(forename), "identity", draw, rates)
    swap = swapped < rates.names_swapped * care
    forename, surname = np.where(swap, surname, forename), np.where(swap, forename, surname)
    littered = debris < rates.name_debris * 0.7
    surname = np.where(littered, np.array(DEBRIS, dtype=object)[which] + surname, surname)
    surname = np.where(debris > 1 - rates.name_debris * 0.3, "NOT ENTERED", surname)
    forename = kept(missing >= rates.name_missing / 2, forename)
    surname = kept(missing <= 1 - rates.name_missing / 2, surname)
    return forename, surname


def _exchange_day_and_month(text: str) -> str:
    year, month, day = text.split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 else text


def _slip_year(text: str, how: float) -> str:
    slips = (-1, 1, -1, 1, -10, 10, -2, 2)
    year = max(1930, int(text[:4]) + slips[int(how * len(slips))])
    day = "28" if text[5:] == "02-29" else text[8:]
    return f"{year}{text[4:8]}{day}"


def _wrong_day(text: str, where: float, how: float) -> str:
    """Mistype the day or month into another that exists."""
    year, month, day = text.split("-")
    if where < 0.7:
        return f"{year}-{month}-{1 + (int(day) + int(how * 27)) % 28:02d}"
    return f"{year}-{1 + (int(month) + int(how * 11)) % 12:02d}-{min(int(day), 28):02d}"


def _births(
    population: Population,
    person: np.ndarray,
    on: np.ndarray,
    recorder: Recorder,
    draw: Streams,
    rates: ErrorRates,
) -> np.ndarray:
    care = _care(len(person), "identity", draw, rates)
    rng = draw("dob")
    latest = population.as_at - int(ADULT * YEAR) - 1
    exchanged, slipped, digit, lost = (rng.random(len(person)) for _ in range(4))
    invented = population.birth[person] + draw("invented").integers(-1_500, 1_500, len(person))
    false = _is_false(population, person, recorder, draw, rates)
    dob = _iso(np.where(false, np.minimum(invented, latest), population.birth[person]))
    # Two days in five can be read as a month, so the chance is raised to meet the named rate.
    at = exchanged < rates.day_month_exchanged * care / 0.37
    dob = edit(draw("day and month"), dob, at, _exchange_day_and_month)
    dob = edit(draw("birth year"), dob, slipped < rates.birth_year_slip * care, _slip_year)
    at = digit < rates.dob_digit_typed_wrong * care
    dob = edit(draw("birth digit"), dob, at, _wrong_day)
    # No system takes a birth after the day it is told of.
    dob = np.where(dob >= _iso(on), _iso(population.birth[person]), dob)
    dummy = np.array(DUMMY_DATES, dtype=object)[rng.integers(2, size=len(person))]
    dob = np.where(lost < rates.dob_dummy * care, dummy, dob)
    known = lost <= 1 - rates.dob_missing * care
    return np.where(known, dob, dummy) if recorder.requires_dob else kept(known, dob)


def _sexes(
    population: Population, person: np.ndarray, draw: Streams, rates: ErrorRates
) -> np.ndarray:
    rng = draw("sex")
    sex = population.sex[person]
    wrong = rng.random(len(person)) < rates.sex_wrong
    sex = np.where(wrong, np.where(sex == "M", "F", "M"), sex)
    return np.where(rng.random(len(person)) < rates.sex_missing, "N", sex)


def _ethnicities(
    population: Population, person: np.ndarray, draw: Streams, rates: ErrorRates
) -> np.ndarray:
    rng = draw("ethnicity")
    broad = {"W": "W9", "M": "M9", "A": "A9", "B": "B9", "O": "O9"}
    ethnicity = population.ethnicity[person]
    vague = np.array([broad[code[0]] for code in ethnicity], dtype=object)
    ethnicity = np.where(rng.random(len(person)) < rates.ethnicity_different, vague, ethnicity)
    return np.where(rng.random(len(person)) < rates.ethnicity_missing, "NS", ethnicity)


def _strong(
    population: Population,
    person: np.ndarray,
    field: str,
    share: float,
    draw: Streams,
    rates: ErrorRates,
) -> np.ndarray:
    """Write a strong identifier down for a share, a few mistyped, a few another person's."""
    rng = draw(field)
    held = getattr(population, field)
    afresh, mistyped, another = (rng.random(len(person)) for _ in range(3))
    # Some people's identity is never confirmed, however often they come back.
    habitual = draw(f"{field} habit").random(population.size)[person]
    by_habit = draw(f"{field} by habit").random(len(person)) < rates.identifier_by_habit
    written = np.where(by_habit, habitual, afresh)
    owner = np.where(another < rates.identifier_of_another, rng.permutation(person), person)
    value = kept(written < share, held[owner])
    wrong = mistyped < rates.identifier_mistyped * _care(len(person), "identity", draw, rates)
    return edit(draw(f"{field} mistyped"), value, wrong, _mistype_serial)


def _mistype_serial(text: str, where: float, how: float) -> str:
    """Mistype one digit after the year, so that a check character always tells."""
    head, slash, tail = text.partition("/")
    if slash and not head.isdigit():
        return head + slash + wrong_digit(tail, where, how)
    if slash and len(head) == 4:
        return head + slash + wrong_digit(tail, where, how)
    return wrong_digit(head, where, how) + slash + tail


def record_identities(
    population: Population,
    person: np.ndarray,
    on: np.ndarray,
    recorder: Recorder,
    streams: Streams,
    rates: ErrorRates,
) -> pl.DataFrame:
    """Write people down as one partner does, once per element of `person`.

    Args:
        population: The people.
        person: Whom each identity is of.
        on: The day it was taken down.
        recorder: The partner's habits.
        streams: Random numbers by purpose.
        rates: Chances of each mistake.

    Returns:
        forename, surname, dob, sex (M, F, N), ethnicity (18+1) and the strong identifiers.
    """
    draw = streams.within(recorder.partner)
    forename, surname = _spoil_names(
        _forenames(population, person, recorder, draw, rates),
        _surnames(population, person, on, recorder, draw, rates),
        draw,
        rates,
    )
    columns = {
        "forename": forename,
        "surname": surname,
        "dob": _births(population, person, on, recorder, draw, rates),
        "sex": _sexes(population, person, draw, rates),
        "ethnicity": _ethnicities(population, person, draw, rates),
    }
    for field, share in recorder.filled.items():
        columns[field] = _strong(population, person, field, share, draw, rates)
    frame = pl.DataFrame(
        {name: pl.Series(values.tolist(), dtype=pl.String) for name, values in columns.items()}
    )
    if recorder.capitals:
        frame = frame.with_columns(pl.col("forename", "surname").str.to_uppercase())
    return frame


def record_addresses(
    population: Population,
    person: np.ndarray,
    on: np.ndarray,
    partner: str,
    streams: Streams,
    rates: ErrorRates,
) -> np.ndarray:
    """Return the postcode a partner wrote down for each person: right, stale, mistyped or none."""
    draw = streams.within(partner)
    care = _care(len(person), "address", draw, rates)
    rng = draw("address")
    spell = (population.moved_in[person] <= on[:, None]).sum(axis=1) - 1
    stale, mistyped, missing = (rng.random(len(person)) for _ in range(3))
    spell = np.where(stale < rates.address_stale, np.maximum(spell - 1, 0), spell)
    postcode = population.postcodes[population.address[person, spell]]
    wrong = mistyped < rates.postcode_mistyped * care
    postcode = edit(draw("postcode mistyped"), postcode, wrong, wrong_digit)
    return kept(missing >= rates.postcode_missing * care, postcode)
