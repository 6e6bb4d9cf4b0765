"""The review queue of the current run: what waits, what it looks like, and what is decided.

A reviewer sees how much two records agree, and neither whose they are nor what they say. A partner
is told of pairs within its own extract only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flows.agreements.readable import check_readable
from flows.clock import Clock, local_day, utc_now
from flows.committed import changed_store, opened_store
from flows.context import actor, open_control, run_lock
from flows.intake.own_pairs import PAIRS_FILE
from flows.settings import Settings
from governance.audit import Recorder
from governance.disclosure.officers import officer_key
from schemas.errors import ConfigError, JourneysError, StoreError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from governance.control import Control, Run
    from linkage.model import Model

LONGEST_NAME = 120


class NotReviewed(JourneysError):
    """A decision that cannot be taken."""


@dataclass(frozen=True)
class Shown:
    """One pair as a reviewer sees it.

    Attributes:
        pair: Its name.
        why: Why it is asked about.
        match_weight: How much it agrees in all; in log2 odds.
        levels: Comparison → the level reached and the weight that adds.
        decisions: What was decided of it, in order: decision, reason, officer, at.
    """

    pair: str
    why: str
    match_weight: float
    levels: dict[str, tuple[str, float]]
    decisions: list[dict[str, str]]


def waiting(
    settings: Settings, *, partner: str | None = None, decided: bool = False, clock: Clock = utc_now
) -> list[dict[str, Any]]:
    """The pairs that wait for the hub, or for a partner.

    Args:
        settings: The partnership.
        partner: Whose queue; the hub's if None.
        decided: Those that were decided as well.
        clock: The clock.

    Returns:
        For each ``pair``, ``why``, ``match_weight``, the level of each comparison, ``decision``.

    Raises:
        StoreError: If there is no run yet or its store cannot be read.
        ConfigError: If there is no such partner.
    """
    from linkage.review_queue import HUB, WHY, patterns
    from linkage.review_store import read_queue

    _require_partner(settings, partner)
    with _current_store(settings, clock, {"review": "list"}, partner) as (connection, model):
        queued = read_queue(connection).filter(asked=partner or HUB)
        if not decided:
            queued = queued.filter(queued["decision"].is_null())
        if queued.is_empty():
            return []
        shown = patterns(queued, _encoded_of(connection, queued), model)
    together = queued.join(shown, on=["record_id_l", "record_id_r"], how="left").sort(
        "match_weight", "pair", descending=[True, False]
    )
    return [
        {
            "pair": row["pair"],
            "why": WHY[row["why"]],
            "match_weight": round(row["match_weight"], 1),
            **{comparison: row[comparison] for comparison in model.comparisons},
            "decision": row["decision"],
        }
        for row in together.iter_rows(named=True)
    ]


def pairs_for(settings: Settings, partner: str, clock: Clock = utc_now) -> str:
    """The pairs that a partner is asked of, for the partner to find among its own records.

    Returns:
        CSV text: ``pair`` and the ids of its two records, which only the partner's own key ties to
        records.

    Raises:
        StoreError: If there is no run yet or its store cannot be read.
        ConfigError: If there is no such partner.
    """
    from linkage.review_store import read_queue

    _require_partner(settings, partner)
    with _current_store(settings, clock, {"review": "handed out"}, partner) as (connection, _):
        queued = read_queue(connection).filter(asked=partner)
    waits = queued.filter(queued["decision"].is_null())
    return waits.select(PAIRS_FILE).write_csv()


def show(settings: Settings, pair: str, clock: Clock = utc_now) -> Shown:
    """One pair: the level and weight of each comparison, and what was decided of it.

    Raises:
        StoreError: If there is no run yet or its store cannot be read.
        NotReviewed: If no pair of that name is in the queue.
    """
    from linkage.review_queue import WHY, patterns
    from linkage.review_store import decided_of

    with _current_store(settings, clock, {"review": "show"}) as (connection, model):
        queued = _named(connection, pair)
        (row,) = patterns(queued, _encoded_of(connection, queued), model).to_dicts()
        history = decided_of(connection, row["record_id_l"], row["record_id_r"])
    return Shown(
        pair=pair,
        why=WHY[queued["why"].item()],
        match_weight=row["match_weight"],
        levels={name: (row[name], row[f"mw_{name}"]) for name in model.comparisons},
        decisions=[
            {
                "decision": one.decision,
                "reason": one.reason,
                "officer": one.officer,
                "at": one.at.replace(tzinfo=UTC).isoformat(),
            }
            for one in history
        ],
    )


def decide(
    settings: Settings,
    pair: str,
    decision: str,
    *,
    reason: str,
    officer: str,
    clock: Clock = utc_now,
) -> None:
    """Write down what a reviewer decided; the next run respects it.

    Args:
        settings: The partnership.
        pair: The name of the pair.
        decision: ``same``, ``different`` or ``unsure``.
        reason: One of ``linkage.review_store.REASONS``.
        officer: Who decides.
        clock: The clock.

    Raises:
        Busy: If a run is at work.
        StoreError: If there is no run yet or its store cannot be written.
        NotReviewed: If there is no such pair, no name, or the decision contradicts others.
        ConfigError: If the decision or reason is none that there is.
    """
    from linkage.review import contradicts
    from linkage.review_store import DECISIONS, REASONS, Decided, add_decision, read_decisions

    _require_one_of("decision", decision, DECISIONS)
    _require_one_of("reason", reason, REASONS)
    if not officer_key(officer) or len(officer) > LONGEST_NAME:
        raise NotReviewed("A decision needs the name of who takes it.", "Give --officer NAME.")
    detail = {"review": "decide", "decision": decision}
    with (
        run_lock(settings),
        _current_store(settings, clock, detail, action="alteration") as (connection, _),
    ):
        queued = _named(connection, pair)
        records = queued["record_id_l"].item(), queued["record_id_r"].item()
        others = _without(read_decisions(connection), queued)
        if contradicts(others, *records, decision):
            raise NotReviewed(
                "The decision contradicts what was decided of other pairs of the same records.",
                "List them with `journeys link review list --decided`, and decide one of those "
                "anew first.",
            )
        at = clock().astimezone(UTC).replace(tzinfo=None)
        add_decision(connection, *records, Decided(decision, reason, officer.strip(), at))


def counts(settings: Settings) -> dict[str, Any]:
    """How many pairs wait, for whom, and how many were decided which way; no entry is made."""
    from linkage.review_store import counts as counted

    with open_control(settings) as control, _opened(settings, _current(control)) as connection:
        return counted(connection)


@contextmanager
def _current_store(
    settings: Settings,
    clock: Clock,
    detail: Mapping[str, int | str],
    partner: str | None = None,
    *,
    action: str = "consultation",
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Model]]:
    """The current run's identity store and the model in force, entered in the audit record."""
    from linkage.model import load_model

    with open_control(settings) as control:
        run = _current(control)
        check_readable(settings, run, local_day(clock()))
        recorder = Recorder(actor(), settings.purpose, run.run_id)
        recipients = f"a reviewer of {partner}" if partner else "a reviewer of the partnership"
        control.add_audit(
            recorder.entry(action, clock(), recipients=recipients, partner=partner, detail=detail)
        )
        with _opened(settings, run, read_only=action == "consultation") as connection:
            yield connection, load_model(settings.model)


