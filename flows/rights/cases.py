"""The legal side of rights requests: how each is routed, by when it is answered, and refusals.

A partner's records stay under UK GDPR or under Part 3 of the Data Protection Act 2018, as its
agreement says; the rights and the grounds of refusing one are not the same in both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.settings import Settings
from governance.agreements import check_purpose, load_agreement
from governance.audit import Recorder
from governance.control import AuditEntry, Control, RightsCase, RightsRequest
from governance.rights import law
from schemas.errors import AgreementError, ConfigError

if TYPE_CHECKING:
    from governance.agreements import Agreement

SHORTEST_ID = 8


@dataclass(frozen=True)
class Refused:
    """A refusal: for whose records, on which ground, and by when the person is to be told of it."""

    request_id: str
    ground: law.Ground
    partners: tuple[str, ...]
    due_on: date
    as_a_whole: bool


def opened_case(
    request_id: str,
    right: str,
    partner: str,
    received: date | None,
    reach: tuple[str, ...] | None,
    clock: Clock,
) -> RightsCase:
    """The legal side of a request that comes in.

    Args:
        request_id: Its id.
        right: What is asked for.
        partner: Whose officer gives it.
        received: When the people asked; today if None.
        reach: Whose records it is about; None is everybody's.
        clock: The clock.

    Raises:
        ConfigError: The day is still to come.
    """
    today = local_day(clock())
    day = received or today
    if day > today:
        raise ConfigError(
            "The day on which the request was received is still to come.",
            "Give the day on which the person asked, which the time to answer runs from.",
        )
    return RightsCase(request_id, right, partner, day, law.due_on(day), reach)


def request_of(
    case: RightsCase, reason: str, people: int, unknown: int, clock: Clock
) -> RightsRequest:
    """What the control database keeps of a request: who gave it when, and of how many people.

    Args:
        case: Its legal side.
        reason: One of `flows.rights.requests.REASONS`, or `OPT_OUT`.
        people: How many people it names.
        unknown: How many of them are not known here.
        clock: The clock.
    """
    return RightsRequest(
        request_id=case.request_id,
        right=case.right,
        partner=case.partner,
        reason=reason,
        received_at=clock(),
        actor=actor(),
        people=people,
        unknown=unknown,
    )


def terms_of(settings: Settings, partner: str) -> Agreement:
    """A partner's agreement, whether or not it is in force: a right does not lapse with it.

    Raises:
        AgreementError: It cannot be read, or is another partner's or for another purpose.
    """
    agreement = load_agreement(settings.partner(partner).agreement, local_day(utc_now()))
    check_purpose(agreement, partner, settings.purpose)
    return agreement


def routes_of(
    settings: Settings, right: str, partners: Collection[str], today: date
) -> tuple[dict[str, law.Route], tuple[str, ...]]:
    """How a right stands for the records of some partners, and which agreements have lapsed.

    A right does not lapse with an agreement; of one that cannot be read nothing is known but that.
    """
    routes: dict[str, law.Route] = {}
    said = []
    for partner in settings.partners:
        try:
            agreement = terms_of(settings, partner)
            if partner in partners:
                regime = law.regime_of(under_part_3=agreement.under_part_3)
                routes[partner] = law.route(right, regime)
            agreement.check_in_force(today)
        except AgreementError as error:
            said.append(
                f"{error.problem} The request reaches what is held of {partner} all the same."
            )
    return routes, tuple(said)


def refuse(
    settings: Settings,
    begins: str,
    code: str,
    partners: Iterable[str] = (),
    *,
    clock: Clock = utc_now,
) -> Refused:
    """Refuse a request for the records of some partners, on a statutory ground.

    Args:
        settings: The partnership.
        begins: The first eight characters of its id, or more.
        code: The ground's code.
        partners: Whose records; all that are under the part of the law which the ground is of, if
            none is named.
        clock: The clock.

    Raises:
        ConfigError: There is no such request, ground or partner, the ground is none for this right
            or those records, or a run has applied the request.
    """
    ground = _ground(code)
    with run_lock(settings), open_control(settings) as control:
        case = case_named(control, begins)
        applied = {
            one.request_id for one in control.rights_requests() if one.applied_run is not None
        }
        if case.request_id in applied or case.ended_at is not None:
            raise ConfigError(
                "A run has applied this request, or it has ended, so it cannot be refused.",
                "Refuse a request before the next run; `journeys rights status` lists which wait.",
            )
        refused = _for_whom(settings, case, ground, tuple(partners))
        reached = {one for one in settings.partners if case.reaches(one)} - set(refused)
        entry = Recorder(actor(), settings.purpose).entry(
            "oversight",
            clock(),
            partner=case.partner,
            detail={"request": case.request_id, "right": case.right, "said": "refused"}
            | {"ground": code, "due": case.due_on.isoformat()},
        )
        control.refuse_request(
            case.request_id, dict.fromkeys(refused, code), entry, as_a_whole=not reached
        )
    return Refused(case.request_id, ground, refused, case.due_on, not reached)


def extend(settings: Settings, begins: str, *, clock: Clock = utc_now) -> date:
    """Take the two months more that a complex request may have; the day it is due on then.

    Raises:
        ConfigError: There is no such request, it has had them, was answered, or is overdue.
    """
    with run_lock(settings), open_control(settings) as control:
        case = case_named(control, begins)
        later = law.due_on(case.received_on, extended=True)
        if case.answered_at is not None or case.due_on == later or _overdue(case, clock):
            raise ConfigError(
                "The request has more time already, was answered, or is past its day.",
                "The person must be told of an extension within the first month: answer now.",
            )
        control.change_case(case.request_id, _said(settings, case, "extended", clock), due_on=later)
    return later


def told(settings: Settings, begins: str, *, clock: Clock = utc_now) -> RightsCase:
    """Record that the person was told what became of the request, which ends its clock.

    Raises:
        ConfigError: There is no such request, it was answered, or a run has still to apply it.
    """
    with run_lock(settings), open_control(settings) as control:
        case = case_named(control, begins)
        waiting = {one.request_id for one in control.waiting_requests()}
        if case.answered_at is not None or case.request_id in waiting:
            raise ConfigError(
                "The request was answered, or still waits for a run.",
                "Tell the person, and record it, when `journeys rights status` says it is done.",
            )
        entry = _said(settings, case, "person told", clock)
        control.change_case(case.request_id, entry, answered_at=clock())
    return case


def lift(settings: Settings, begins: str, *, clock: Clock = utc_now) -> RightsCase:
    """End a restriction: records that were put right come in again when they are next sent.

    Raises:
        ConfigError: There is no such request, or it is no rectification that a run has applied.
    """
    with run_lock(settings), open_control(settings) as control:
        case = case_named(control, begins)
        waiting = {one.request_id for one in control.waiting_requests()}
        wrong = case.right != "rectification" or case.request_id in waiting
        if wrong or case.ended_at is not None:
            raise ConfigError(
                "This is no restriction that holds.",
                "Name a rectification that a run has applied; an objection or erasure is final, "
                "and what waits is taken back with `journeys rights withdraw`.",
            )
        entry = _said(settings, case, "restriction lifted", clock)
        control.change_case(case.request_id, entry, ended_at=clock())
    return case


def case_named(control: Control, begins: str) -> RightsCase:
    """The one request whose id begins so.

    Raises:
        ConfigError: There is none, or more than one.
    """
    found = [one for one in control.rights_cases().values() if one.request_id.startswith(begins)]
    if len(begins) < SHORTEST_ID or len(found) != 1:
        raise ConfigError(
            "No one request has this id.",
            f"Give the first {SHORTEST_ID} characters or more of an id that "
            "`journeys rights status` lists.",
        )
    return found[0]


def warnings(control: Control, today: date) -> list[str]:
    """What is to be said of requests whose day to answer is near or past."""
    return [
        f"Rights request {case.request_id[:8]} ({case.right}, {case.partner}): the person "
        + (
            f"should have been told by {case.due_on}. Tell them now"
            if case.due_on < today
            else f"has to be told by {law.by_when(case.due_on)}"
        )
        + "; `journeys rights told` records it."
        for case in control.rights_cases().values()
        if has_clock(case) and (case.due_on - today).days <= law.WARN_DAYS
    ]


def record_of(settings: Settings, request: RightsRequest, action: str, said: str) -> AuditEntry:
    """The audit entry of something done with a request: how many people, never who."""
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


def _ground(code: str) -> law.Ground:
    if code not in law.grounds():
        raise ConfigError(
            "There is no such ground.",
            "Name one that `journeys rights grounds` lists.",
        )
    return law.grounds()[code]


def _for_whom(
    settings: Settings, case: RightsCase, ground: law.Ground, named: tuple[str, ...]
) -> tuple[str, ...]:
    """The partners whose records a request is refused for.

    Raises:
        ConfigError: The ground is none for this right, or for records of one of them.
    """
    fitting: Mapping[str, bool] = {
        partner: law.regime_of(under_part_3=terms_of(settings, partner).under_part_3)
        == ground.regime
        for partner in settings.partners
        if case.reaches(partner)
    }
    chosen = named or tuple(partner for partner, fits in fitting.items() if fits)
    spared = {
        one
        for one in case.refused
        if one in named or not named
        if one in settings.partners
        and law.regime_of(under_part_3=terms_of(settings, one).under_part_3) == ground.regime
    }
    if spared and not set(chosen) - spared and case.right in ground.rights:
        raise ConfigError(
            "The request is refused already for the records that this would spare.",
            "`journeys rights status` says for whom and why; nothing was changed.",
        )
    if case.right not in ground.rights or not chosen or not all(map(fitting.get, chosen)):
        raise ConfigError(
            f"{ground.provision} is no ground to refuse this request for those records.",
            f"It is for {', '.join(sorted(ground.rights))} under {law.IN_WORDS[ground.regime]}; "
            "`journeys rights grounds` lists the others.",
        )
    return chosen


def _said(settings: Settings, case: RightsCase, said: str, clock: Clock) -> AuditEntry:
    return Recorder(actor(), settings.purpose).entry(
        "oversight",
        clock(),
        partner=case.partner,
        detail={"request": case.request_id, "right": case.right, "said": said},
    )


def _overdue(case: RightsCase, clock: Clock) -> bool:
    return local_day(clock()) > case.due_on


def has_clock(case: RightsCase) -> bool:
    """Whether somebody waits to be told; a list of opt-outs is nobody's request."""
    return case.answered_at is None and case.right != "opt-out"
