"""Applying rights requests: people or records go from this run's stores, and tokens of them stay.

An objection or erasure is of people and of all that is linked to them; a rectification and an
opt-out are of the very records of one partner. None reaches the records of a partner for which it
was refused.

It comes after linking, so that a request reaches whoever is linked now, and before the warehouse is
built, so that no release has them. The stores are written anew: deleted rows survive in a file.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flows.committed import opened_store, rewritten
from flows.context import RunContext
from flows.files import flush
from flows.keys.rings import NEXT, SUPPRESSION, store_keys
from flows.link import Linked, People
from flows.rights.finding import LINE, Rows, counted, persons_met, records_met, rows_of
from flows.rights.suppressed import Erased, opened, store_path
from governance.control import AuditEntry, RightsRequest, Run
from schemas.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

OPT_OUT, RECTIFICATION = "opt-out", "rectification"
OF_RECORDS = (OPT_OUT, RECTIFICATION)
"""The rights that are of the very records of one partner, and of nothing that is linked to them."""

GOING = [*LINE, "person_id", "record_id", "partner"]


def erase(run: RunContext, people: People) -> People:
    """Apply every request that waits: take out what it is of, and keep tokens of that.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: A store cannot be read or written.
    """
    from governance.rights.suppression import learnt, stands_on
    from governance.rights.tokens import add_tokens, read_tokens

    path, erased = store_path(run.settings, run.run_id), Erased()
    waiting = run.control.waiting_requests()
    with opened(path, store_keys(run.settings, run.run_id)[SUPPRESSION]) as connection:
        tokens = read_tokens(connection)
        if waiting:
            found = _linked_anew(people)
            asked = _of(tokens, [one.request_id for one in waiting])
            going = _going(run, people, asked, waiting)
            add_tokens(connection, _new_tokens(run, people, going, asked, waiting))
            gone = _without_records(run, going, _met_before(run, asked, waiting))
            erased = _take_out(run, going, gone, waiting)
            people = replace(people, found=_those_left(found, going, gone))
        add_tokens(connection, learnt(read_tokens(connection)))
        standing = stands_on(read_tokens(connection), people.staged.agreed.epochs.newest)
    flush([path])
    return replace(people, erased=replace(erased, standing=standing))


def _of(tokens: pl.DataFrame, requests: Collection[str]) -> pl.DataFrame:
    import polars as pl

    return tokens.filter(pl.col("request_id").is_in(requests))


def _going(
    run: RunContext, people: People, asked: pl.DataFrame, waiting: Sequence[RightsRequest]
) -> pl.DataFrame:
    """``request_id, line, person_id, record_id, partner`` of all that goes."""
    import polars as pl

    narrow = [one.request_id for one in waiting if one.right in OF_RECORDS]
    of_records = _of(asked, narrow)
    of_people = asked.filter(~pl.col("request_id").is_in(narrow))
    parts = [] if narrow and of_people.is_empty() else [_linked(run, people, of_people)]
    if narrow:
        parts.append(records_met(run.settings, run.run_id, people.staged.key_epoch, of_records))
    going = pl.concat(one.select(GOING) for one in parts)
    cases = run.control.rights_cases()
    beyond = [
        {"request_id": one.request_id, "partner": partner}
        for one in waiting
        if one.request_id in cases
        for partner in run.settings.partners
        if not cases[one.request_id].reaches(partner)
    ]
    frame = pl.DataFrame(beyond, schema={"request_id": pl.String, "partner": pl.String})
    return going.join(frame, on=frame.columns, how="anti").sort(*LINE, "record_id")


def _linked(run: RunContext, people: People, asked: pl.DataFrame) -> pl.DataFrame:
    """The records of people who meet requests, with all that is linked to them.

    Who met a request in the stores of the current run goes with what became of them: the record
    that they were met by may be gone from their partner's new extract.
    """
    import polars as pl

    from linkage import erasure

    persons = persons_met(run.settings, run.run_id, people.staged.key_epoch, asked)
    current = run.control.current_run()
    if current is not None and current.key_epoch is not None:
        before = persons_met(run.settings, current.run_id, current.key_epoch, asked)
        persons = pl.concat([persons, before]).unique()
    with opened_store(run.settings, run.run_id, "identity") as connection:
        became = erasure.went_on_as(connection, persons, run.run_id)
        marked = erasure.read_marks(connection).select("record_id", "partner")
        return erasure.records_of(connection, became).join(marked, on="record_id")


def _met_before(
    run: RunContext, asked: pl.DataFrame, waiting: Sequence[RightsRequest]
) -> list[str]:
    """Ids of people who met requests in the current run, whom perhaps no partner sent again."""
    current = run.control.current_run()
    if current is None or current.key_epoch is None:
        return []
    of_people = _of(asked, [one.request_id for one in waiting if one.right not in OF_RECORDS])
    met = persons_met(run.settings, current.run_id, current.key_epoch, of_people)
    return met["person_id"].to_list()


def _without_records(run: RunContext, going: pl.DataFrame, before: Sequence[str]) -> pl.Series:
    """The ids of people all of whose records go or have gone, and what they were known by before.

    Args:
        run: The run.
        going: The records that go, and whose they are.
        before: Ids of people who met a request before this run.
    """
    import polars as pl

    from linkage import erasure

    persons = going.select("person_id").unique()
    with opened_store(run.settings, run.run_id, "identity") as connection:
        staying = erasure.records_of(connection, persons).join(going, on="record_id", how="anti")
        gone = persons.join(staying, on="person_id", how="anti")["person_id"].to_list()
        gone += erasure.retired(connection, before)
        return pl.Series(erasure.with_former_ids(connection, gone), dtype=pl.String)


def _linked_anew(people: People) -> Linked:
    """What linking found, asked for before anything goes.

    Raises:
        StoreError: Linking did not look, since nothing was new: the stores are the current run's,
            too, and nothing may be deleted from them. A request that waits is new.
    """
    if isinstance(people.found, Run):
        raise StoreError(
            "A rights request came while the run was at work, so nothing was committed.",
            "Run again: the request waits, and is applied then.",
        )
    return people.found


def _those_left(found: Linked, going: pl.DataFrame, gone: pl.Series) -> Linked:
    """What linking found, without what goes: none of it may reach the warehouse."""
    import polars as pl

    def left(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(going, on="record_id", how="anti")

    named = pl.any_horizontal(pl.col("person_before", "person_after").is_in(gone.implode()))
    otherwise = found.appraisal.linked_otherwise
    return replace(
        found,
        record_person=left(found.record_person),
        history=found.history.filter(~named.fill_null(False)),
        appraisal=replace(
            found.appraisal,
            linked_otherwise={weight: left(frame) for weight, frame in otherwise.items()},
        ),
    )


def _new_tokens(
    run: RunContext,
    people: People,
    going: pl.DataFrame,
    asked: pl.DataFrame,
    waiting: Sequence[RightsRequest],
) -> pl.DataFrame:
    """The marks of what goes, in every key epoch that it is staged in, as new tokens.

    Of people all marks are kept; of records that are to be put right their own keys, so that no
    other record of the person is kept out; and of an opt-out nothing but the list.
    """
    import polars as pl

    from governance.rights.suppression import tokens_of
    from linkage import erasure

    rights = {one.request_id: one.right for one in waiting}
    listed = [request for request, right in rights.items() if right == OPT_OUT]
    put_right = [request for request, right in rights.items() if right == RECTIFICATION]
    going = going.filter(~pl.col("request_id").is_in(listed))
    with opened_store(run.settings, run.run_id, "identity") as connection:
        own = erasure.read_marks(connection)
    marks = {people.staged.key_epoch: going.join(own, on="record_id")}
    if _next(run, "identity"):
        with opened_store(run.settings, run.run_id, f"{NEXT}identity") as connection:
            coming = erasure.read_marks(connection).rename({"record_id": "record_id_after"})
            beside = erasure.bridged(connection, going).join(coming, on="record_id_after")
        marks[people.staged.agreed.epochs.newest] = beside
    made = tokens_of(marks, asked, lambda: secrets.randbits(62))
    return made.filter(~pl.col("request_id").is_in(put_right) | (pl.col("ground") == "record"))


def _take_out(
    run: RunContext, going: pl.DataFrame, gone: pl.Series, waiting: Sequence[RightsRequest]
) -> Erased:
    """Delete what goes from this run's stores and write those anew."""
    import polars as pl

    from linkage import erasure

    of_each = dict(going.group_by("request_id").agg(pl.col("record_id").n_unique()).iter_rows())
    requests = {one.request_id: of_each.get(one.request_id, 0) for one in waiting}
    audit = tuple(_entry(run, one, requests[one.request_id]) for one in waiting)
    if going.is_empty() and gone.is_empty():
        return Erased(requests=requests, audit=audit)
    records = going.select("record_id", "partner").unique("record_id")
    if _next(run, "identity"):
        with opened_store(run.settings, run.run_id, f"{NEXT}identity") as connection:
            after = erasure.bridged(connection, records)["record_id_after"]
        _delete(run, NEXT, after, gone)
    rows = _delete(run, "", records["record_id"], gone)
    return Erased(
        requests=requests,
        people=going["person_id"].n_unique(),
        tables=counted(rows, records),
        audit=audit,
    )


def _delete(run: RunContext, beside: str, records: pl.Series, persons: pl.Series) -> Rows:
    """Delete records from a pair of stores; the rows of events that went."""
    from linkage import erasure as identity
    from warehouse import erasure as events

    with _store(run, f"{beside}identity") as connection:
        identity.remove(connection, records, persons)
    with _store(run, f"{beside}staging") as connection:
        rows = rows_of(connection, run.settings.partners, records)
        for gone in rows.values():
            events.remove(connection, gone)
    return rows


def _store(run: RunContext, name: str) -> AbstractContextManager[Any]:
    """A store that is deleted from, and then written anew without what was deleted."""
    return rewritten(run.stores / f"{name}.duckdb", store_keys(run.settings, run.run_id)[name])


def _next(run: RunContext, name: str) -> bool:
    """Whether there are stores of the next key epoch beside the run's."""
    return (run.stores / f"{NEXT}{name}.duckdb").is_file()


def _entry(run: RunContext, request: RightsRequest, records: int) -> AuditEntry:
    return run.recorder.entry(
        "erasure",
        run.clock(),
        partner=request.partner,
        detail={"request": request.request_id, "right": request.right, "records": records},
    )
