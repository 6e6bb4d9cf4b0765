"""What partnership.yaml says of running unattended: when, and who is told when something is wrong.

A secret is never written there: `env:NAME` says which environment variable holds it.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ADDRESS: Final = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")
NOT_ONCE_A_DAY: Final = 1
"""The hour of the clock that is missing on one night in March and is there twice on one in October,
in the United Kingdom: nothing is scheduled in it."""


def _once_a_day(said: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", said)
    if found is None:
        raise ValueError('is not a time of the day such as "02:30"')
    if int(found[1]) == NOT_ONCE_A_DAY:
        raise ValueError(
            "is missing on one night of the year and there twice on another, when the clocks "
            "change; take a time before 01:00 or from 02:00 on"
        )
    return said


def _names_a_variable(said: str) -> str:
    if re.fullmatch(r"env:[A-Z][A-Z0-9_]*", said) is None:
        raise ValueError("is a secret: give env:NAME and set that environment variable")
    return said


TimeOfDay = Annotated[str, AfterValidator(_once_a_day)]
Secret = Annotated[str, AfterValidator(_names_a_variable)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Schedule(_Part):
    """When what is done, in the time of Europe/London, and where Prefect's server is.

    `pulls` says when each partner's extract is pulled; a partner that it leaves out is pulled at
    `pull`. `draft` is the morning on which what has become due is drafted, from `draft_day` of the
    second month after a quarter on. A run is late when it has not begun after `late_minutes`, and
    missing when none was completed in `missing_hours`.
    """

    server: str = "http://127.0.0.1:4200/api"
    database: Secret | None = None
    pull: TimeOfDay = "20:00"
    pulls: dict[str, TimeOfDay] = {}
    nightly: TimeOfDay = "02:30"
    housekeeping: TimeOfDay = "05:30"
    draft: TimeOfDay = "07:30"
    draft_day: int = Field(default=15, ge=1, le=22, strict=True)
    late_minutes: int = Field(default=30, ge=1, le=720, strict=True)
    missing_hours: int = Field(default=26, ge=25, le=240, strict=True)
    wait_minutes: int = Field(default=60, ge=0, le=720, strict=True)

    @field_validator("server")
    @classmethod
    def _is_here_or_sealed(cls, value: str) -> str:
        where = urlsplit(value)
        here = where.hostname in LOOPBACK
        if where.scheme not in ("http", "https") or not (here or where.scheme == "https"):
            raise ValueError("is not an address on this machine, nor one that begins with https://")
        if where.username or where.password:
            raise ValueError("holds a password; the one that the schedule makes is used by itself")
        return value.rstrip("/")


class Email(_Part):
    """The mail server that takes alerts, and who is to have them."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535, strict=True)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1)
    user: Secret | None = None
    password: Secret | None = None

    @field_validator("sender", "recipients")
    @classmethod
    def _are_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if ADDRESS.fullmatch(one) is None:
                raise ValueError("is not an e-mail address")
        return value

    @model_validator(mode="after")
    def _sends_no_password_in_clear(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise ValueError("needs both `user` and `password`, or neither")
        if self.user and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("would send a password in clear; take starttls or tls")
        return self


class Alerts(_Part):
    """How people are told: by e-mail, by a Microsoft Teams webhook, both, or not at all."""

    email: Email | None = None
    teams: Secret | None = None


def secret(named: str) -> str | None:
    """What the environment variable of an `env:NAME` holds; None where it is not set."""
    return os.environ.get(named.removeprefix("env:")) or None
