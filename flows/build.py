"""The warehouse release that analysts read, built from this run's stores."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.agreements.terms import tells_days
from flows.carried import carry_release
from flows.context import RunContext
from flows.files import private_folder, write_json
from flows.keys.rings import clock_key, new_release_key, release_key, store_keys
from flows.link import People
from flows.releases.as_committed import FINGERPRINTS, changed
from flows.releases.kept import open_of, release_path
from flows.settings import Settings
from governance.agreements import Agreement
from governance.control import ReleaseFile, Run
from schemas.errors import KeyProblem, StoreError

if TYPE_CHECKING:
    import polars as pl

    from warehouse.given import Given
    from warehouse.takeover import Earlier


@dataclass(frozen=True)
class Release:
    """A warehouse that was built, checked and renamed into its place, or was carried over.

    `files` are what the files of one that was carried over are known by.
    """

    people: People
    tables: dict[str, int]
    checks: int
    taken: int
    files: tuple[ReleaseFile, ...] = ()


def build(run: RunContext, people: People) -> Release:
    """Build this run's warehouse from the staging store and the registry of persons.

    Where nothing is new, the current run's release is carried over. It holds nothing of a partner
    without an agreement in force.

    Raises:
        StoreError: If a store cannot be read or a check of the warehouse fails.
    """
    if isinstance(people.found, Run):
        return _as_before(run, people, people.found)
    from warehouse.release import build_release
    from warehouse.restrict import EVERYTHING, Restriction

    agreed, linked = people.staged.agreed, people.found
    private_folder(run.settings.releases)
    private_folder(run.release.parent)
    key = new_release_key(run.settings, run.run_id)
    summary = build_release(
        run.stores / "staging.duckdb",
        store_keys(run.settings, run.run_id)["staging"],
        linked.record_person,
        run.release,
        key,
        run_id=run.run_id,
        built_at=run.clock(),
        linkage_quality=linked.appraisal.estimates,
        linked_otherwise=linked.appraisal.linked_otherwise,
        person_history=linked.history,
        given=given_of(run.settings, agreed.agreements.values()),
        restriction=Restriction(partners=frozenset(agreed.agreements))
        if agreed.stopped
        else EVERYTHING,
        earlier=None if agreed.stopped else _earlier(run),
    )
    _build_parts(run, agreed.agreements.values(), linked.record_person, key)
    if not agreed.stopped:
        # The next release takes marts over from one that is of every partner only.
        write_json(run.release.parent / FINGERPRINTS, dict(summary.fingerprints))
    return Release(people, dict(summary.tables), summary.checks, summary.taken)


def _as_before(run: RunContext, people: People, stands: Run) -> Release:
    """The release of the current run, carried over."""
    files = carry_release(run, stands)
    tables: dict[str, int] = (stands.report or {})["release"]["tables"]
    return Release(people, tables, checks=0, taken=len(tables), files=files)


def _build_parts(
    run: RunContext, agreements: Collection[Agreement], record_person: pl.DataFrame, key: str
) -> None:
    """Build the part of the release for each use that the agreements name.

    A view over the whole would still tell what was derived from other tables. So each part is built
    by the same models with those tables hidden and those columns empty, and is a file of its own.
    """
    from warehouse.release import build_release
    from warehouse.restrict import Restriction
    from warehouse.staging import TABLES

    for use in sorted({use for agreement in agreements for use in agreement.uses}):
        of_use = {a.partner: [f"{a.partner}_{t}" for t in a.of_use(use)] for a in agreements}
        shown = {table for tables in of_use.values() for table in tables}
        emptied = {name: cols for a in agreements for name, cols in _emptied(a, use).items()}
        build_release(
            run.stores / "staging.duckdb",
            store_keys(run.settings, run.run_id)["staging"],
            record_person,
            release_path(run.settings, run.run_id, use),
            key,
            run_id=run.run_id,
            built_at=run.clock(),
            given=given_of(run.settings, agreements),
            restriction=Restriction(
                partners=frozenset(partner for partner, tables in of_use.items() if tables),
                hidden=frozenset(TABLES.keys() - shown),
                emptied=emptied,
            ),
        )


def _emptied(agreement: Agreement, use: str) -> dict[str, frozenset[str]]:
    """The columns of staging tables that a use does not list, though the agreement does."""
    from governance.pseudonymise import event_columns
    from schemas.tables import find_table

    partner, whole = agreement.partner, agreement.treatments
    return {
        f"{partner}_{name}": event_columns(table, whole[name]) - event_columns(table, listed)
        for name, listed in agreement.of_use(use).items()
        for table in (find_table(partner, name),)
    }


def _earlier(run: RunContext) -> Earlier | None:
    """The release of the current run with its fingerprints; None where it cannot be gone on from.

    Without it every mart is built, so what is amiss with it is nothing to fail for.
    """
    from warehouse.takeover import Earlier

    current = run.control.current_run()
    if current is None:
        return None
    folder = run.settings.releases / current.run_id
    if any(changed(folder, run.control.release_files(current.run_id), whole=True)):
        return None
    try:
        told = json.loads((folder / FINGERPRINTS).read_text("utf-8"))
        key = release_key(run.settings, current.run_id)
        open_of(run.settings, current.run_id).close()
    except (OSError, ValueError, StoreError, KeyProblem):
        return None
    return Earlier(release_path(run.settings, current.run_id), key, told)


def given_of(settings: Settings, agreements: Iterable[Agreement]) -> Given:
    """What the partnership and its agreements say of the warehouse.

    Days of people's lives are told only where every partner's agreement lists them
    (`flows.agreements.terms.tells_days`); elsewhere the weeks of each person's own clock are.

    Args:
        settings: The partnership.
        agreements: Of whichever partners have one in force.

    Raises:
        KeyProblem: The store key, which keeps the secret of the clocks, cannot be used.
    """
    from warehouse.given import load_given

    exact_dates = tells_days(settings, agreements)
    return load_given(
        settings.folder,
        exact_dates=exact_dates,
        clock_key=None if exact_dates else clock_key(settings),
        restricted_metrics=frozenset(settings.restricted_metrics),
        data_from={
            name: part.data_from for name, part in settings.partners.items() if part.data_from
        },
        complete_to={
            name: part.complete_to for name, part in settings.partners.items() if part.complete_to
        },
        cadence_days={
            name: part.cadence_days for name, part in settings.partners.items() if part.cadence_days
        },
    )
