"""Rights requests: taken in from an officer's file, looked up, told in numbers, and kept for a run.

What a request is of is known by keyed tokens only. The control database says that it was made, by
when the person has to be told (`flows.rights.cases`) and, by the run that applied it, that it was
done.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flows.clock import Clock, local_day, utc_now
from flows.context import open_control, run_lock
from flows.files import flush
from flows.intake import apart
from flows.keys.rings import SUPPRESSION, ring_of, store_keys
from flows.rights.asked import Asked, line_words, read_request
from flows.rights.cases import opened_case, record_of, request_of, routes_of, terms_of
from flows.rights.erasing import OPT_OUT
from flows.rights.finding import Found, find
from flows.rights.sealed_request import is_sealed, open_request
from flows.rights.suppressed import opened, store_path
from flows.settings import Settings
from governance.control import Control, RightsRequest, Run
from schemas.errors import ConfigError, ExtractRejected, KeyProblem, StoreError

if TYPE_CHECKING:
    import polars as pl

    from governance.keys.root import PurposeKey
    from governance.rights.law import Route

Right = Literal["objection", "erasure", "rectification"]

LINK = "link"
"""What a rectification of a wrong link is called in the record (`flows.rights.rectify`)."""

REASONS = (
    "not-stated",
    "objection-upheld",
    "consent-withdrawn",
    "no-longer-needed",
    "unlawful",
    "legal-obligation",
    "opt-out",
)
"""Why, in words that cannot hold a value: UK GDPR Articles 17(1) and 21, DPA 2018 section 47."""


SHORTEST_ID = 8

UNKNOWN = "Nobody with a record of this partner is known by"
DIFFERING = (
    "An identifier, or names, date of birth and sex, are not those of the person whom the rest "
    "names in"
)


@dataclass(frozen=True)
class Answered:
    """What became of a request.

    Attributes:
        request_id: Its random id.
        right: What was asked for.
        partner: Whose officer gave it.
        preview: Whether it was only looked up.
        found: Who and what it is of, in numbers.
        due_on: The last day on which the person may be told.
        routes: How the right stands for each partner whose records are concerned.
        said: What else is to be told of it.
    """

    request_id: str
    right: str
    partner: str
    preview: bool
    found: Found
    due_on: date
    routes: Mapping[str, Route]
    said: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **vars(self),
            "found": vars(self.found),
            "due_on": self.due_on.isoformat(),
            "routes": {partner: vars(one) for partner, one in self.routes.items()},
            "said": list(self.said),
        }


def ask(
    settings: Settings,
    right: Right,
    partner: str,
    path: Path,
    *,
    reason: str = REASONS[0],
    preview: bool = False,
    keep_unknown: bool = False,
    received: date | None = None,
    clock: Clock = utc_now,
) -> Answered:
    """Take in a request, or only look up what it would come to.

    Args:
        settings: The partnership.
        right: What the people ask for. An objection or erasure is of people, with all that is
            linked to them; a rectification of the very records of the partner, which stay out
            until they are put right.
        partner: Whose officer gives the request.
        path: Its file: identifiers, or what the partner sealed.
        reason: One of `REASONS`.
        preview: Tell what would go, and keep nothing.
        keep_unknown: Keep tokens of people who are not known here, so that they never come in.
        received: The day on which the people asked, today if None: the time to answer runs from it.
        clock: The clock.

    Raises:
        ExtractRejected: The file cannot be used, or somebody in it is not known or not sure.
        ConfigError: There is no such partner or reason, the day is to come, or the partner has to
            seal its requests.
        StoreError: There is no run to look in, or a store cannot be read or written.
    """
    if partner not in settings.partners or reason not in REASONS:
        raise ConfigError(
            "There is no such partner or reason.",
            f"Name one of {', '.join(settings.partners)}, and one of {', '.join(REASONS)}.",
        )
    reach = (partner,) if right == "rectification" else None
    with run_lock(settings), open_control(settings) as control:
        current = current_run(control)
        request_id, asked = read_asked(settings, partner, path, clock)
        case = opened_case(request_id, right, partner, received, reach, clock)
        tokens = request_tokens(request_id, asked, current.key_epoch)
        found = find(settings, current, partner, asked.people, tokens, linked=reach is None)
        request = request_of(case, reason, asked.people, len(found.unknown), clock)
        routes, said = routes_of(settings, right, found.tables, local_day(clock()))
        answered = Answered(request_id, right, partner, preview, found, case.due_on, routes, said)
        if preview:
            control.add_audit(record_of(settings, request, "consultation", "previewed"))
            return answered
        problem = problem_of(found, keep_unknown) or repeated(control, request_id)
        if problem is not None:
            control.add_audit(record_of(settings, request, "consultation", "refused"))
            raise problem
        keep_tokens(settings, control, current, tokens)
        entry = record_of(settings, request, "alteration", "taken in")
        control.add_request(request, entry, case)
    return answered


def withdraw(settings: Settings, begins: str, *, clock: Clock = utc_now) -> RightsRequest:
    """Take back a request that waits for a run.

    Args:
        settings: The partnership.
        begins: The first eight characters of its id, or more.
        clock: The clock.

    Raises:
        ConfigError: No one request that waits has such an id.
    """
    with run_lock(settings), open_control(settings) as control:
        waiting = [one for one in control.waiting_requests() if one.request_id.startswith(begins)]
        if any(one.right == OPT_OUT for one in waiting):
            raise ConfigError(
                "A list of opt-outs is replaced, not withdrawn: else nobody would be kept out.",
                "Give the right list with `journeys rights opt-out`, before the next run.",
            )
        if any(one.right == LINK for one in waiting):
            raise ConfigError(
                "Records that were put apart are not brought together by withdrawing.",
                "List them with `journeys link review list --decided` and decide them anew.",
            )
        if len(begins) < SHORTEST_ID or len(waiting) != 1:
            raise ConfigError(
                "No one request that waits has this id.",
                f"Give the first {SHORTEST_ID} characters or more of an id that "
                "`journeys rights status` lists as waiting; what a run has applied is done.",
            )
        entry = record_of(settings, waiting[0], "alteration", "withdrawn")
        control.withdraw_request(waiting[0].request_id, replace(entry, at=clock()))
    return waiting[0]


def current_run(control: Control) -> Run:
    """The run whose stores requests are looked up in.

    Raises:
        StoreError: There is none yet.
    """
    current = control.current_run()
    if current is None or current.key_epoch is None:
        raise StoreError(
            "Nothing has been taken in yet, so there is nobody to look for.",
            "Run `journeys run` first, then give the request again.",
        )
    return current


def read_asked(settings: Settings, partner: str, path: Path, clock: Clock) -> tuple[str, Asked]:
    """A request's random id and who it is of; a file with names is opened in a child only."""
    if is_sealed(path):
        return open_request(settings, partner, path)
    refuse_identifiers(settings, partner)
    agreement, keys = terms_of(settings, partner), purpose_keys(settings)
    asked = apart.in_a_child(read_request, path, agreement, keys, local_day(clock()))
    return secrets.token_hex(16), asked


