"""`journeys link history`: what a person id became."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report

if TYPE_CHECKING:
    from linkage.lineage import Lineage


def link_history_command(
    person_id: Annotated[
        str, typer.Argument(metavar="PERSON_ID", help="A person_id, of any release.")
    ],
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say what a person id became: which ids are in use for its records now, and why.

    An id stays while most of a person's records stay together. When linkage learns more, persons
    are merged or split; this tells when, in which run, and how many records moved.
    """
    from flows.readers.person_history import history_of
    from flows.settings import load_settings, locate

    found = history_of(load_settings(locate(config)), person_id)
    write_report(_report(person_id, found), json_out)
    for line in _lines(person_id, found):
        typer.echo(line)


def _state(found: Lineage) -> str:
    if found.records:
        return "in use"
    return "merged" if found.now else "retired"


def _report(person_id: str, found: Lineage) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "state": _state(found),
        "records": found.records,
        "now": list(found.now),
        "created_at": found.created_at.isoformat(),
        "created_run": found.created_run,
        "events": [
            {**event, "happened_at": event["happened_at"].isoformat()} for event in found.events
        ],
    }


def _lines(person_id: str, found: Lineage) -> list[str]:
    began = f"Given out {found.created_at:%Y-%m-%d} in run {found.created_run}."
    if found.records:
        lines = [f"{person_id} is in use, with {found.records:,} record(s). {began}"]
        others = [one for one in found.now if one != person_id]
        if others:
            lines.append(f"Records that it had are also under {', '.join(others)}.")
    elif found.now:
        lines = [f"{person_id} is no longer in use; it is now {', '.join(found.now)}. {began}"]
    else:
        lines = [f"{person_id} is no longer in use: it has no records any more. {began}"]
    return lines + [_line(person_id, event) for event in found.events]


def _line(person_id: str, event: dict[str, Any]) -> str:
    moved = f"{event['records']:,} record(s)"
    before, after = event["person_before"], event["person_after"]
    if after is None:
        what = f"retired: {moved} left the extracts"
    elif before == person_id:
        what = f"{event['cause']}: {moved} went to {after}"
    else:
        what = f"{event['cause']}: {moved} came from {before}"
    return f"{event['happened_at']:%Y-%m-%d %H:%M}  run {event['run_id']}  {what}"
