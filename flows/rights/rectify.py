"""Wrong links put right: records of different people, found as one, are put apart for good.

It is the commonest harm that linkage does: somebody else's custody in a person's story. What is
decided is kept as a reviewer's decision is (`linkage.review`), and every run respects it.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.clock import Clock, local_day, utc_now
from flows.committed import changed_store, opened_store
from flows.context import open_control, run_lock
from flows.rights.asked import line_words
from flows.rights.cases import opened_case, record_of, request_of, routes_of
from flows.rights.finding import Found, check_marked, records_met
from flows.rights.register_entries import decided_at
from flows.rights.requests import LINK, REASONS, Answered, current_run, read_asked, request_tokens
from flows.settings import Settings
from governance.control import Run
from governance.disclosure.officers import officer_key
from schemas.errors import ConfigError, ExtractRejected

if TYPE_CHECKING:
    import polars as pl

LONGEST_NAME = 120


def put_apart(
    settings: Settings,
    partner: str,
    path: Path,
    officer: str,
    *,
    apart_from: str | None = None,
    preview: bool = False,
    received: date | None = None,
    clock: Clock = utc_now,
) -> Answered:
    """Have the next run, and every later one, put wrongly linked records apart.

    Args:
        settings: The partnership.
        partner: Whose officer gives the request.
        path: Its file. Each line is of another person, whose records of this partner it names.
        officer: Who decided that the link is wrong.
        apart_from: Put the records apart from all that this partner has of the same person, in
            place of from those of the other lines.
        preview: Only tell how many links would go.
        received: The day on which the person asked, today if None.
        clock: The clock.

    Returns:
        What became of it; its tables say how many pairs of records are put apart.

    Raises:
        ExtractRejected: The file cannot be used, names nobody known, or records that are not
            linked, or reviewers decided that they are of one person.
        ConfigError: There is no such partner, or the officer has no name.
        StoreError: There is no run to look in, or a store cannot be read or written.
    """
    if {partner, apart_from or partner} - set(settings.partners) or (
        not officer_key(officer) or len(officer) > LONGEST_NAME
    ):
        raise ConfigError(
            "There is no such partner, or no name of who decided.",
            f"Name one of {', '.join(settings.partners)}, and give --officer NAME.",
        )
    with run_lock(settings), open_control(settings) as control:
        current = current_run(control)
        check_marked(settings, current.run_id)
        request_id, asked = read_asked(settings, partner, path, clock)
        case = opened_case(request_id, LINK, partner, received, (partner,), clock)
        tokens = request_tokens(request_id, asked, current.key_epoch)
        met = records_met(settings, current.run_id, current.key_epoch or 0, tokens)
        named = met.filter(partner=partner)
        unknown = tuple(sorted(set(range(1, asked.people + 1)) - set(named["line"])))
        pairs = _pairs(settings, current, named, apart_from)
        request = request_of(case, REASONS[0], asked.people, len(unknown), clock)
        found = Found(
            people=asked.people,
            known=named["person_id"].n_unique(),
            unknown=unknown,
            several=(),
            differing=(),
            mixed=(),
            tables={partner: {"links": pairs.height}},
        )
        routes, said = routes_of(settings, "rectification", [partner], local_day(clock()))
        answered = Answered(request_id, LINK, partner, preview, found, case.due_on, routes, said)
        if preview:
            control.add_audit(record_of(settings, request, "consultation", "previewed"))
            return answered
        problem = _problem(settings, current, unknown, pairs)
        if problem is not None:
            control.add_audit(record_of(settings, request, "consultation", "refused"))
            raise problem
        _decide(settings, current, pairs, officer, decided_at(request))
        entry = record_of(settings, request, "alteration", "taken in")
        control.add_request(request, entry, case)
    return answered


def _pairs(
    settings: Settings, current: Run, named: pl.DataFrame, apart_from: str | None
) -> pl.DataFrame:
    """The pairs of records that are one person's now and are to be put apart."""
    import polars as pl

    from linkage import erasure
    from linkage.review import PAIR

    if apart_from is None:
        others = named.select("person_id", "line", other="record_id")
        together = named.join(others, on="person_id", suffix="_other")
        together = together.filter(pl.col("line") != pl.col("line_other"))
    else:
        with opened_store(settings, current.run_id, "identity") as connection:
            theirs = erasure.records_of(connection, named.select("person_id").unique())
            marked = erasure.read_marks(connection).filter(partner=apart_from)
        others = theirs.join(marked, on="record_id", how="semi").rename({"record_id": "other"})
        together = named.join(others, on="person_id")
    together = together.filter(pl.col("record_id") != pl.col("other"))
    one, other = PAIR
    return together.select(
        pl.min_horizontal("record_id", "other").alias(one),
        pl.max_horizontal("record_id", "other").alias(other),
    ).unique(maintain_order=True)


def _problem(
    settings: Settings, current: Run, unknown: tuple[int, ...], pairs: pl.DataFrame
) -> ExtractRejected | None:
    """Why the records are not put apart."""
    import polars as pl

    from linkage.review import Decisions, contradicts
    from linkage.review_store import read_decisions

    if unknown:
        return ExtractRejected(
            f"No record of this partner is known by {line_words(unknown)}.",
            "Correct these lines and give the request again.",
        )
    if pairs.is_empty():
        return ExtractRejected(
            "The records that the request names are not linked with one another.",
            "Give the records of each person on a line of its own, or name with --apart-from the "
            "partner whose records are another person's.",
        )
    with opened_store(settings, current.run_id, "identity") as connection:
        decisions = read_decisions(connection)
    for number, (one, other) in enumerate(pairs.iter_rows()):
        different = pl.concat([decisions.different, pairs.head(number)])
        if contradicts(Decisions(decisions.same, different), one, other, "different"):
            return ExtractRejected(
                "A reviewer decided that some of these records are of one person.",
                "List those with `journeys link review list --decided`, and have them decided anew "
                "first.",
            )
    return None


def _decide(
    settings: Settings, current: Run, pairs: pl.DataFrame, officer: str, at: datetime
) -> None:
    from linkage import review_store
    from linkage.review_queue import HUB

    decided = review_store.Decided("different", review_store.RECTIFIED, officer.strip(), at)
    with changed_store(settings, current.run_id, "identity") as connection:
        review_store.put_apart(connection, pairs, decided, asked=HUB)
