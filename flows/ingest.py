"""Taking extracts in: pull → check the agreement → validate → pseudonymise → stage.

What is wrong with one partner's extract does not hide what is wrong with another's: each step
goes on with the partners that are sound, and `validate` ends by refusing the run if any was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from flows.context import LOCAL_TIME, RunContext
from flows.files import flush, folder_digest, private_folder, write_text
from flows.safe_errors import Rejected, guarded
from flows.settings import Settings
from flows.sources import Arrived, check_untouched, find_extract
from governance.agreements import (
    Agreement,
    check_covers,
    check_demonstration,
    check_purpose,
    load_agreement,
    minimise,
)
from governance.control import Extract
from schemas.columns import PLANNED_DATES
from schemas.errors import ConfigError, ExtractRejected, JourneysError, KeyProblem

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised
    from schemas.contract import Validated
    from schemas.drift import Delivery, Profile
    from schemas.mapping import SystemMapping
    from schemas.policy import Policy

Item = TypeVar("Item")
Made = TypeVar("Made")

Problems = dict[str, list[JourneysError]]

STORES = ("identity", "staging")

# Policy of 2026-11-21: so many mistyped dates may lie past the last day of an extract.
SLIPS = 5

TOP_RULES = 5


@dataclass(frozen=True)
class Pulled:
    """What is in the inboxes: an extract of each partner, or None where it sent nothing new."""

    extracts: Mapping[str, Arrived | None]
    problems: Problems


@dataclass(frozen=True)
class Agreed:
    """Extracts that an agreement in force covers.

    `fresh` are to be taken in; `kept` are partners whose staged extract stays, and why; `late`
    says which of those are further behind than they usually are.
    """

    agreements: Mapping[str, Agreement]
    fresh: Mapping[str, Arrived]
    kept: Mapping[str, str]
    problems: Problems
    late: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """One partner's extract after validation, and its line in the ledger.

    `profile` is what is remembered of it; `drift` says what it lacks and how it differs from
    earlier ones.
    """

    validated: Validated
    ledger: Extract
    profile: Profile
    drift: tuple[str, ...]
    top_rules: list[dict[str, str | int]]
    noted: list[dict[str, str | int]]
    other_files: int


@dataclass(frozen=True)
class Checked:
    """Every partner's extract, valid rows only."""

    agreed: Agreed
    taken: Mapping[str, Taken]


@dataclass(frozen=True)
class Parted:
    """Encodings on one side and events on the other; only record ids join them."""

    checked: Checked
    parts: Mapping[str, Pseudonymised] = field(repr=False)


@dataclass(frozen=True)
class Staged:
    """This run's own stores, with the new extracts in the place of the old."""

    agreed: Agreed
    taken: Mapping[str, Taken]
    records: int


def pull(run: RunContext) -> Pulled:
    """Find what every partner has sent.

    Raises:
        ConfigError: If a partner whose extract is staged is no longer in partnership.yaml, or the
            partnership's own policy or a mapping cannot be used.
        KeyProblem: If a key is missing, loose or unsound: told now, before an hour is spent.
    """
    _check_nobody_left(run)
    _policy(run)
    mappings = {str(partner): _mapping(run, partner) for partner in run.settings.partners}
    _check_keys(run)
    problems: Problems = {}
    found = _each(
        "pull",
        run.settings.partners.items(),
        lambda partner, part: _found(run, partner, part.inbox, mappings[partner]),
        problems,
    )
    for partner, arrived in found.items():
        if arrived is None and partner not in run.control.staged_extracts():
            _add(problems, partner, _nothing_ever(run, partner))
    return Pulled(found, problems)


def agree(run: RunContext, pulled: Pulled) -> Agreed:
    """Check every partner's agreement, whether or not it sent something new.

    An extract is taken in when its files or the terms it was staged under have changed.
    """
    problems = {partner: list(found) for partner, found in pulled.problems.items()}
    agreements = _each(
        "agreement",
        run.settings.partners.items(),
        lambda partner, part: agreement_in_force(run.settings, partner, run.today),
        problems,
    )
    if agreements:
        guarded("agreement", _check_same_key, run)
    fresh: dict[str, Arrived] = {}
    kept: dict[str, str] = {}
    late: dict[str, str] = {}
    for partner, agreement in agreements.items():
        arrived = pulled.extracts.get(partner)
        staged = run.control.staged_extracts().get(partner)
        same_terms = staged is not None and staged.staged_under == staged_under(run, agreement)
        if arrived is not None and not (same_terms and staged and staged.digest == arrived.digest):
            fresh[partner] = arrived
        elif staged is not None and not same_terms and partner not in problems:
            _add(problems, partner, _terms_changed(partner))
        else:
            kept[partner] = "no new extract" if arrived is None else "unchanged"
            if staged is not None:
                _look_for_lateness(run, partner, staged, late, problems)
    return Agreed(agreements, fresh, kept, problems, late)


