"""How long everything is kept, and what is due for deletion on a day: told, never carried out here.

What partners supplied is kept as long as their agreements say, the hub's own as long as a dated
policy says. Of a thing that holds data of several partners the shortest of their terms counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.documents import parse_document
from schemas.errors import ConfigError

CLASSES: Final[Mapping[str, str]] = {
    "extracts": "extracts that stay in the inbox",
    "quarantine": "lists of rows that could not be used, and of columns not agreed",
    "staging": "staged events",
    "encodings": "keyed encodings and marks",
    "links": "candidate links, and what linking goes on from",
    "reviews": "pairs that were reviewed, and what was decided",
    "history": "what person ids became, and ids no longer in use",
    "releases": "warehouse releases",
}
"""What an agreement may give a number of days for; what it does not name has `retention_days`."""

OWN: Final[Mapping[str, str]] = {
    "drafts": "drafts that were not published, with their certificates",
    "publications": "what was published, withdrawn or not",
    "role_files": "releases handed out as files",
    "runs": "reports of runs",
    "audit": "what entries of the audit record say",
    "logs": "logs of runs, and Prefect's record of them",
    "suppression": "suppression tokens",
    "receipts": "receipts of keys and deletions",
    "backups": "backups",
}
"""What the hub keeps of its own, by the policy."""

TOLD: Final = frozenset({"role_files", "publications"})
"""What is elsewhere, or public: it is listed, and never deleted here."""

GO_TOGETHER: Final = frozenset({"staging", "encodings"})
"""Events without encodings could not be linked again; encodings without events serve nothing."""

LONGEST: Final = 36500


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnTerm(_Part):
    """How long a class of the hub's own is kept, and why; None keeps it."""

    days: int | None = Field(default=None, ge=1, le=LONGEST, strict=True)
    why: str = Field(min_length=1)


class Policy(_Part):
    """How long the hub keeps what is its own, and as of when."""

    as_of: date
    classes: Mapping[str, OwnTerm]


@dataclass(frozen=True)
class Term:
    """How many days something is kept, None for as long as there is a use, and who says so."""

    days: int | None
    under: str


@dataclass(frozen=True)
class Held:
    """One thing that is held.

    Attributes:
        kind: Its class, of `CLASSES` or `OWN`.
        what: What it is, by its id: of a run, release, draft or publication; never a value.
        since: The day that counts; of what is kept row by row, that of the oldest.
        partners: Whose data are in it; nobody's of what is the hub's own.
        said: What else there is to know of it: in how many, to whom.
        gone: Why it is to go whatever its days are: its partner was taken out.
        elsewhere: Whether it is none that this program made, so that somebody else deletes it.
    """

    kind: str
    what: str
    since: date
    partners: tuple[str, ...] = ()
    said: str = ""
    gone: str = ""
    elsewhere: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the plan: until when a thing is kept (None for always), by what, and if due."""

    held: Held
    until: date | None
    under: str
    due: bool

    @property
    def told(self) -> bool:
        """Whether it is elsewhere, so that somebody else has to delete it."""
        return self.held.elsewhere or self.held.kind in TOLD

    def before(self, on: date) -> date:
        """On a day, what is from before this day has been kept long enough."""
        return on if self.until is None else on - (self.until - self.held.since)

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "class": self.held.kind,
            "partners": list(self.held.partners),
            "what": self.held.what,
            "since": self.held.since.isoformat(),
            "keep_until": None if self.until is None else self.until.isoformat(),
            "under": self.under,
            "due": self.due,
            "ours_to_delete": not self.told,
            "said": self.held.gone or self.held.said,
        }


def line_of(said: Mapping[str, Any]) -> Line:
    """A line of the plan from what `Line.as_json` gave.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    held = Held(
        str(said["class"]),
        str(said["what"]),
        date.fromisoformat(said["since"]),
        tuple(said["partners"]),
        str(said["said"]),
        elsewhere=not said["ours_to_delete"],
    )
    until = said["keep_until"]
    return Line(held, date.fromisoformat(until) if until else None, said["under"], said["due"])


Terms = Mapping[tuple[str, str], Term]
"""Class and partner, or class and nobody for the hub's own → its term."""


@cache
def packaged_policy() -> Policy:
    """The packaged policy."""
    text = resources.files("governance").joinpath("retention.yaml").read_text("utf-8")
    return parse_document(text, "retention.yaml", Policy, ConfigError)


def own_terms(over: Mapping[str, int | None]) -> dict[tuple[str, str], Term]:
    """The hub's own terms: the packaged ones, and a partnership's own numbers laid over them.

    Args:
        over: Class → days, from partnership.yaml.
    """
    policy = packaged_policy()
    said = {name: (term.days, f"policy of {policy.as_of}") for name, term in policy.classes.items()}
    said |= {name: (days, "partnership.yaml") for name, days in over.items()}
    return {(name, ""): Term(days, under) for name, (days, under) in said.items()}


def partner_terms(
    partner: str, version: int, days: int, by_class: Mapping[str, int]
) -> dict[tuple[str, str], Term]:
    """The terms of one agreement.

    Args:
        partner: Whose agreement.
        version: Its version.
        days: Its `retention_days`.
        by_class: Its days of classes that it names.
    """
    under = f"{partner} agreement, version {version}"
    terms = {kind: by_class.get(kind, days) for kind in CLASSES}
    shortest = min(terms[kind] for kind in GO_TOGETHER)
    return {
        (kind, partner): Term(shortest if kind in GO_TOGETHER else terms[kind], under)
        for kind in CLASSES
    }


def check_classes(names: Iterable[str], known: Collection[str]) -> None:
    """Refuse days for a class that there is none of.

    Raises:
        ValueError: For pydantic; its text names no value.
    """
    if set(names) - set(known):
        raise ValueError(f"has a class that is none of {', '.join(known)}")


def plan(held: Iterable[Held], terms: Terms, on: date) -> list[Line]:
    """Until when each thing is kept, and whether it is due on a day.

    A thing is kept through its last day and due on the next. What belongs to a partner whose terms
    are not known is kept: nobody said that it may go.

    Args:
        held: What there is.
        terms: For how long.
        on: The day.
    """
    return [_line(one, terms, on) for one in held]


def _line(held: Held, terms: Terms, on: date) -> Line:
    if held.gone:
        return Line(held, held.since, held.gone, True)
    known = [terms.get((held.kind, partner)) for partner in held.partners or ("",)]
    timed = [term for term in known if term is not None and term.days is not None]
    if not timed:
        under = next((term.under for term in known if term is not None), "no agreement at hand")
        return Line(held, None, under, False)
    first = min(timed, key=lambda term: term.days or 0)
    until = held.since + timedelta(days=first.days or 0)
    return Line(held, until, first.under, on > until)