def _current(control: Control) -> Run:
    run = control.current_run()
    if run is None:
        raise StoreError("There is nothing to review yet.", "Run `journeys run` first.")
    return run


def _opened(
    settings: Settings, run: Run, *, read_only: bool = True
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return (opened_store if read_only else changed_store)(settings, run.run_id, "identity")


def _named(connection: duckdb.DuckDBPyConnection, pair: str) -> pl.DataFrame:
    from linkage.review_store import read_queue

    found = read_queue(connection).filter(pair=pair)
    if found.is_empty():
        raise NotReviewed(
            "No pair of that name is in the review queue.",
            "Give a name that `journeys link review list` shows.",
        )
    return found


def _encoded_of(connection: duckdb.DuckDBPyConnection, pairs: pl.DataFrame) -> pl.DataFrame:
    """The encoded records of some pairs."""
    from linkage.store import of_this_encoding

    if not of_this_encoding(connection):
        raise ConfigError(
            "The records that stand were encoded by an earlier version of this program.",
            "Run `journeys run` with this version, and look at the pairs then.",
        )
    connection.register("asked", pairs.select("record_id_l", "record_id_r").to_arrow())
    try:
        return connection.execute(
            """SELECT * FROM encoded_record WHERE record_id IN (
                SELECT record_id_l FROM asked UNION SELECT record_id_r FROM asked)
            ORDER BY record_id"""
        ).pl()
    finally:
        connection.unregister("asked")


def _without(decisions: Any, pair: pl.DataFrame) -> Any:
    """The decisions on other pairs."""
    from linkage.review import Decisions

    both = ["record_id_l", "record_id_r"]
    return Decisions(
        *(one.join(pair, on=both, how="anti") for one in (decisions.same, decisions.different))
    )


def _require_partner(settings: Settings, partner: str | None) -> None:
    if partner is not None and partner not in settings.partners:
        raise ConfigError(
            "There is no such partner in this partnership.",
            f"Give one of {', '.join(settings.partners)}.",
        )


def _require_one_of(what: str, given: str, known: Any) -> None:
    if given not in known:
        raise ConfigError(f"There is no such {what}.", f"Give one of {', '.join(known)}.")
