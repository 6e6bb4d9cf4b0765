"""Where every row went: from what a partner sent to what the release is made from.

    received = not_agreed + quarantined + withheld + suppressed + erased + staged
    staged   = used + unplaced + undated + ahead + left_out

Each of these is counted where it happens: at the reading of the extract, in the staging store as it
is now, and in the release. A run in which they do not meet is not committed. A row that repeats an
earlier one's key is quarantined, by the rule `duplicate_key`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from flows.build import Release
from flows.context import RunContext
from flows.intake.handed_on import Taken
from flows.keys.rings import release_key, store_keys
from schemas.errors import StoreError

Counts = Mapping[str, Mapping[str, int]]
"""Partner → table → rows."""


@dataclass(frozen=True)
class Rows:
    """What became of the rows of one table of a partner's extract.

    Args:
        received: Rows it sent; None where an earlier version took them in and did not say.
        not_agreed: Left unread: the agreement does not let the table be taken in.
        quarantined: Left out by a rule.
        withheld: Of people who withheld consent.
        suppressed: Of people who objected or were erased, when the extract was taken in.
        erased: Of people who were erased since.
        staged: In the staging store now.
        used: In the release.
        unplaced: In no release, since nothing says whose they are.
        undated: In no release, since they have no day.
        ahead: In no release, since their day lies after the extract's.
        left_out: In no release, since the partner has no agreement in force, or what they tell of
            was not asked for.
    """

    received: int | None = None
    not_agreed: int = 0
    quarantined: int = 0
    withheld: int = 0
    suppressed: int = 0
    erased: int = 0
    staged: int = 0
    used: int = 0
    unplaced: int = 0
    undated: int = 0
    ahead: int = 0
    left_out: int = 0

    @property
    def unaccounted(self) -> tuple[int, int]:
        """Rows of which nobody knows what became of them: until staging, and after it."""
        gone = self.not_agreed + self.quarantined + self.withheld + self.suppressed + self.erased
        before = 0 if self.received is None else self.received - gone - self.staged
        told = self.used + self.unplaced + self.undated + self.ahead + self.left_out
        return before, self.staged - told

    @property
    def balances(self) -> bool:
        """Whether every row is accounted for."""
        return self.unaccounted == (0, 0)


Account = dict[str, dict[str, Rows]]
"""Partner → table → what became of its rows."""


def account(run: RunContext, release: Release) -> Account:
    """What became of every row, of a run that is about to be committed.

    Raises:
        StoreError: Rows were lost or came from nowhere, or a store cannot be read.
    """
    from warehouse.deaths import DEATHS

    found = balance(
        arrived(release.people.staged.taken),
        _before(run),
        release.people.erased.tables,
        _staged(run),
        _released(run),
        release.people.staged.agreed.stopped,
        is_untold=not DEATHS & set(run.settings.restricted_metrics),
    )
    for partner, tables in found.items():
        for table, rows in tables.items():
            if not rows.balances:
                before, after = rows.unaccounted
                when = "before" if before else "after"
                raise StoreError(
                    f"{abs(before or after):,} rows of {partner} {table} are unaccounted for "
                    f"{when} they were staged, so nothing was committed.",
                    "Run again; if it says so again, keep the extract and report this sentence.",
                )
    return found


def arrived(taken: Mapping[str, Taken]) -> Account:
    """What was counted of the extracts that a run takes in."""
    found: Account = {}
    for partner, one in taken.items():
        gone = one.withheld.tables
        found[partner] = {
            table: Rows(
                received=counts["received"],
                quarantined=counts["quarantined"],
                withheld=counts["withheld"] - gone.get(table, 0),
                suppressed=gone.get(table, 0),
            )
            for table, counts in one.facts.rows.items()
        }
        for table, rows in one.facts.not_taken.items():
            found[partner][table] = Rows(received=rows, not_agreed=rows)
    return found


def balance(
    taken: Account,
    before: Account,
    erased: Counts,
    staged: Counts,
    released: Mapping[tuple[str, str], Mapping[str, int]],
    stopped: Mapping[str, object],
    *,
    is_untold: bool = False,
) -> Account:
    """Put together what was counted in each place.

    Args:
        taken: What was counted of the extracts that the run takes in.
        before: What became of the rows of the others, up to the last run.
        erased: What the run erased.
        staged: What is in the staging store.
        released: Partner and table → what the release says became of what was staged.
        stopped: Partners without an agreement in force: nothing of theirs is in the release.
        is_untold: Whether reports of deaths are not read, as nobody asked for what they tell.
    """
    from warehouse.deaths import REPORTS

    found: Account = {}
    for partner, tables in staged.items():
        known = taken.get(partner) or before.get(partner) or {}
        found[partner] = {}
        for table in sorted(tables.keys() | known.keys()):
            rows = known.get(table, Rows(received=0 if partner in taken else None))
            gone = erased.get(partner, {}).get(table, 0)
            here = tables.get(table, 0)
            told = {} if partner in stopped else released.get((partner, table), {})
            unread = partner in stopped or (is_untold and f"{partner}_{table}" == REPORTS)
            one = replace(
                rows,
                erased=rows.erased + gone,
                staged=here,
                used=told.get("rows_used", 0),
                unplaced=told.get("rows_unplaced", 0),
                undated=told.get("rows_undated", 0),
                ahead=told.get("rows_ahead", 0),
                left_out=here if unread else 0,
            )
            if any(value for value in asdict(one).values()):
                found[partner][table] = one
    return found


def as_report(found: Account) -> dict[str, dict[str, dict[str, int | None]]]:
    """As plain values."""
    return {name: {t: asdict(rows) for t, rows in tables.items()} for name, tables in found.items()}


def from_report(said: Any) -> Account:
    """What `as_report` gave; nothing where an earlier version made the report."""
    return {
        partner: {table: Rows(**rows) for table, rows in tables.items()}
        for partner, tables in (said or {}).items()
    }


def _before(run: RunContext) -> Account:
    """The account of the current run, of partners whose extract is still staged."""
    current = run.control.current_run()
    staged = run.control.staged_extracts()
    said = from_report((current.report or {}).get("rows")) if current is not None else {}
    return {partner: tables for partner, tables in said.items() if partner in staged}


def _staged(run: RunContext) -> Counts:
    """Rows of each table in this run's staging store."""
    from warehouse.connect import open_release
    from warehouse.staging import counts_of

    key = store_keys(run.settings, run.run_id)["staging"]
    connection = open_release(run.stores / "staging.duckdb", key)
    try:
        return {
            partner: {
                table.removeprefix(f"{partner}_"): rows
                for table, rows in counts_of(connection, partner).items()
            }
            for partner in run.settings.partners
        }
    finally:
        connection.close()


def _released(run: RunContext) -> dict[tuple[str, str], dict[str, int]]:
    """What this run's release says became of the rows of each table."""
    from warehouse.connect import open_release

    names = ("rows_staged", "rows_used", "rows_unplaced", "rows_undated", "rows_ahead")
    connection = open_release(run.release, release_key(run.settings, run.run_id))
    try:
        told = connection.execute(
            f"SELECT partner, table_name, {', '.join(names)} FROM data_quality"
        ).fetchall()
    finally:
        connection.close()
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in told}
