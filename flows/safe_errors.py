"""The one boundary where an exception loses its values.

Libraries put data into their messages: a failing cell, a row, a line of SQL. Every step runs
inside `guarded`, so what leaves it is either a `JourneysError`, whose sentences we wrote and
which holds no value, or a `StepFailed`, which says only which step, which kind of exception and
which line of ours. The original exception does not survive, and neither does its traceback,
whose frames hold the data.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from schemas.errors import JourneysError

Given = ParamSpec("Given")
Result = TypeVar("Result")

HOME = Path(__file__).resolve().parents[1]
ROOMS = ("flows", "governance", "linkage", "schemas", "synthetic", "warehouse")


PANIC = "PanicException"

STANDS = "The last committed run stands. "
RELEASE_STANDS = "The last release stands as it was."
RIGHTS_APPLIED = (
    "Nothing was taken in. The rights requests that waited were applied to what is staged, and the "
    "new release holds none of those people."
)


class StepFailed(JourneysError):
    """A step that failed in a way nobody foresaw. What it had changed by then is not known.

    `incident` is the same for the same fault, so that two reports can be told to be one.
    """

    def __init__(self, step: str, kind: str, where: str, stands: bool = False) -> None:
        fingerprint = hashlib.sha256(f"{step}|{kind}|{where}".encode()).hexdigest()
        self.step, self.kind, self.where = step, kind, where
        self.incident = fingerprint[:8]
        super().__init__(
            f"The step `{step}` stopped unexpectedly ({kind} at {where}).",
            f"{STANDS if stands else ''}Run it again, and if it stops again report incident "
            f"{self.incident}.",
        )
        self.stands = stands

    def before_the_commit(self) -> StepFailed:
        """The same failure, of a run that is known not to have committed."""
        return type(self)(self.step, self.kind, self.where, stands=True)

    def __reduce__(self) -> tuple[type[StepFailed], tuple[str, str, str, bool]]:
        """Rebuild from its parts, where a process hands the failure to another."""
        return type(self), (self.step, self.kind, self.where, self.stands)


class Rejected(JourneysError):
    """Everything that was wrong with what the partners sent, told at once."""

    def __init__(
        self, problems: Mapping[str, Sequence[JourneysError]], what_stands: str = RELEASE_STANDS
    ) -> None:
        self.problems = {partner: tuple(errors) for partner, errors in problems.items()}
        self.what_stands = what_stands
        count = len(problems)
        lines = [_said_of(partner, error) for partner, found in problems.items() for error in found]
        super().__init__(
            "\n".join([f"{count} partner{'s' if count > 1 else ''} cannot be taken in:", *lines]),
            f"\n{what_stands}",
        )

    def but_for_rights(self) -> Rejected:
        """The same, of a run that took nothing in and applied the rights requests that waited."""
        return type(self)(self.problems, RIGHTS_APPLIED)

    def __reduce__(self) -> tuple[type[Rejected], tuple[object, str]]:
        """Rebuild from the problems."""
        return type(self), (self.problems, self.what_stands)


def _said_of(partner: str, error: JourneysError) -> str:
    """What was wrong with what a partner sent, beginning with its name, which it may do itself."""
    said = str(error)
    return said if said.startswith(f"{partner} ") else f"{partner}: {said}"


def guarded(
    step: str, function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Call a function so that no value can leave in an exception.

    Args:
        step: The name the step goes by in messages.
        function: What to call, with what follows.

    Raises:
        JourneysError: As the function raised it, without its past; or `StepFailed` in place of
            any other exception.
    """
    failure: JourneysError
    try:
        return function(*args, **kwargs)
    except JourneysError as error:
        failure = without_past(error)
    except Exception as error:
        failure = StepFailed(step, type(error).__name__, whereabouts(error))
    except BaseException as error:
        # A library in Rust that panics raises what is no Exception; a wish to stop is none either.
        if type(error).__name__ != PANIC:
            raise
        failure = StepFailed(step, PANIC, whereabouts(error))
    # Raised here, outside the handlers, so that the original is not kept as its context.
    raise failure


def without_past(error: JourneysError) -> JourneysError:
    """The same error with no cause, context, notes or traceback that could hold a value."""
    error.__cause__ = None
    error.__context__ = None
    error.__notes__ = []
    return error.with_traceback(None)


def whereabouts(error: BaseException) -> str:
    """The last line of our own code that an exception passed through, as file:line."""
    ours = "unknown"
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(HOME) and path.relative_to(HOME).parts[0] in ROOMS:
            ours = f"{path.relative_to(HOME)}:{frame.lineno}"
    return ours
