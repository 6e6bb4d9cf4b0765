"""From a seed to the four partners' files and the truth behind them.

adults → arrests → sentences → treatment → households and housing → broken rows → files
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from schemas.errors import ConfigError
from schemas.mapping import SystemMapping
from schemas.tables import TABLES
from synthetic.broken_rows import Tables, break_rows
from synthetic.extras import extra_tables
from synthetic.households import make_households
from synthetic.housing import housing_tables, make_applications
from synthetic.layouts import sent, write_as_supplied
from synthetic.police import Arrests, make_arrests, police_tables
from synthetic.population import DRUGS, PARTNERS, Population, make_population
from synthetic.probation import make_sentences, probation_tables
from synthetic.rates import Copying, ErrorRates, Families, Filled, Pairs
from synthetic.streams import Streams
from synthetic.surroundings import write_surroundings
from synthetic.treatment import make_episodes, treatment_tables

FEWEST_PEOPLE = 50
MOST_PEOPLE = 1_600_000
# The tables whose rows name a person in every extract, and the parts of their record key.
NAMES_A_PERSON = {
    ("police", "custody"): ("custody_ref",),
    ("probation", "sentence"): ("sentence_ref",),
    ("treatment", "episode"): ("AGNCY", "CLIENTID", "EPISODID"),
    ("housing", "person"): ("person_ref",),
}
# And those of extracts that few partners send.
EXTRAS_NAME_A_PERSON = {
    ("police", "intensive_programme"): ("programme_ref",),
    ("police", "suspected_drug_death"): ("death_ref",),
    ("treatment", "secure_treatment"): ("SECURE_REF",),
    ("treatment", "cj_assessment"): ("CJ_ASSESSMENT_REF",),
    ("treatment", "prison_referral"): ("PRISON_REFERRAL_REF",),
    ("housing", "rough_sleeping"): ("sighting_ref",),
}
# Columns that only a local case-management export of treatment has; NDTMS has no names.
LOCAL_ONLY = ("FORENAME", "SURNAME", "NHSNO", "POSTCODE")
SHAPES = ("local", "ndtms")


@dataclass(frozen=True)
class Summary:
    """What was written: rows by `partner/table`."""

    tables: dict[str, int]


@dataclass(frozen=True)
class World:
    """A population and what each partner recorded of it, each row with the person behind it."""

    population: Population
    tables: Tables


def _arrest_referrals(arrests: Arrests, tests: pl.DataFrame) -> tuple:
    """Return who could be referred from custody, and when: those who tested positive."""
    positive = tests.filter(pl.col("result").str.starts_with("POS"))
    day = positive["test_date"].str.to_date().to_physical().to_numpy()
    return positive["person"].to_numpy(), day


def _check_asked(people: int, seed: int, shape: str) -> None:
    """Refuse what no world can be made of."""
    if shape not in SHAPES:
        raise ConfigError(
            "There is no treatment extract of that shape.", f"Use {' or '.join(SHAPES)}."
        )
    if not FEWEST_PEOPLE <= people <= MOST_PEOPLE:
        raise ConfigError(
            f"A population of {people} cannot be made.",
            f"Ask for {FEWEST_PEOPLE} to {MOST_PEOPLE:,} people.",
        )
    if seed < 0:
        raise ConfigError("A seed cannot be negative.", "Give a whole number from 0.")


def make_world(
    people: int,
    seed: int,
    as_at: date,
    rates: ErrorRates | None = None,
    filled: Filled | None = None,
    copying: Copying | None = None,
    *,
    extras: bool = False,
    shape: str = "local",
) -> World:
    """Make the people and what the partners recorded of them.

    Args:
        people: How many adults are known to any partner; children of households come on top.
        seed: The same seed gives the same world.
        as_at: The day the extracts are drawn; nothing is recorded after it.
        rates: Chances of each mistake; the project's own if not given.
        filled: How often strong identifiers are written down.
        copying: How often partners write a person down afresh.
        extras: Whether to make the extracts too that name people and that few partners send.
        shape: Of the treatment extract: `local`, with names, or `ndtms`, with initials only.

    Raises:
        ConfigError: if the number of people is too small or too large, or there is no such shape.
    """
    _check_asked(people, seed, shape)
    rates, filled, copying = rates or ErrorRates(), filled or Filled(), copying or Copying()
    streams = Streams(seed)
    population = make_population(people, streams, as_at, rates, Pairs())
    habits = (streams, rates, filled, copying)
    arrests = make_arrests(population, streams)
    police = police_tables(population, arrests, *habits)
    sentences = make_sentences(population, arrests, streams)
    probation, ordered, released = probation_tables(population, sentences, *habits)
    occasions = {
        "5": _arrest_referrals(arrests, police["drug_test"]),
        "6": (ordered.person, ordered.day),
        "13": (released.person, released.day),
    }
    episodes = make_episodes(population, occasions, streams)
    treatment = treatment_tables(population, episodes, *habits)
    families = Families()
    applications = make_applications(population, families, streams)
    population, members = make_households(population, applications, families, streams)
    housing = housing_tables(population, applications, members, *habits)
    tables = {
        "police": police,
        "probation": probation,
        "treatment": treatment,
        "housing": housing,
    }
    more = extra_tables(population, tables, streams, rates) if extras else {}
    laid_out = {
        partner: _laid_out(partner, {**frames, **more.get(partner, {})}, shape)
        for partner, frames in tables.items()
    }
    return World(population, break_rows(laid_out, streams, rates))


def _laid_out(partner: str, frames: dict[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """Return a partner's tables in the order of the contract, treatment in its shape."""
    laid_out = {}
    for table in TABLES[partner]:
        if table.name in frames:
            present = {name.lower(): name for name in frames[table.name].columns}
            columns = [present[name] for name in table.columns]
            if shape == "ndtms":
                columns = [name for name in columns if name not in LOCAL_ONLY]
            laid_out[table.name] = frames[table.name].select(*columns, "person")
    return laid_out


