"""Rights requests: taken in from an officer's file, looked up, told in numbers, and kept for a run.

What a request is of is known by keyed tokens only. The control database says that it was made and,
by the run that applied it, that it was done.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flows import apart
from flows.asked import Asked, line_words, read_request
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.files import flush
from flows.finding import Found, find
from flows.keys import SUPPRESSION, ring_of, store_keys
from flows.sealed_request import is_sealed, open_request
from flows.settings import Settings
from flows.suppressed import opened, store_path
from governance.agreements import check_purpose, load_agreement
from governance.audit import Recorder
from governance.control import AuditEntry, Control, RightsRequest, Run
from schemas.errors import ConfigError, ExtractRejected, KeyProblem, StoreError

if TYPE_CHECKING:
    import polars as pl

Right = Literal["objection", "erasure"]

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
    """What became of a request: its random id, whether it was only looked up, what was found."""

    request_id: str
    right: Right
    partner: str
    preview: bool
    found: Found

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "found": vars(self.found)}


def ask(
    settings: Settings,
    right: Right,
    partner: str,
    path: Path,
    *,
    reason: str = REASONS[0],
    preview: bool = False,
    keep_unknown: bool = False,
    clock: Clock = utc_now,
) -> Answered:
    """Take in a request, or only look up what it would come to.

    Args:
        settings: The partnership.
        right: What the people ask for.
        partner: Whose officer gives the request.
        path: Its file: identifiers, or what the partner sealed.
        reason: One of `REASONS`.
        preview: Tell what would go, and keep nothing.
        keep_unknown: Keep tokens of people who are not known here, so that they never come in.
        clock: The clock.

    Raises:
        ExtractRejected: The file cannot be used, or somebody in it is not known or not sure.
        ConfigError: There is no such partner or reason, or the partner has to seal its requests.
        StoreError: There is no run to look in, or a store cannot be read or written.
    """
    if partner not in settings.partners or reason not in REASONS:
        raise ConfigError(
            "There is no such partner or reason.",
            f"Name one of {', '.join(settings.partners)}, and one of {', '.join(REASONS)}.",
        )
    with run_lock(settings), open_control(settings) as control:
        current = _current(control)
        request_id, asked = _read(settings, partner, path, clock)
        tokens = _tokens(request_id, asked, current.key_epoch)
        found = find(settings, current, partner, asked.people, tokens)
        request = RightsRequest(
            request_id=request_id,
            right=right,
            partner=partner,
            reason=reason,
            received_at=clock(),
            actor=actor(),
            people=asked.people,
            unknown=len(found.unknown),
        )
        if preview:
            control.add_audit(_entry(settings, request, "consultation", "previewed"))
            return Answered(request_id, right, partner, preview, found)
        problem = _problem(found, keep_unknown) or _repeated(control, request_id)
        if problem is not None:
            control.add_audit(_entry(settings, request, "consultation", "refused"))
            raise problem
        _keep(settings, control, current, tokens)
        control.add_request(request, _entry(settings, request, "alteration", "taken in"))
    return Answered(request_id, right, partner, preview, found)


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
        waiting = [
            one
            for one in control.rights_requests()
            if one.applied_run is None and one.request_id.startswith(begins)
        ]
        if len(begins) < SHORTEST_ID or len(waiting) != 1:
            raise ConfigError(
                "No one request that waits has this id.",
                f"Give the first {SHORTEST_ID} characters or more of an id that "
                "`journeys rights status` lists as waiting; what a run has applied is done.",
            )
        entry = _entry(settings, waiting[0], "alteration", "withdrawn")
        control.withdraw_request(waiting[0].request_id, replace(entry, at=clock()))
    return waiting[0]


def status(settings: Settings) -> dict[str, Any]:
    """Every request and how it stands, and what was made public before the last that was applied.

    Returns:
        ``requests``, ``reaudit`` (publications and waiting drafts that people who have since gone
        are counted in), ``handed_out`` (who was given a role's file that may hold them) and
        ``tokens_behind`` (suppression tokens by the older key epoch that they stand on).
    """
    with open_control(settings) as control:
        requests = control.rights_requests()
        before = control.runs_before_an_erasure()
        return {
            "requests": [
                vars(one) | {"received_at": one.received_at.isoformat()} for one in requests
            ],
            "reaudit": {
                "publications": [
                    one.publication_id
                    for one in control.publications()
                    if _counted(control, one.run_id) & before
                ],
                "drafts": [
                    one.run_id
                    for one in control.waiting_drafts()
                    if _counted(control, one.run_id) & before
                ],
            },
            "handed_out": [
                f"{one.recipients}, {one.at:%Y-%m-%d}"
                for one in control.audit_entries("disclosure")
                if "role" in one.detail and one.run_id in before
            ],
            "tokens_behind": {str(epoch): n for epoch, n in control.standing_tokens().items()},
        }


def _counted(control: Control, draft_id: str) -> set[str]:
    """The runs whose warehouse a draft counted."""
    return {draft_id, *(one.counted_run for one in control.draft_releases(draft_id))}


def _current(control: Control) -> Run:
    current = control.current_run()
    if current is None or current.key_epoch is None:
        raise StoreError(
            "Nothing has been taken in yet, so there is nobody to look for.",
            "Run `journeys run` first, then give the request again.",
        )
    return current


def _read(settings: Settings, partner: str, path: Path, clock: Clock) -> tuple[str, Asked]:
    """A request's random id and who it is of; a file with names is opened in a child only."""
    if is_sealed(path):
        return open_request(settings, partner, path)
    part = settings.partner(partner)
    if part.encodes_with is not None:
        raise ExtractRejected(
            f"{partner} encodes at source, so no identifier of its people may come to the hub.",
            "Remove this file safely, and ask the partner for a request that it sealed itself "
            "(`journeys rights seal`).",
        )
    agreement = load_agreement(part.agreement)
    check_purpose(agreement, partner, settings.purpose)
    ring = ring_of(settings, "identifier")
    keys = {epoch: ring.root(epoch).purpose_key(settings.purpose, epoch) for epoch in ring.epochs}
    asked = apart.in_a_child(read_request, path, agreement, keys, local_day(clock()))
    return secrets.token_hex(16), asked


def _tokens(request_id: str, asked: Asked, epoch: int | None) -> pl.DataFrame:
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


def _problem(found: Found, keep_unknown: bool) -> ExtractRejected | None:
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


def _repeated(control: Control, request_id: str) -> ExtractRejected | None:
    if request_id not in {one.request_id for one in control.rights_requests()}:
        return None
    return ExtractRejected(
        "This sealed request was taken in before.",
        "See `journeys rights status`; ask the partner to seal it again if it is a new one.",
    )


def _keep(settings: Settings, control: Control, current: Run, tokens: pl.DataFrame) -> None:
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
        keep_requests(connection, [one.request_id for one in control.rights_requests()])
        add_tokens(connection, tokens)
    flush([beside])
    beside.replace(path)
    flush([path])


def _entry(settings: Settings, request: RightsRequest, action: str, said: str) -> AuditEntry:
    return Recorder(actor(), settings.purpose).entry(
        action,
        request.received_at,
        partner=request.partner,
        detail={
            "request": request.request_id,
            "right": request.right,
            "said": said,
            "people": request.people,
        },
    )
