"""What each step of taking extracts in makes for the next. None of it holds a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.intake.reading import Facts
from flows.keys.epochs import Epochs
from flows.rights.suppressed import Withheld
from flows.safe_errors import Rejected
from flows.sources.inbox import Arrived
from flows.sources.look import Look
from governance.agreements import Agreement
from governance.control import Extract, Run
from schemas.errors import JourneysError

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised

NOT_TAKEN_IN = "not taken in"
"""What is told of a partner from which nothing was taken, in a run that went on for rights."""

Problems = dict[str, list[JourneysError]]


@dataclass(frozen=True)
class Pulled:
    """What is in the inboxes: an extract of each partner, or None where it sent nothing new.

    `passed_over` counts sealed files of an earlier bundle that were taken in before. `looks` says
    how pulling ended, of each partner with a source.
    """

    extracts: Mapping[str, Arrived | None]
    problems: Problems
    passed_over: Mapping[str, int] = field(default_factory=dict)
    looks: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreed:
    """Extracts that an agreement in force covers, and the key epochs in use.

    `fresh` are to be taken in; `kept` are partners whose staged extract stays, and why; `late`
    says which of those are further behind than they usually are; `passed_over` and `looks` are as
    in `Pulled`. `stopped` are partners with no agreement in force, and why: what is staged of them
    stays, and is used for nothing. `refused` is what a run ends with that goes on only so that
    rights requests do not wait: it takes nothing in.
    """

    agreements: Mapping[str, Agreement]
    epochs: Epochs
    fresh: Mapping[str, Arrived]
    kept: Mapping[str, str]
    problems: Problems
    late: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    stopped: Mapping[str, JourneysError] = field(default_factory=dict)
    refused: Rejected | None = None
    looks: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """What is told of an extract that was taken in, and its line in the ledger.

    `drift` says what it lacks and how it differs from earlier ones; `withheld` what of it is of
    people who objected or were erased.
    """

    ledger: Extract
    facts: Facts
    drift: tuple[str, ...]
    withheld: Withheld


@dataclass(frozen=True)
class Parted:
    """New extracts: encodings on one side and events on the other, and marks, in each epoch."""

    agreed: Agreed
    taken: Mapping[str, Taken]
    parts: Mapping[str, Mapping[int, Pseudonymised]] = field(repr=False)
    marks: Mapping[str, Mapping[int, pl.DataFrame]] = field(repr=False)


@dataclass(frozen=True)
class Staged:
    """This run's own stores, with the new extracts in the place of the old.

    `key_epoch` is the epoch of the identifier key that they are in. `made_from` is what the release
    is made from beside the stores. `stands` is the current run, where this one would link and build
    the very same (`flows.carried`).
    """

    agreed: Agreed
    taken: Mapping[str, Taken]
    key_epoch: int
    made_from: Mapping[str, str]
    stands: Run | None = None
