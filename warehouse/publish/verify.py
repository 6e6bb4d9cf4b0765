"""Checking a publication anywhere: its files, its approvals and what its counts rest on.

Neither a key nor a solver is needed. With the confidential certificates, which only the partnership
has, the proof that nothing masked can be told is checked as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from governance.disclosure.certificate import fingerprint
from governance.disclosure.checker import Checked, check
from governance.disclosure.officers import officer_key
from governance.disclosure.release import Release
from governance.disclosure.timeline import check_relation
from schemas.errors import JourneysError
from warehouse.publish.assemble import SURVIVALS, tables_of
from warehouse.publish.columns import described
from warehouse.publish.folder import APPROVERS, PUBLICATION_FILE, digest_of, found_in
from warehouse.publish.machine import NAME as PACK_JSON
from warehouse.publish.machine import rows
from warehouse.publish.release_file import ON_ITS_OWN, RELEASE_FILE, Releases, read_releases

READERS: Mapping[int, Callable[[Sequence[Release]], dict[str, pl.DataFrame]]] = {
    made: partial(tables_of, made=made) for made in SURVIVALS
}
"""Format of the tables of counts → how they are read off releases. None is ever taken away."""
UNCHANGED = "Ask the partnership for the publication again, whole and unchanged."


class NotVerified(JourneysError):
    """A publication that is not as it was approved, or does not bear out what it says."""


@dataclass(frozen=True)
class Verified:
    """What was checked of a publication.

    Attributes:
        publication_id: Its id.
        title: What it is called.
        published_at: When it was published, in ISO format.
        digest: What its officers approved.
        officers: Who approved it.
        files: How many files it has, each as it was approved.
        tables: How many of its tables were read off its releases again, and were the same.
        values: How many published values its releases have, each one the gate could have made.
        releases: Ids of all releases that it rests on, its own last.
        proofs: Id of a release of its own → what its certificate was found to show.
    """

    publication_id: str
    title: str
    published_at: str
    digest: str
    officers: tuple[str, ...]
    files: int
    tables: int
    values: int
    releases: tuple[str, ...]
    proofs: Mapping[str, Checked]


def verify(folder: Path, certificates: Sequence[bytes] = ()) -> Verified:
    """Check a publication.

    Args:
        folder: The publication.
        certificates: Certificates of releases of its own, as the gate wrote them.

    Raises:
        NotVerified: A file is not as approved, too few people approved it, or a certificate is not
            of this publication.
        DisclosureError: A published value could not have come from the gate, periods share days, or
            a certificate does not show its release to be safe.
    """
    record = _record(folder)
    officers = _officers(record)
    told = read_releases(folder)
    _check_periods(told)
    _check_beside(told)
    tables = _check_tables(folder, record, told)
    return Verified(
        publication_id=str(record["publication_id"]),
        title=str(record["title"]),
        published_at=str(record["published_at"]),
        digest=str(record["digest"]),
        officers=officers,
        files=len(record["files"]),
        values=sum(len(one.shown) for release in told.releases for one in release.populations),
        tables=tables,
        releases=tuple(release.release_id for release in told.releases),
        proofs=_proofs(told, certificates),
    )


def _record(folder: Path) -> Mapping[str, Any]:
    """The publication's record, once each of its files has been found to be as it says."""
    record: dict[str, Any] = {}
    try:
        record = json.loads((folder / PUBLICATION_FILE).read_text("utf-8"))
        found = found_in(folder)
        del found[PUBLICATION_FILE]
        named = set(record["files"])
        odd = sorted(found.keys() ^ named) + sorted(
            name for name in found.keys() & named if found[name] != record["files"][name]
        )
        sound = digest_of(record) == record["digest"] and RELEASE_FILE in found
        for name in ("publication_id", "published_at", "title"):
            sound = sound and isinstance(record[name], str)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotVerified(
            "There is no publication in that folder, or its record cannot be read.",
            "Name the folder that holds publication.json. " + UNCHANGED,
        ) from None
    if odd:
        raise NotVerified(
            f"{len(odd)} file(s) are not those that were approved: {', '.join(odd[:5])}.", UNCHANGED
        )
    if not sound:
        raise NotVerified("The record of the publication was changed.", UNCHANGED)
    return record


def _officers(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Who approved the publication, if they were enough."""
    try:
        officers = tuple(str(one["officer"]) for one in record["approvals"])
    except (KeyError, TypeError):
        officers = ()
    if len({officer_key(name) for name in officers}) < APPROVERS:
        raise NotVerified(
            f"The publication does not name {APPROVERS} different people who approved it.",
            UNCHANGED,
        )
    return officers


def _check_periods(told: Releases) -> None:
    """Raise DisclosureError unless the periods of each population relate as it declares.

    A window may have been published later than one that comes after it, so they are put in order.
    """
    shown: dict[tuple[str, str], list[Any]] = {}
    for release in told.releases:
        for one in release.populations:
            key = (one.population.name, one.population.relation)
            shown.setdefault(key, []).append(one.period)
    for (name, relation), periods in shown.items():
        check_relation(name, relation, sorted(periods, key=lambda period: period.first))


def _check_beside(told: Releases) -> None:
    """Raise NotVerified unless its own releases were made beside all that were public before."""
    digests = [release.digest for release in told.releases]
    for release in told.new:
        if not set(digests[: digests.index(release.digest)]) <= set(release.earlier):
            raise NotVerified(
                "The publication was made without regard to some of what was public before it.",
                "Withdraw it, and publish anew.",
            )


def _check_tables(folder: Path, record: Mapping[str, Any], told: Releases) -> int:
    """How many tables were the same, read off the releases again.

    Raises:
        NotVerified: One was not.
    """
    if told.tables not in READERS:
        raise NotVerified(
            "The publication was made by a later version of this software.",
            "Check it with that version, or a later one.",
        )
    shown = [one for one in told.releases if one.digest in told.shown]
    again = {
        **READERS[told.tables](shown),
        **{
            name: table
            for release in told.new
            for one in release.populations
            if one.population.name.startswith(ON_ITS_OWN)
            for name, table in one.tables().items()
        },
    }
    there = [name for name in again if f"{name}.csv" in record["files"]]
    for name in there:
        if (folder / f"{name}.csv").read_bytes() != again[name].write_csv().encode():
            raise NotVerified(
                f"The table {name} is not what the certified releases show.", UNCHANGED
            )
    if PACK_JSON in record["files"]:
        _check_pack_json(folder, again)
    return len(there)


def _check_pack_json(folder: Path, again: Mapping[str, pl.DataFrame]) -> None:
    """Raise NotVerified unless the tables of counts in pack.json are those of the releases."""
    try:
        tables = json.loads((folder / PACK_JSON).read_text("utf-8"))["tables"]
        same = all(
            tables[table.name]["rows"] == rows(again[table.name], table)
            for table in described()
            if table.name in again
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        same = False
    if not same:
        raise NotVerified(
            f"A table in {PACK_JSON} is not what the certified releases show.", UNCHANGED
        )


def _proofs(told: Releases, certificates: Sequence[bytes]) -> dict[str, Checked]:
    """What certificates show of the publication's own releases."""
    own = {release.certificate: release for release in told.new}
    proofs = {}
    for certificate in certificates:
        release = own.get(fingerprint(certificate))
        if release is None:
            raise NotVerified(
                "A certificate is of no release of this publication.",
                "Give the certificates that the partnership keeps for it.",
            )
        proofs[release.release_id] = check(release, told.before(release), certificate)
    return proofs