def truth_records(tables: Tables) -> pl.DataFrame:
    """Return partner, table, record_key and person for every row that names someone."""
    return pl.concat(
        tables[partner][table].select(
            partner=pl.lit(partner),
            table=pl.lit(table),
            record_key=pl.concat_str([pl.col(part).fill_null("") for part in key], separator="|"),
            person=pl.col("person"),
        )
        for (partner, table), key in {**NAMES_A_PERSON, **EXTRAS_NAME_A_PERSON}.items()
        if table in tables[partner]
    )


def truth_people(population: Population) -> pl.DataFrame:
    """Return the people as they truly are, and which partners know them."""
    days = pl.Series(population.birth).cast(pl.Int32).cast(pl.Date)
    return pl.DataFrame(
        {
            "person": range(population.size),
            "forename": population.forename,
            "surname": population.surname,
            "dob": days,
            "sex": population.sex,
            "ethnicity": population.ethnicity,
            "substance": [DRUGS[position] for position in population.drug],
            **{
                f"known_to_{partner}": population.known[:, column]
                for column, partner in enumerate(PARTNERS)
            },
        }
    )


def write_extracts(
    people: int,
    seed: int,
    out: Path,
    as_at: date = date(2026, 6, 30),
    *,
    extras: bool = False,
    shape: str = "local",
    layouts: Mapping[str, SystemMapping] | None = None,
    codes: Path | None = None,
) -> Summary:
    """Write each partner's files to `inbox/<partner>/`, `truth/record.csv` and `truth/person.csv`.

    Beside them come invented population figures and estimates of dependence.

    A partner without a layout sends `<table>.csv` in our own. Each file is written beside and
    renamed, so a reader never meets half of one.

    Args:
        people: How many adults any of the partners knows; children of their households are more.
        seed: The same seed, size, day and layouts give the same bytes.
        out: The folder to write into; existing extracts are replaced.
        as_at: The day the extracts are drawn.
        extras: Whether to make the extracts too that name people and that few partners send.
        shape: Of the treatment extract: `local`, with names, or `ndtms`, with initials only.
        layouts: The system as which a partner's files are written, by partner.
        codes: The partnership's own code lists, whose labels some systems write.

    Raises:
        ConfigError: if the number of people, the seed, the shape or a layout cannot be used.
    """
    layouts = layouts or {}
    if "treatment" in layouts and shape != SHAPES[0]:
        raise ConfigError(
            "The layout of the treatment extract says already whether it has names.",
            "Give either a shape or a layout for treatment.",
        )
    world = make_world(people, seed, as_at, extras=extras, shape=shape)
    tables = {
        partner: sent(frames, layouts[partner]) if partner in layouts else frames
        for partner, frames in world.tables.items()
    }
    for partner, frames in tables.items():
        folder = out / "inbox" / partner
        frames = {name: _in_order(partner, name, frame) for name, frame in frames.items()}
        if partner in layouts:
            streams = Streams(seed).within(f"layout {partner}")
            write_as_supplied(frames, layouts[partner], folder, as_at, streams, codes)
            frames = {}
        for name, frame in frames.items():
            _write(frame.drop("person"), folder / f"{name}.csv")
        _remove_others(partner, set(frames), folder)
    _write(truth_records(tables), out / "truth" / "record.csv")
    _write(truth_people(world.population), out / "truth" / "person.csv")
    write_surroundings(world.population, out, as_at)
    return Summary(
        {
            f"{p}/{name}": frame.height
            for p, frames in tables.items()
            for name, frame in frames.items()
        }
    )


def _in_order(partner: str, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort a table by its own reference, as a register would be."""
    (key,) = (table.key[-1] for table in TABLES[partner] if table.name == name)
    return frame.sort([column for column in frame.columns if column.lower() == key])


def _remove_others(partner: str, written: set[str], folder: Path) -> None:
    """Remove what an earlier extract in our own layout left: it is of other people."""
    for table in TABLES[partner]:
        if table.name not in written:
            (folder / f"{table.name}.csv").unlink(missing_ok=True)


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".csv.part")
    frame.write_csv(beside)
    beside.replace(path)
