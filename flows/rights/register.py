"""The register of erasures: what was taken out, kept where a restored backup does not reach.

A partnership folder that is put back from before an erasure brings the people back, and its control
database knows of no erasure. So every erasure and every partner taken out is entered in a folder
outside, one file each: in the clear its id and when it was applied, and sealed, under a key that
only the store key opens, the request with its suppression tokens. Where an entry is there that the
control database does not know, releases are not read, and the next run applies it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.committed import changed_store, rewritten
from flows.context import actor, open_control, run_lock
from flows.keys.rings import SUPPRESSION, store_keys
from flows.readers.reasons import checked_reason
from flows.retention.contribution import finish_removals
from flows.rights.erasing import OPT_OUT
from flows.rights.register_entries import Opened, decided_at, opened_entry, sealed_entries
from flows.rights.register_files import (
    Entry,
    begin_anew,
    read_entries,
    register_is_there,
    write_entries,
)
from flows.rights.suppressed import store_path
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import AuditEntry, Control, Removal
from schemas.errors import ConfigError, JourneysError, StoreError

if TYPE_CHECKING:
    import polars as pl

WAS_PUT_BACK = (
    "This folder was put back from before an erasure or a link that was put right, so people who "
    "were erased are in it, or records that were put apart are together."
)
ERASE_AGAIN = "Run `journeys run`, which erases them again and puts those records apart."
AGAIN, ENDED = "put back, to be applied again", "ended before the folder was put back"


class PutBack(JourneysError):
    """The folder was put back from before an erasure: people who were erased are in it."""


def enter(settings: Settings, control: Control) -> int:
    """Enter what was applied or taken out and is not in the register; mark what no longer holds.

    Returns:
        How many entries were written.

    Raises:
        NoRegister: The register is not there, or is not the one that it was.
        StoreError: An entry cannot be written, or a store that it is made of cannot be read.
        KeyProblem: The store key cannot be used.
    """
    if settings.retention.erasures is None:
        return 0
    known, live = (
        read_entries(settings, control),
        {one.request_id for one in control.live_requests()},
    )
    applied = [one for one in control.rights_requests() if one.applied_run is not None]
    coming = [one for one in applied if one.request_id in live and one.request_id not in known]
    new = [_removal_entry(one) for one in control.removals() if _id_of(one) not in known]
    if coming:
        new += sealed_entries(settings, control, coming)
    given = {one.request_id for one in applied}
    lifted = [one for one in known.values() if one.id in given - live and not one.ended]
    new += [Entry(one.kind, one.id, one.at, ended=True) for one in lifted]
    write_entries(settings, control, new)
    return len(new)


def unknown(settings: Settings, control: Control) -> list[Entry]:
    """The entries that the control database does not know to be applied, oldest first."""
    applied = {one.request_id for one in control.rights_requests() if one.applied_run is not None}
    applied |= {_id_of(one) for one in control.removals()}
    found = read_entries(settings, control).values()
    return sorted(
        (one for one in found if not one.ended and one.id not in applied), key=lambda one: one.at
    )


def check_not_put_back(settings: Settings, control: Control) -> None:
    """Refuse to read or hand out what was put back from before an erasure.

    Raises:
        PutBack: It was.
    """
    if unknown(settings, control):
        raise PutBack(WAS_PUT_BACK, ERASE_AGAIN)


def put_back(settings: Settings, control: Control, clock: Clock) -> int:
    """Have the next run apply again what the control database does not know. Hold the lock.

    Returns:
        How many entries it did not know.

    Raises:
        StoreError: The folder was put back from an earlier key epoch than the erasure was made in,
            or a store cannot be read or written.
        KeyProblem: The store key that the register is sealed with is not there.
    """
    _end_again(settings, control, clock)
    missing = unknown(settings, control)
    sealed = [opened_entry(settings, one) for one in missing if one.sealed]
    _check_epochs(control, sealed)
    tokens = [one.tokens for one in sealed if one.tokens is not None]
    if tokens:
        _put_tokens(settings, control, tokens)
    for put in sealed:
        if put.tokens is None:
            _put_apart(settings, control, put)
        entry = _entry(settings, clock, put.request.partner, {"request": put.request.request_id})
        case = put.case
        if case is not None and _replaced(control, put):
            case = replace(case, ended_at=clock())
        control.put_back_request(put.request, case, entry)
    for one in missing:
        if one.kind == "removal":
            _take_out_again(settings, control, one, clock)
    return len(missing)


def put_in_line(settings: Settings, control: Control, clock: Clock) -> None:
    """Before anything else is done with a folder: finish what was begun of taking partners out.

    What the register knows and the control database does not is taken up again first, and what the
    control database knows and the register does not is entered. Hold the lock.

    Raises:
        StoreError: A store or the register cannot be read or written.
        KeyProblem: The store key cannot be used.
    """
    put_back(settings, control, clock)
    finish_removals(settings, control, clock)
    enter(settings, control)


def new_register(settings: Settings, reason: str, *, clock: Clock = utc_now) -> int:
    """Begin another register where the one that there was is lost for good.

    What the control database knows is entered in it, and what is in its folder counts.

    Args:
        settings: The partnership.
        reason: Why, for the record.
        clock: The clock.

    Returns:
        How many entries were written.

    Raises:
        ConfigError: The register is there, so that no other is wanted.
        NoRegister: partnership.yaml names no folder for it, or nothing has run.
        StoreError: It cannot be written.
        Busy: A run is at work.
    """
    said = {"register": "begun anew", "why": checked_reason(reason)}
    with run_lock(settings), open_control(settings) as control:
        if register_is_there(settings, control):
            raise ConfigError(
                "The register of erasures is there, as it was left.",
                "Nothing has to be done; `journeys status` says what is amiss with a folder.",
            )
        entry = Recorder(actor(), settings.purpose).entry("oversight", clock(), detail=said)
        begin_anew(settings, control, entry)
        return enter(settings, control)


def _take_out_again(settings: Settings, control: Control, entry: Entry, clock: Clock) -> None:
    """Record once more that a partner was taken out."""
    current, partner = control.current_run(), entry.id.split("-", 1)[0]
    if current is not None:
        at, why = datetime.fromisoformat(entry.at), "taken out before the folder was put back"
        removal = Removal(partner, current.run_id, at, actor(), why)
        control.begin_removal(removal, _entry(settings, clock, partner, {"taken out": why}))


def _entry(
    settings: Settings, clock: Clock, partner: str, detail: Mapping[str, str], said: str = AGAIN
) -> AuditEntry:
    return Recorder(actor(), settings.purpose).entry(
        "alteration", clock(), partner=partner, detail={**detail, "said": said}
    )


def _end_again(settings: Settings, control: Control, clock: Clock) -> None:
    """End what the register says has ended: a restriction that was lifted, a list replaced."""
    live = {one.request_id: one for one in control.live_requests()}
    for one in read_entries(settings, control).values():
        if one.ended and one.id in live:
            entry = _entry(settings, clock, live[one.id].partner, {"request": one.id}, ENDED)
            control.change_case(one.id, entry, ended_at=clock())


def _replaced(control: Control, coming: Opened) -> bool:
    """Whether a list of opt-outs that is put back is older than the one that there is."""
    return coming.request.right == OPT_OUT and any(
        (one.right, one.partner) == (OPT_OUT, coming.request.partner)
        and one.received_at > coming.request.received_at
        for one in control.live_requests()
    )


def _check_epochs(control: Control, sealed: list[Opened]) -> None:
    """Refuse what cannot be found in the stores: they are in an earlier key epoch than it.

    Raises:
        StoreError: They are.
    """
    current = control.current_run()
    epoch = None if current is None else current.key_epoch
    behind = [one for one in sealed if epoch not in one.epochs]
    if behind:
        raise StoreError(
            f"This folder was put back from key epoch {epoch}, and {len(behind)} erasures or "
            "links put apart were made in a newer one, so they cannot be found in it.",
            "Put back a backup from after the last rotation of the identifier key.",
        )


def _put_tokens(settings: Settings, control: Control, tokens: list[pl.DataFrame]) -> None:
    """Put the tokens of requests into the suppression store of the current run."""
    import polars as pl

    from governance.rights.tokens import add_tokens, create, keep_requests, read_tokens

    current = control.current_run()
    path = None if current is None else store_path(settings, current.run_id)
    if current is None or path is None or not path.is_file():
        raise StoreError(
            "This folder was put back from before an erasure, and has no store to apply it in.",
            "Put back a newer backup.",
        )
    with rewritten(path, store_keys(settings, current.run_id)[SUPPRESSION]) as connection:
        create(connection)
        keep_requests(connection, [one.request_id for one in control.rights_requests()])
        there = read_tokens(connection)
        coming = pl.concat(tokens).unique(["value_id", "epoch"])
        add_tokens(connection, coming.join(there, on=["value_id", "epoch"], how="anti"))


def _put_apart(settings: Settings, control: Control, one: Opened) -> None:
    """Decide once more that records are of different people, unless that was done already."""
    import polars as pl

    from linkage import review_store
    from linkage.review import PAIR
    from linkage.review_queue import HUB

    current = control.current_run()
    if current is None:
        return
    at = decided_at(one.request)
    decided = review_store.Decided("different", review_store.RECTIFIED, one.officer, at)
    pairs = pl.DataFrame(one.pairs, schema=dict.fromkeys(PAIR, pl.Int64), orient="row")
    with changed_store(settings, current.run_id, "identity") as connection:
        if not review_store.rectified_at(connection, at):
            review_store.put_apart(connection, pairs, decided, asked=HUB)


def _removal_entry(removal: Removal) -> Entry:
    return Entry("removal", _id_of(removal), removal.begun_at.isoformat())


def _id_of(removal: Removal) -> str:
    return f"{removal.partner}-{removal.begun_at:%Y%m%d-%H%M%S-%f}"
