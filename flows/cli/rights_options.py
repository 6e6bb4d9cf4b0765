"""The options that the commands of `journeys rights` share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import ConfigError

PartnerOption = Annotated[
    str, typer.Option("--partner", metavar="PARTNER", help="Whose officer gives the request.")
]
FileOption = Annotated[
    Path,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Identifiers, one person a line, or what the partner sealed.",
        readable=False,
    ),
]
PreviewOption = Annotated[
    bool, typer.Option("--preview", help="Only tell what would go, in numbers.")
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="REASON",
        help="not-stated, objection-upheld, consent-withdrawn, no-longer-needed, unlawful, "
        "legal-obligation or opt-out.",
    ),
]
KeepOption = Annotated[
    bool,
    typer.Option("--keep-unknown", help="Keep people out who are not known here (yet)."),
]
ReceivedOption = Annotated[
    str | None,
    typer.Option(
        "--received",
        metavar="DATE",
        help="The day on which the person asked, as 2026-11-22; today if not given. The month in "
        "which to answer runs from it.",
    ),
]
RequestArgument = Annotated[
    str, typer.Argument(metavar="REQUEST", help="Its id, as `journeys rights status` says it.")
]


def day(given: str | None) -> date | None:
    """The day that an option gives.

    Raises:
        ConfigError: It is none.
    """
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        pass
    raise ConfigError("--received is no day.", "Write it as YYYY-MM-DD.")
