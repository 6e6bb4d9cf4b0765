"""From a partner's files to encodings and events: the same at the hub and at the source.

At the hub `find_each` and `encode_each` are called in a child process (`flows.intake.apart`): they
are all of the pipeline that holds identifiable data. What they give back holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flows.intake.reading import Facts, Read, Terms, facts_of, read_extract
from flows.safe_errors import guarded
from flows.sources.inbox import Arrived, find_extract
from schemas.errors import JourneysError

if TYPE_CHECKING:
    import polars as pl

    from flows.settings import Settings
    from flows.sources.naming import Naming
    from governance.keys.root import PurposeKey
    from governance.pseudonymise import Pseudonymised
    from schemas.mapping import SystemMapping

Made = TypeVar("Made")


@dataclass(frozen=True)
class Request:
    """Where a partner's extract is to be looked for, and how its files are told apart."""

    partner: str
    inbox: Path
    tables: tuple[str, ...]
    mapping: SystemMapping
    increments: Naming | None = None


def request_of(settings: Settings, partner: str) -> Request:
    """Where a partner's extract is to be looked for, as partnership.yaml says it.

    Raises:
        ConfigError: Its system's mapping cannot be used.
    """
    from flows.sources.naming import Naming
    from schemas.mapping import load_mapping
    from schemas.tables import TABLES

    part = settings.partner(partner)
    mapping = load_mapping(partner, part.system, settings.mappings, settings.codes)
    increments = part.delivery == "increment"
    return Request(
        partner,
        part.inbox,
        tuple(table.name for table in TABLES[partner]),
        mapping,
        Naming(partner, mapping, part.files) if increments else None,
    )


@dataclass(frozen=True)
class Job:
    """One extract to be read and encoded, and with what.

    `older` are keys of epochs that nothing is encoded in any more, but that suppression tokens
    still stand on.
    """

    arrived: Arrived
    terms: Terms
    keys: Mapping[int, PurposeKey] = field(repr=False)
    older: Mapping[int, PurposeKey] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Encoded:
    """An extract without identifiers.

    Args:
        parts: In each key epoch, encodings on one side and events on the other; only record ids
            join them. The records stand in the same order in every epoch.
        facts: What is told of it.
        marks: In each of those epochs, and in older ones that suppression tokens stand on, the
            marks of the records, in the same order.
    """

    parts: Mapping[int, Pseudonymised] = field(repr=False)
    facts: Facts
    marks: Mapping[int, pl.DataFrame] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What became of one extract: encoded, or what is wrong with it.

    `quarantine` lists the rows that could not be used, by `row, table, column, rule`. It is there
    where the extract is refused too: the partner needs it to put the extract right.
    """

    encoded: Encoded | None = None
    quarantine: pl.DataFrame | None = field(default=None, repr=False)
    problem: JourneysError | None = None


def find_each(requests: Iterable[Request]) -> dict[str, Arrived | JourneysError | None]:
    """Look for every partner's extract: what is there, None, or what is wrong with it."""
    return {one.partner: _find_one(one) for one in requests}


def encode_each(jobs: Iterable[Job]) -> dict[str, Outcome]:
    """Read, check and encode every extract; a fault in one does not hide one in another."""
    return {job.arrived.partner: _encode_one(job) for job in jobs}


def encoded_of(
    read: Read,
    terms: Terms,
    keys: Mapping[int, PurposeKey],
    older: Mapping[int, PurposeKey] | None = None,
) -> Encoded:
    """Part the identities of an extract from its events, in every epoch.

    Args:
        read: The extract.
        terms: On what terms it was read.
        keys: The key of each epoch to encode in.
        older: Keys of older epochs, in which the records are marked only.

    Raises:
        ExtractRejected: The policy refuses the extract, or its records cannot be told apart.
    """
    from governance.pseudonymise import in_keyed_order, keyed_order, pseudonymise
    from governance.rights.marks import marks_of

    validated = read.examined.usable()
    parts = {epoch: pseudonymise(validated, terms.agreement, key) for epoch, key in keys.items()}
    order = keyed_order(parts)
    marks = {
        epoch: marks_of(validated.frames, terms.agreement, key)[order]
        for epoch, key in {**(older or {}), **keys}.items()
    }
    return Encoded(in_keyed_order(parts), facts_of(read, terms.as_at), marks)


def _find_one(asked: Request) -> Arrived | JourneysError | None:
    return _or_problem(
        "pull",
        lambda: find_extract(
            asked.partner, asked.inbox, asked.tables, asked.mapping, asked.increments
        ),
    )


def _encode_one(job: Job) -> Outcome:
    read = _or_problem("encode", lambda: read_extract(job.arrived, job.terms))
    if isinstance(read, JourneysError):
        return Outcome(problem=read)
    listed = read.examined.validated.quarantine.select("row", "table", "column", "rule")
    encoded = _or_problem("encode", lambda: encoded_of(read, job.terms, job.keys, job.older))
    if isinstance(encoded, JourneysError):
        return Outcome(quarantine=listed, problem=encoded)
    return Outcome(encoded, listed)


def _or_problem(step: str, make: Callable[[], Made]) -> Made | JourneysError:
    """What was made, or what went wrong, without a value in it."""
    try:
        return guarded(step, make)
    except JourneysError as error:
        return error.with_traceback(None)