def validate(run: RunContext, agreed: Agreed) -> Checked:
    """Read and check every new extract; write down which rows cannot be used.

    Raises:
        Rejected: If anything so far was wrong with any partner, saying all of it.
    """
    problems = {partner: list(found) for partner, found in agreed.problems.items()}
    taken = _each(
        "validate",
        ((p, arrived) for p, arrived in agreed.fresh.items() if p not in problems),
        lambda partner, arrived: _take(run, arrived, agreed.agreements[partner]),
        problems,
    )
    if problems:
        raise Rejected(problems)
    return Checked(agreed, taken)


def pseudonymise(run: RunContext, checked: Checked) -> Parted:
    """Part identifiers from events, in memory; identifiers go no further than this.

    Raises:
        KeyProblem: If the identifier key is missing, loose or unsound.
    """
    from governance.keys import load_root
    from governance.pseudonymise import pseudonymise as part

    root = load_root(run.settings.keys.identifier)
    parts = {
        partner: part(
            one.validated,
            checked.agreed.agreements[partner],
            root,
            purpose=run.settings.purpose,
            epoch=run.settings.key_epoch,
        )
        for partner, one in checked.taken.items()
    }
    return Parted(checked, parts)


def stage(run: RunContext, parted: Parted) -> Staged:
    """Copy the current stores and put the new extracts into the copies.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    _copy_stores(run)
    _stage_identities(run, parted)
    _stage_events(run, parted)
    for partner, one in parted.checked.taken.items():
        _record_staging(run, partner, one.ledger)
    flush(run.stores / f"{name}.duckdb" for name in STORES)
    records = sum(part.encoded.height for part in parted.parts.values())
    return Staged(parted.checked.agreed, parted.checked.taken, records)


def staged_under(run: RunContext, agreement: Agreement) -> str:
    """A digest of the terms that decide what staged data look like.

    The purpose and treatments of the agreement, the key and its epoch, the encoding, the code
    lists and the mapping, what the policy does about broken rules, and the rules of this version
    of the program: when one changes, an extract must be staged again.
    """
    from schemas.encoded import ENCODING_VERSION

    terms = "\n".join(
        (
            agreement.treatment_digest,
            f"epoch {run.settings.key_epoch}",
            f"key {_key_check(run)}",
            f"encoding {ENCODING_VERSION}",
            f"codes {folder_digest(run.settings.codes) if run.settings.codes else 'packaged'}",
            f"policy {_policy(run).severity.model_dump_json()}",
            f"mapping {_mapping(run, agreement.partner).digest}",
            f"program {version('cohort-journeys')}",
        )
    )
    return "sha256:" + hashlib.sha256(terms.encode()).hexdigest()


def store_keys(run: RunContext) -> dict[str, str]:
    """The keys of the stores and of the release, by name.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
    """
    from governance.keys import load_root, store_key

    root = load_root(run.settings.keys.store)
    return {name: store_key(root, name) for name in (*STORES, "release")}


def data_reach(frames: Iterable[pl.DataFrame], run_day: date) -> date:
    """The day an extract's data reach to, which follow-up is counted to.

    It is not the very latest date: one mistyped year would then move every window and leave out
    those who left since. It is the latest day that `SLIPS` event dates, or one in a thousand of a
    large extract, reach or pass.

    Args:
        frames: The validated tables. A date of birth is no event; a date that is written down
            before it comes (`PLANNED_DATES`) says nothing.
        run_day: The day of the run, which is also the answer where no event has a date.
    """
    import polars as pl

    days = [
        frame[column].drop_nulls()
        for frame in frames
        for column, kind in frame.schema.items()
        if kind == pl.Date and column != "dob" and column not in PLANNED_DATES
    ]
    happened = pl.concat(days).sort(descending=True) if days else pl.Series(dtype=pl.Date)
    happened = happened.filter(happened <= run_day)
    if happened.is_empty():
        return run_day
    rank = min(len(happened), max(SLIPS, len(happened) // 1000))
    return cast(date, happened[rank - 1])


def _each(
    step: str,
    items: Iterable[tuple[str, Item]],
    make: Callable[[str, Item], Made],
    problems: Problems,
) -> dict[str, Made]:
    """Make something of every partner's item; what goes wrong is put among the problems."""
    made: dict[str, Made] = {}
    for partner, item in items:
        try:
            made[partner] = guarded(step, make, partner, item)
        except JourneysError as error:
            _add(problems, partner, error)
    return made


