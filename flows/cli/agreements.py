"""`journeys agreements`: which sharing agreements are in force, and what to sign if not."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.agreements import Agreement


def agreements_command(config: ConfigOption = None, json_out: JsonOption = None) -> int:
    """Say which agreements are in force, and what to do if not."""
    from flows.clock import local_day, utc_now
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    found = agreement_states(settings, local_day(utc_now()))
    write_report(found, json_out)
    for partner, one in found.items():
        typer.echo(f"{partner:<10} {one['state']:<13} {one['said']}")
        if one["digest"]:
            typer.echo(f"{'':<10} digest        {one['digest']}")
    return 0 if all(one["in_force"] for one in found.values()) else 1


def agreement_states(settings: Settings, today: date) -> dict[str, dict[str, Any]]:
    """The state of every partner's agreement on a day; one broken file hides no other."""
    from flows.safe_errors import guarded
    from flows.terms import agreement_in_force
    from governance.agreements import load_agreement
    from schemas.errors import JourneysError

    states: dict[str, dict[str, Any]] = {}
    for partner, part in settings.partners.items():
        digest = None
        try:
            agreement = guarded("agreement", load_agreement, part.agreement)
            digest = agreement.document_digest
            guarded("agreement", agreement_in_force, settings, partner, today)
        except JourneysError as error:
            states[partner] = {
                "state": "not in force", "in_force": False, "digest": digest, "said": str(error)
            }  # fmt: skip
        else:
            states[partner] = {
                "state": "in force", "in_force": True, "digest": digest,
                "said": _terms(agreement, today),
            }  # fmt: skip
    return states


def _terms(agreement: Agreement, today: date) -> str:
    """The dates of an agreement in force, and what else there is to know of it."""
    soon = "; have it renewed" if agreement.expires_soon(today) else ""
    off = "".join(
        f"; {table} is not taken in while `pace_63b_purpose` is not agreed"
        for table in agreement.undisclosed
    )
    return f"from {agreement.starts} to {agreement.expires}{soon}{off}"
