"""Lists of people who opted out of their confidential information being used beyond their care.

A list takes the place of the one before it as a whole, so people who opted in again come back when
their records are next sent. It reaches the records of one partner, and nothing linked to them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flows.clock import Clock, local_day, utc_now
from flows.committed import opened_store
from flows.context import open_control, run_lock
from flows.intake import apart
from flows.rights.asked import Asked, read_list
from flows.rights.cases import opened_case, record_of, request_of, routes_of, terms_of
from flows.rights.erasing import OPT_OUT
from flows.rights.finding import find
from flows.rights.requests import (
    Answered,
    current_run,
    keep_tokens,
    purpose_keys,
    refuse_identifiers,
    request_tokens,
)
from flows.settings import Settings
from governance.control import RightsRequest, Run
from schemas.errors import AgreementError, ConfigError

GROUND = "nhs_number"

SHRINKS = 0.5
"""A list of fewer than this share of the numbers of the one before is told (policy, 2026-11-22)."""


def opt_out(
    settings: Settings,
    partner: str,
    path: Path,
    *,
    cleaned: bool = False,
    nobody: bool = False,
    preview: bool = False,
    clock: Clock = utc_now,
) -> Answered:
    """Take in a list of people who opted out, in the place of the last one.

    Args:
        settings: The partnership.
        partner: Whose patients they are.
        path: A list of NHS numbers, one a line, under the header of the partner's contract.
        cleaned: The list is of those who did *not* opt out: what a check for opt-outs gave back of
            the numbers sent to it. Whoever is staged with another number has opted out.
        nobody: Nobody has opted out: the list has a header and no line. Without it such a list is
            refused, since it is mostly one that was cut short.
        preview: Only tell what would go.
        clock: The clock.

    Raises:
        AgreementError: By its agreement no opt-out applies to the partner's data.
        ExtractRejected: The list cannot be used, or the partner encodes at source.
        ConfigError: There is no such partner.
        StoreError: There is no run to look in, or a store cannot be read or written.
    """
    if partner not in settings.partners:
        raise ConfigError(
            "There is no such partner.", f"Name one of {', '.join(settings.partners)}."
        )
    agreement = terms_of(settings, partner)
    if not agreement.opt_outs_apply:
        raise AgreementError(
            f"By the {partner} agreement no opt-out applies to what it shares.",
            "Have `opt_out` under `law` agreed as the controllers' advisers say, or give single "
            "people's objections with `journeys rights object`.",
        )
    with run_lock(settings), open_control(settings) as control:
        current = current_run(control)
        refuse_identifiers(settings, partner)
        today, keys = local_day(clock()), purpose_keys(settings)
        asked = apart.in_a_child(read_list, path, agreement, keys, today, nobody and not cleaned)
        given, people = asked.people, _numbers(asked)
        if cleaned:
            asked = _everyone_else(settings, current, partner, asked)
        request_id = secrets.token_hex(16)
        tokens = request_tokens(request_id, asked, current.key_epoch)
        people = asked.people if cleaned else people
        found = find(settings, current, partner, asked.people, tokens, linked=False)
        found = replace(found, people=people)
        case = opened_case(request_id, OPT_OUT, partner, None, (partner,), clock)
        request = request_of(case, OPT_OUT, people, len(found.unknown), clock)
        before = [
            one for one in control.live_requests() if (one.right, one.partner) == (OPT_OUT, partner)
        ]
        routes, said = routes_of(settings, OPT_OUT, [partner], today)
        said += _of_the_list(given, 0 if cleaned else given - people, people, before)
        answered = Answered(request_id, OPT_OUT, partner, preview, found, case.due_on, routes, said)
        if preview:
            control.add_audit(record_of(settings, request, "consultation", "previewed"))
            return answered
        replaced = [one.request_id for one in before]
        keep_tokens(settings, control, current, tokens)
        entry = record_of(settings, request, "alteration", "taken in")
        control.add_request(request, entry, case, replaced)
    return answered


def _numbers(asked: Asked) -> int:
    """How many different numbers a list has."""
    return next(iter(asked.marks.values()))[GROUND].n_unique()


def _of_the_list(
    given: int, twice: int, people: int, before: Sequence[RightsRequest]
) -> tuple[str, ...]:
    """What may be amiss with a list: numbers that come twice, and many fewer than there were."""
    said = []
    if twice:
        said.append(f"{twice:,} of its {given:,} lines say a number again; it counts once.")
    last = max(before, key=lambda one: one.received_at, default=None)
    if last is not None and people < SHRINKS * last.people:
        said.append(
            f"It has {people:,} people and the list before it {last.people:,}: if it was cut "
            "short, give the whole one before the next run, or people who opted out come in."
        )
    return tuple(said)


def _everyone_else(settings: Settings, current: Run, partner: str, cleaned: Asked) -> Asked:
    """Whoever of a partner is staged with a number that a cleaned list lacks."""
    import polars as pl

    from linkage import erasure
    from schemas.marks import marks_schema

    epoch = current.key_epoch or 0
    if epoch not in cleaned.marks:  # refused as any request is: else everybody had opted out
        return cleaned
    with opened_store(settings, current.run_id, "identity") as connection:
        marks = erasure.read_marks(connection).filter(partner=partner)
    staged = marks[GROUND].drop_nulls().unique().sort()
    listed = cleaned.marks[epoch][GROUND].drop_nulls()
    left = staged.filter(~staged.is_in(listed.implode()))
    lines = pl.int_range(1, len(left) + 1, dtype=pl.Int32, eager=True).alias("line")
    nothing = pl.DataFrame(schema=marks_schema()).clear(len(left))
    return Asked(len(left), {epoch: nothing.with_columns(left.alias(GROUND), lines)})