def _add(problems: Problems, partner: str, error: JourneysError) -> None:
    problems.setdefault(partner, []).append(error)


def _nothing_ever(run: RunContext, partner: str) -> ExtractRejected:
    return ExtractRejected(
        f"No extract has ever come from {partner}.",
        f"Put its tables into {run.settings.partner(partner).inbox}, then run again.",
    )


def _found(run: RunContext, partner: str, inbox: Path, mapping: SystemMapping) -> Arrived | None:
    """A partner's extract, its digest keyed: a bare one would let a guess be confirmed."""
    from governance.keys import load_root

    arrived = find_extract(partner, inbox, _table_names(partner), mapping)
    if arrived is None:
        return None
    root = load_root(run.settings.keys.store)
    keyed = root.derive(f"extract/{arrived.digest}", purpose="ledger", epoch=1).hex()
    return replace(arrived, digest=f"keyed:{keyed}")


def _check_nobody_left(run: RunContext) -> None:
    left = sorted(set(run.control.staged_extracts()) - set(run.settings.partners))
    if left:
        raise ConfigError(
            f"The extract of {', '.join(left)} is staged, but partnership.yaml no longer names "
            "that partner.",
            "Put it back under `partners`, or begin a new folder without it.",
        )


def _check_keys(run: RunContext) -> None:
    _key_check(run)
    store_keys(run)


def _table_names(partner: str) -> tuple[str, ...]:
    from schemas.tables import TABLES

    return tuple(table.name for table in TABLES[partner])


def agreement_in_force(settings: Settings, partner: str, today: date) -> Agreement:
    """A partner's agreement, if it is whole, signed, for this purpose and in its dates.

    Raises:
        AgreementError: If it is not.
    """
    agreement = load_agreement(settings.partner(partner).agreement)
    check_purpose(agreement, partner, settings.purpose)
    check_covers(agreement, partner)
    check_demonstration(agreement, partner, settings.demonstration)
    agreement.check_in_force(today)
    return agreement


def _terms_changed(partner: str) -> ExtractRejected:
    return ExtractRejected(
        f"The agreement, key or program changed since the {partner} extract was staged, and the "
        "extract is no longer in the inbox.",
        f"Ask {partner} to send it again, then run again.",
    )


def _check_same_key(run: RunContext) -> None:
    """Check that the identifier key is the one the staged data were encoded with.

    Another key would encode everybody anew and end every person id without a word.

    Raises:
        KeyProblem: If it is another.
    """
    for staged in run.control.staged_extracts().values():
        if staged.key_epoch != run.settings.key_epoch:
            raise KeyProblem(
                f"partnership.yaml says key epoch {run.settings.key_epoch}, and the staged data "
                f"are of epoch {staged.key_epoch}.",
                f"Set `key_epoch` back to {staged.key_epoch}: this version cannot rotate keys.",
            )
        if staged.key_check != _key_check(run):
            raise KeyProblem(
                "The identifier key is not the one this partnership's data were encoded with.",
                "Put the right key back from its custodian; with another, every person id would "
                "be lost.",
            )


def _key_check(run: RunContext) -> str:
    """A value that tells one identifier key from another and gives nothing else away."""
    from governance.keys import load_root

    root = load_root(run.settings.keys.identifier)
    return root.derive(
        "key-check", purpose=run.settings.purpose, epoch=run.settings.key_epoch
    ).hex()[:16]


