"""What the commands of `journeys rights` say, in lines; all of it is numbers, dates and ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.rights.finding import Found
    from flows.rights.requests import Answered


def lines_of_found(found: Found) -> list[str]:
    """What a request comes to."""
    from flows.rights.asked import line_words
    from flows.rights.requests import DIFFERING, UNKNOWN

    lines = [f"{found.people:,} people asked for, {found.known:,} known here."]
    for partner, tables in found.tables.items():
        rows = ", ".join(f"{name} {count:,}" for name, count in tables.items())
        lines.append(f"  {partner:<10} {rows}")
    told = (
        (UNKNOWN, found.unknown),
        ("More than one person here is known by", found.several),
        (DIFFERING, found.differing),
        ("Linked records differ in a strong id, so look at the links first:", found.mixed),
    )
    return lines + [f"{said} {line_words(which)}." for said, which in told if which]


def taken_in_lines(answered: Answered) -> list[str]:
    """How a request is routed, and what happens with it next."""
    from governance.rights.law import IN_WORDS, by_when

    lines = [
        f"  {partner:<10} {IN_WORDS[one.regime]}: {one.provision}; the person {one.label}."
        for partner, one in answered.routes.items()
    ]
    lines += answered.said
    if answered.preview:
        return [*lines, "Nothing was kept. Tell the partner no more than that it was looked up."]
    short = answered.request_id[:8]
    if answered.right == "link":
        return [
            *lines,
            f"Decided as request {short}. The next `journeys run` puts the records apart, and no "
            "later one brings them together; `journeys link review list --decided` shows them.",
            f"The person has to be told by {by_when(answered.due_on)}; `journeys rights told "
            f"{short}` records it.",
        ]
    if answered.right == "opt-out":
        return [
            *lines,
            f"Taken in as request {short}, in the place of the list before. The next `journeys "
            "run` applies it. Remove the list safely.",
        ]
    return [
        *lines,
        f"Taken in as request {short}. The next `journeys run` applies it; until then "
        f"`journeys rights withdraw {short}` takes it back, and `journeys rights refuse {short}` "
        "spares the records of partners that refuse.",
        f"The person has to be told by {by_when(answered.due_on)}; `journeys rights told {short}` "
        "records it.",
        "Remove the request's file safely.",
    ]


def request_line(one: Mapping[str, Any]) -> str:
    """How a request stands."""
    parts = [f"{one['right']}, {one['partner']}"]
    if "people" in one:
        parts.append(f"{one['people']:,} people ({one['unknown']:,} not known), {one['reason']}")
    parts += [f"refused for {partner} ({code})" for partner, code in _refused(one).items()]
    when = one.get("received_on") or one["received_at"][:10]
    return f"{one['request_id'][:8]}  {when}  {', '.join(parts)}: {_done(one)}{_clock(one)}"


def _refused(one: Mapping[str, Any]) -> Mapping[str, str]:
    refused: Mapping[str, str] = one.get("refused") or {}
    return refused


def _done(one: Mapping[str, Any]) -> str:
    if one["waits"]:
        return "waits for the next run"
    if one.get("ended"):
        return "has ended"
    if one.get("applied_run"):
        return f"applied by run {one['applied_run']}, {one['records']:,} records went"
    return "taken in"


def _clock(one: Mapping[str, Any]) -> str:
    if one.get("answered"):
        return "; the person was told"
    return f"; to be answered by {one['due_on']}" if "due_on" in one else ""