def refuse_identifiers(settings: Settings, partner: str) -> None:
    """Refuse a file of identifiers of a partner that encodes at source.

    Raises:
        ExtractRejected: It does.
    """
    if settings.partner(partner).encodes_with is not None:
        raise ExtractRejected(
            f"{partner} encodes at source, so no identifier of its people may come to the hub.",
            "Remove this file safely, and ask the partner for a request that it sealed itself "
            "(`journeys rights seal`).",
        )


def purpose_keys(settings: Settings) -> dict[int, PurposeKey]:
    """The purpose's key in every epoch of the identifier key."""
    ring = ring_of(settings, "identifier")
    return {epoch: ring.root(epoch).purpose_key(settings.purpose, epoch) for epoch in ring.epochs}


def request_tokens(request_id: str, asked: Asked, epoch: int | None) -> pl.DataFrame:
    """What a request gives, as suppression tokens.

    Raises:
        KeyProblem: It was not marked in the key epoch that the stores are in.
    """
    import polars as pl

    from governance.rights.suppression import TOKEN_SCHEMA, tokens_of

    if epoch not in asked.marks:
        raise KeyProblem(
            f"The request was not made in key epoch {epoch}, which the staged data are in.",
            "Put that epoch of the identifier key back, or give the partner a new bundle.",
        )
    marks = {
        epoch: frame.with_columns(
            pl.lit(request_id).alias("request_id"),
            pl.int_range(frame.height, dtype=pl.Int64).alias("record_id"),
        )
        for epoch, frame in asked.marks.items()
    }
    return tokens_of(marks, pl.DataFrame(schema=TOKEN_SCHEMA), lambda: secrets.randbits(62))


def problem_of(found: Found, keep_unknown: bool) -> ExtractRejected | None:
    """Why a request is not taken in as it is; all of it at once."""
    told = [
        f"{said} {line_words(lines)}."
        for said, lines in (
            (UNKNOWN, () if keep_unknown else found.unknown),
            ("More than one person here is known by", found.several),
            (DIFFERING, found.differing),
        )
        if lines
    ]
    if not told:
        return None
    return ExtractRejected(
        " ".join(told),
        "Correct these lines. Where one gives identifiers of several records that are all the "
        "same person's, give each on a line of its own; leave out what has changed or was never "
        "sent; with --keep-unknown, who is not known here is kept out from now on.",
    )


def repeated(control: Control, request_id: str) -> ExtractRejected | None:
    """Why a sealed request that was taken in before is not taken in again."""
    before = {one.request_id for one in control.rights_requests()} | control.rights_cases().keys()
    if request_id not in before:
        return None
    return ExtractRejected(
        "This sealed request was taken in before.",
        "See `journeys rights status`; ask the partner to seal it again if it is a new one.",
    )


def keep_tokens(settings: Settings, control: Control, current: Run, tokens: pl.DataFrame) -> None:
    """Put the tokens of a request into the current run's suppression store, written anew."""
    from governance.rights.tokens import add_tokens, keep_requests
    from warehouse.connect import rewrite_store

    path = store_path(settings, current.run_id)
    key = store_keys(settings, current.run_id)[SUPPRESSION]
    beside = path.with_suffix(".coming")
    beside.unlink(missing_ok=True)
    rewrite_store(path, beside, key, key)
    with opened(beside, key) as connection:
        # Of a command that was killed, tokens may be left that no request is recorded of.
        keep_requests(connection, [one.request_id for one in control.live_requests()])
        add_tokens(connection, tokens)
    flush([beside])
    beside.replace(path)
    flush([path])
