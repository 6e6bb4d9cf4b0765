"""Why somebody looks at or hands out data: asked for, held to what cannot name a person."""

from __future__ import annotations

import re

from flows.settings import Settings
from schemas.errors import ConfigError

LONGEST_REASON = 200
_IDENTIFYING = re.compile(r"\d{5}|[0-9a-f]{12}|\d[A-Z]{2}\b", re.IGNORECASE)


def reason_for_asking(settings: Settings, given: str | None) -> str:
    """The reason for a consultation: as given, else `sql_reason` of partnership.yaml.

    Raises:
        ConfigError: There is neither, or it may not be recorded.
    """
    said = settings.sql_reason if given is None else given
    if said is None:
        raise ConfigError(
            "No reason was given, and partnership.yaml has no `sql_reason`.",
            'Say why the data are looked at, such as --reason "Needs assessment 2027".',
        )
    return checked_reason(said)


def checked_reason(said: str) -> str:
    """A reason as it may stand in the audit record, which is kept when people are erased.

    Raises:
        ConfigError: It is empty, long, of several lines, or holds what may identify a person.
    """
    reason = said.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ConfigError(
            f"A reason is one line of at most {LONGEST_REASON} characters.",
            "Give --reason again, in a few words.",
        )
    if _IDENTIFYING.search(reason):
        raise ConfigError(
            "The reason holds what looks like an identifier, a person id or a postcode.",
            "Say why without saying of whom: the audit record outlives an erasure.",
        )
    return reason
