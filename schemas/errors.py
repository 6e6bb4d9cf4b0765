"""The errors a person is shown: what is wrong, what to do about it, and never a value."""

from __future__ import annotations

from typing import Any


class JourneysError(Exception):
    """Something a person must put right.

    Args:
        problem: One sentence saying what is wrong. It may hold counts, column names, rule names,
            partner and table names and surrogate keys, and nothing that came out of an extract.
        remedy: One sentence saying what to do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from both sentences, where a process hands the error to another."""
        return type(self), (self.problem, self.remedy)


class ExtractRejected(JourneysError):
    """An extract that cannot be used at all: unreadable, empty, or not in the agreed layout."""


class NotSigned(ExtractRejected):
    """A sealed file that its partner did not sign with the key that the hub knows it by."""


class AgreementError(JourneysError):
    """No sharing agreement in force covers what was asked.

    Args:
        problem: As of every such error.
        remedy: As of every such error.
        rule: The rule that it breaks, in a word or two: what the record keeps of it.
    """

    def __init__(self, problem: str, remedy: str, rule: str = "cannot be read") -> None:
        super().__init__(problem, remedy)
        self.rule = rule

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild with its rule."""
        return type(self), (self.problem, self.remedy, self.rule)


class NotReadable(JourneysError):
    """Data, or a release, that people may not be taken to."""


class KeyProblem(JourneysError):
    """A key that is missing, open to others, or too weak to use."""


class StoreError(JourneysError):
    """A store, release or publication that is missing, corrupt or not as it was recorded."""


class RecordProblem(JourneysError):
    """A record of what was done, or a proof about it, that is not as it was signed."""


class ModelError(JourneysError):
    """A linkage model that is missing, untrained or does not fit the encoding."""


class RefusedQuery(JourneysError):
    """A query that is not one read-only SELECT over the release."""


class ConfigError(JourneysError):
    """A partnership.yaml that cannot be used as it stands."""