def _take(run: RunContext, arrived: Arrived, agreement: Agreement) -> Taken:
    """Read, minimise and validate one partner's extract."""
    from schemas.contract import examine_extract

    # An optional table that the agreement does not share is left in the inbox, unread.
    agreed = [name for name in arrived.files if agreement.shared_columns(name)]
    raw = {name: _read(run, arrived, name, agreement) for name in agreed}
    check_untouched(arrived)
    missing = _missing_columns(run, arrived.partner, raw, agreement)
    shared, over_shared = minimise(agreement, raw)
    examined = examine_extract(
        arrived.partner,
        shared,
        codes=run.settings.codes,
        as_at=run.today,
        policy=_policy(run),
    )
    # Written even where the extract is refused: the partner needs it to put the extract right.
    _write_quarantine(run, arrived.partner, examined.validated.quarantine)
    validated = examined.usable()
    ledger = Extract(
        run_id=run.run_id,
        partner=arrived.partner,
        digest=arrived.digest,
        staged_under=staged_under(run, agreement),
        key_epoch=run.settings.key_epoch,
        key_check=_key_check(run),
        received=sum(validated.rows.values()),
        kept=sum(frame.height for frame in validated.frames.values()),
        quarantined=sum(validated.quarantined.values()),
        withheld=sum(validated.withheld.values()),
        over_shared=sum(over_shared.values()),
        data_as_at=data_reach(validated.frames.values(), run.today),
    )
    return Taken(
        validated=validated,
        ledger=ledger,
        profile=examined.profile,
        drift=(*missing, *_drift(run, ledger, examined.profile, agreement)),
        top_rules=_top_rules(validated.quarantine),
        noted=validated.noted.sort("count", descending=True).to_dicts(),
        other_files=arrived.others + len(arrived.files) - len(agreed),
    )


def _read(run: RunContext, arrived: Arrived, name: str, agreement: Agreement) -> pl.DataFrame:
    """Read one table as the partner's system writes it."""
    from schemas.extract import read_table
    from schemas.tables import find_table

    table = find_table(arrived.partner, name)
    shared = agreement.shared_columns(name)
    return read_table(
        arrived.files[name],
        table,
        mapping=_mapping(run, arrived.partner),
        columns=[name for name, one in table.columns.items() if name in shared and one.required],
        as_at=run.today,
    )


def _missing_columns(
    run: RunContext, partner: str, raw: Mapping[str, pl.DataFrame], agreement: Agreement
) -> tuple[str, ...]:
    """Say which columns are shared and not in the files, though the system is said to give them.

    Raises:
        ExtractRejected: If the policy stops an extract without such a column.
    """
    from schemas.tables import find_table

    given, policy = _mapping(run, partner).tables, _policy(run)
    found: dict[str, list[str]] = {"warn": [], "stop": []}
    for name, frame in raw.items():
        table, shared = find_table(partner, name), agreement.shared_columns(name)
        absent = [column for column in shared if column not in frame.columns]
        for column in sorted(set(absent) & set(given[name].columns)):
            response = policy.response_to_missing(table.columns[column])
            found.setdefault(response, []).append(f"{name}.{column}")
    if found["stop"]:
        raise ExtractRejected(
            f"The {partner} extract lacks {', '.join(found['stop'])}, which its agreement shares.",
            "Ask the partner to name its columns as the agreed layout does, or say under "
            "`missing_columns` in policy.yaml that they may be missing.",
        )
    lacking = ", ".join(found["warn"])
    return (f"The {partner} extract lacks {lacking}.",) if lacking else ()


def _mapping(run: RunContext, partner: str) -> SystemMapping:
    """How the system that writes a partner's extract names and writes its columns."""
    from schemas.mapping import load_mapping

    system = run.settings.partner(partner).system
    return load_mapping(partner, system, run.settings.mappings, run.settings.codes)


def _policy(run: RunContext) -> Policy:
    from schemas.policy import load_policy

    return load_policy(run.settings.policy)


def _deliveries(run: RunContext, partner: str) -> list[Delivery]:
    """What a partner sent before, newest first; one staged again on new terms counts once."""
    from schemas.drift import Delivery

    found: list[Delivery] = []
    for past in run.control.past_extracts(partner):
        if found and found[-1].digest == past.extract.digest:
            found.pop()
        found.append(
            Delivery(
                digest=past.extract.digest,
                received_on=past.received_at.astimezone(LOCAL_TIME).date(),
                data_as_at=past.extract.data_as_at,
                profile=past.profile,
            )
        )
    return found


def _drift(
    run: RunContext, ledger: Extract, profile: Profile, agreement: Agreement
) -> tuple[str, ...]:
    """How an extract differs from the partner's earlier ones.

    Raises:
        ExtractRejected: If it differs so much that the policy stops it.
    """
    from schemas.drift import Delivery, drifts

    before = _deliveries(run, ledger.partner)
    if before and before[0].digest == ledger.digest:
        return ()
    policy = _policy(run)
    found = drifts(
        ledger.partner,
        Delivery(ledger.digest, run.today, ledger.data_as_at, profile),
        before,
        policy.drift_of(ledger.partner),
        expected={table: agreement.shared_columns(table) for table in agreement.tables},
    )
    stops = [one.said for one in found if one.response == "stop"]
    if stops and ledger.digest not in policy.drift.accepted:
        raise ExtractRejected(
            f"The extract is too unlike the earlier ones. {' '.join(stops)}",
            f"Ask {ledger.partner} whether it is right. If it is, put {ledger.digest} under "
            "`drift: accepted` in policy.yaml and run again.",
        )
    return tuple(one.said for one in found)


