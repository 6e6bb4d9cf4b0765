"""Reading one partner's extract: only what its agreement shares, held to its contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, cast

from flows.context import RunContext
from flows.epochs import epochs_of, key_check, purpose_keys
from flows.files import private_folder, write_text
from flows.history import drift_of
from flows.keys import ring_of
from flows.sources import Arrived, check_untouched, find_extract
from flows.terms import mapping_of, policy_of, staged_under
from governance.agreements import Agreement, minimise
from governance.control import Extract
from schemas.columns import PLANNED_DATES
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    import polars as pl

    from schemas.contract import Validated
    from schemas.drift import Profile
    from schemas.mapping import SystemMapping

# Policy of 2026-11-21: so many mistyped dates may lie past the last day of an extract.
SLIPS = 5

TOP_RULES = 5


@dataclass(frozen=True)
class Taken:
    """One partner's extract after validation, and its line in the ledger.

    `profile` is what is remembered of it; `drift` says what it lacks and how it differs from
    earlier ones; `not_taken` counts the rows of each table that may not be taken in.
    """

    validated: Validated
    ledger: Extract
    profile: Profile
    drift: tuple[str, ...]
    top_rules: list[dict[str, str | int]]
    noted: list[dict[str, str | int]]
    other_files: int
    not_taken: Mapping[str, int]


def find(run: RunContext, partner: str, mapping: SystemMapping) -> Arrived | None:
    """A partner's extract, its digest keyed: a bare one would let a guess be confirmed.

    Returns:
        What is in its inbox; None where it sent nothing.

    Raises:
        ExtractRejected: If the inbox holds something else than one whole extract.
        KeyProblem: If the store key is missing, loose or unsound.
    """
    from schemas.tables import TABLES

    tables = tuple(table.name for table in TABLES[partner])
    arrived = find_extract(partner, run.settings.partner(partner).inbox, tables, mapping)
    if arrived is None:
        return None
    return replace(arrived, digest=keyed_digest(run, arrived.digest))


def keyed_digest(run: RunContext, digest: str) -> str:
    """A digest of an extract that only who holds the store key can compare with a guess.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
    """
    ring = ring_of(run.settings, "store")
    root = ring.root(ring.newest)
    return "keyed:" + root.derive(f"extract/{digest}", purpose="ledger", epoch=ring.newest).hex()


def take(run: RunContext, arrived: Arrived, agreement: Agreement) -> Taken:
    """Read, minimise and validate one partner's extract, and list what of it cannot be used.

    Raises:
        ExtractRejected: If a file cannot be read, or the contract or the policy refuses it.
        ConfigError: If a code list or a mapping cannot be used.
    """
    from schemas.contract import examine_extract

    # An optional table that the agreement does not share is left in the inbox, unread.
    agreed = [name for name in arrived.files if agreement.shared_columns(name)]
    raw = {name: _read(run, arrived, name, agreement) for name in agreed}
    not_taken = {
        name: _read(run, arrived, name, agreement).height
        for name in agreement.undisclosed
        if name in arrived.files
    }
    check_untouched(arrived)
    missing = _missing_columns(run, arrived.partner, raw, agreement)
    shared, over_shared = minimise(agreement, raw)
    examined = examine_extract(
        arrived.partner,
        shared | {name: _no_rows(arrived.partner, name) for name in agreement.undisclosed},
        codes=run.settings.codes,
        as_at=run.today,
        policy=policy_of(run),
        under_18=agreement.under_18,
    )
    # Written even where the extract is refused: the partner needs it to put the extract right.
    _write_quarantine(run, arrived.partner, examined.validated.quarantine)
    validated = examined.usable()
    ledger = _ledger(run, arrived, agreement, validated, sum(over_shared.values()))
    profile = {name: one for name, one in examined.profile.items() if name in shared}
    return Taken(
        validated=validated,
        ledger=ledger,
        profile=profile,
        drift=(*missing, *drift_of(run, ledger, profile, agreement)),
        top_rules=_top_rules(validated.quarantine),
        noted=validated.noted.sort("count", descending=True).to_dicts(),
        other_files=arrived.others + len(arrived.files) - len(agreed) - len(not_taken),
        not_taken=not_taken,
    )


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


def _ledger(
    run: RunContext, arrived: Arrived, agreement: Agreement, validated: Validated, over_shared: int
) -> Extract:
    epochs = epochs_of(run.settings, run.control)
    return Extract(
        run_id=run.run_id,
        partner=arrived.partner,
        digest=arrived.digest,
        staged_under=staged_under(run, agreement),
        key_epoch=epochs.newest,
        key_check=key_check(purpose_keys(run, epochs)[epochs.newest]),
        received=sum(validated.rows.values()),
        kept=sum(frame.height for frame in validated.frames.values()),
        quarantined=sum(validated.quarantined.values()),
        withheld=sum(validated.withheld.values()),
        over_shared=over_shared,
        data_as_at=data_reach(validated.frames.values(), run.today),
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
        mapping=mapping_of(run, arrived.partner),
        columns=[name for name, one in table.columns.items() if name in shared and one.required],
        as_at=run.today,
    )


def _no_rows(partner: str, name: str) -> pl.DataFrame:
    """A table as it is without a row."""
    import polars as pl

    from schemas.tables import find_table

    return pl.DataFrame(schema=dict.fromkeys(find_table(partner, name).columns, pl.String))


def _missing_columns(
    run: RunContext, partner: str, raw: Mapping[str, pl.DataFrame], agreement: Agreement
) -> tuple[str, ...]:
    """Say which columns are shared and not in the files, though the system is said to give them.

    Raises:
        ExtractRejected: If the policy stops an extract without such a column.
    """
    from schemas.tables import find_table

    given, policy = mapping_of(run, partner).tables, policy_of(run)
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


def _write_quarantine(run: RunContext, partner: str, quarantine: pl.DataFrame) -> None:
    """Say which rows could not be used and by which rule, never what they held."""
    private_folder(run.settings.quarantine)
    private_folder(run.quarantine)
    write_text(
        run.quarantine / f"{partner}.csv",
        quarantine.select("row", "table", "column", "rule").write_csv(),
    )


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