def _look_for_lateness(
    run: RunContext, partner: str, staged: Extract, late: dict[str, str], problems: Problems
) -> None:
    """Say that a partner which sent nothing new is further behind than it usually is."""
    from schemas.drift import late as lateness

    found = lateness(
        partner,
        staged.data_as_at,
        run.today,
        _deliveries(run, partner),
        _policy(run).drift_of(partner),
    )
    if found is None:
        return
    if found.response == "stop":
        _add(problems, partner, ExtractRejected(found.said, f"Ask {partner} for its extract."))
    else:
        late[partner] = found.said


def _top_rules(quarantine: pl.DataFrame) -> list[dict[str, str | int]]:
    """The rules most often broken: table, column, rule, count."""
    import polars as pl

    return (
        quarantine.group_by("table", "column", "rule")
        .agg(count=pl.len())
        .sort("count", "table", "column", "rule", descending=[True, False, False, False])
        .head(TOP_RULES)
        .to_dicts()
    )


def _write_quarantine(run: RunContext, partner: str, quarantine: pl.DataFrame) -> None:
    """Say which rows could not be used and by which rule, never what they held."""
    private_folder(run.settings.quarantine)
    private_folder(run.quarantine)
    write_text(
        run.quarantine / f"{partner}.csv",
        quarantine.select("row", "table", "column", "rule").write_csv(),
    )


def _copy_stores(run: RunContext) -> None:
    """Rewrite the current run's stores into this run's folder; a first run starts with none."""
    from warehouse.connect import rewrite_store

    private_folder(run.settings.stores)
    private_folder(run.stores)
    current = run.control.current_run()
    if current is None:
        return
    keys = store_keys(run)
    for name in STORES:
        source = run.settings.stores / current.run_id / f"{name}.duckdb"
        if not source.is_file():
            raise _store_missing(name)
        rewrite_store(source, run.stores / source.name, keys[name])


def _with_columns_not_shared(
    partner: str, events: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """The events with an empty column for each that the agreement does not let us keep.

    A key is never filled in so: the staging store refuses a table that lacks one.
    """
    import polars as pl

    from warehouse.staging import tables_of

    kinds = {"VARCHAR": pl.String, "DATE": pl.Date, "INTEGER": pl.Int32, "BOOLEAN": pl.Boolean}
    filled = {}
    for name, columns in tables_of(partner).items():
        frame = events[name]
        filled[name] = frame.with_columns(
            pl.lit(None, dtype=kinds[kind]).alias(column)
            for column, kind in columns.items()
            if kind in kinds and column not in frame.columns
        )
    return filled


def _record_staging(run: RunContext, partner: str, ledger: Extract) -> None:
    """Enter into the audit record that an extract was collected and staged data were altered."""
    for action, rows in (("collection", ledger.received), ("alteration", ledger.kept)):
        entry = run.recorder.entry(action, run.clock(), partner=partner, detail={"rows": rows})
        run.control.add_audit(entry)


def _store_missing(name: str) -> JourneysError:
    from schemas.errors import StoreError

    return StoreError(
        f"The {name} store of the current run is missing.",
        "Restore the partnership folder's `stores` from backup, then run again.",
    )


def _stage_identities(run: RunContext, parted: Parted) -> None:
    from linkage import store
    from warehouse.connect import open_store

    connection = open_store(run.stores / "identity.duckdb", store_keys(run)["identity"])
    try:
        store.create(connection)
        for partner, part in parted.parts.items():
            store.replace_partner(connection, partner, part.encoded)
    finally:
        connection.close()


def _stage_events(run: RunContext, parted: Parted) -> None:
    from warehouse import staging
    from warehouse.connect import open_store

    connection = open_store(run.stores / "staging.duckdb", store_keys(run)["staging"])
    try:
        staging.create(connection)
        for partner, part in parted.parts.items():
            ledger = parted.checked.taken[partner].ledger
            staging.replace_partner(
                connection,
                partner,
                _with_columns_not_shared(partner, part.events),
                run_id=run.run_id,
                data_as_at=ledger.data_as_at,
                rows=ledger.received,
            )
    finally:
        connection.close()
