"""`journeys status`: what is current, how fresh it is, what waits, what needs attention."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.control import Run


def status_command(
    rows: Annotated[
        bool, typer.Option("--rows", help="Say what became of every row that partners sent.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Say what is current, how fresh it is and what waits."""
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    if rows:
        _say_rows(settings, json_out)
        return
    status = partnership_status(settings)
    write_report(status, json_out)
    for line in _lines(status):
        typer.echo(line)


def _say_rows(settings: Settings, json_out: Path | None) -> None:
    """Every table of every partner: what was received, left out and why, staged and used."""
    from dataclasses import asdict, fields

    from flows.accounting import Rows, from_report
    from flows.cli.output import write_result
    from flows.context import open_control

    with open_control(settings) as control:
        current = control.current_run()
    found = from_report(((current.report if current else None) or {}).get("rows"))
    names = [field.name for field in fields(Rows)]
    lines = [
        [partner, table, *(asdict(one)[name] for name in names)]
        for partner, tables in found.items()
        for table, one in tables.items()
    ]
    columns = ["partner", "table", *names]
    write_report([dict(zip(columns, line, strict=True)) for line in lines], json_out)
    write_result(columns, lines, "table")


def partnership_status(settings: Settings) -> dict[str, Any]:
    """The state of a partnership as counts, dates and ids of runs."""
    from datetime import timedelta

    from flows.agreements.readable import why_not_readable
    from flows.agreements.states import agreement_states
    from flows.clock import local_day, utc_now
    from flows.context import open_control
    from flows.publication.public import is_fresh
    from flows.publication.publish import why_refused
    from flows.readers.break_glass import ALERT_DAYS, alerts
    from flows.retention import due as retention
    from flows.rights.cases import warnings

    with open_control(settings) as control:
        current, last = control.current_run(), control.last_run()
        read = control.release_run()
        drafts = [
            {
                "run_id": one.run_id,
                "approvals": len(control.approvals(one.run_id)),
                "refused": why_refused(settings, control, one.run_id, local_day(utc_now())),
            }
            for one in control.waiting_drafts()
            if (settings.drafts / one.run_id).is_dir() and is_fresh(settings, control, one.run_id)
        ]
        refused = why_not_readable(settings, read, local_day(utc_now())) or ""
        publications = [one.publication_id for one in control.publications()]
        withdrawn = [one.publication_id for one in control.withdrawals()]
        glass = alerts(control, utc_now() - timedelta(days=ALERT_DAYS))
        kept_long_enough = retention.warnings(settings, control, local_day(utc_now()))
        waiting = control.waiting_requests()
        due = warnings(control, local_day(utc_now()))
        extracts = {
            one.partner: _freshness(settings, one.partner, one.data_as_at)
            | {
                "received": one.received,
                "at_source": one.delivery is not None,
            }
            for one in control.staged_extracts().values()
        }
        looks = control.source_looks()
    today = local_day(utc_now())
    return {
        "partnership": settings.partnership,
        "demonstration": settings.demonstration,
        "current_run": current.run_id if current else None,
        "release_read": read.run_id if read else None,
        "last_run": None
        if last is None
        else {"run_id": last.run_id, "state": last.state, "problem": last.problem},
        "extracts": extracts,
        "sources": {
            partner: {"state": look.state, "said": look.said, "at": look.at.isoformat()}
            for partner, look in looks.items()
            if settings.partner(partner).source is not None
        },
        "drafts": drafts,
        "release_refused": refused,
        "publications": publications,
        "withdrawn": withdrawn,
        "draft_said": ((current.report or {}) if current else {}).get("draft", {}).get("said"),
        "rights_requests_waiting": len(waiting),
        "glass_broken": glass,
        "rights_requests_due": due,
        "retention": kept_long_enough,
        "after_commit": _after_commit(current, kept_long_enough),
        "agreements": agreement_states(settings, today),
        "metrics": _metrics_problem(settings),
    }


def _after_commit(current: Run | None, told_already: list[str]) -> list[str]:
    """What came to be told of the current run when it was committed already."""
    report = (current.report or {}) if current else {}
    return [said for said in report.get("after_commit", ()) if said not in told_already]


def _metrics_problem(settings: Settings) -> str:
    """What is wrong with the metrics that a partnership adds or asks for; nothing if none is."""
    from schemas.errors import JourneysError
    from warehouse.given import load_given
    from warehouse.metrics import load_metrics
    from warehouse.metrics.told import check_asked_for

    try:
        metrics = load_metrics(own=load_given(settings.folder).metrics)
        check_asked_for(metrics, frozenset(settings.restricted_metrics))
    except JourneysError as error:
        return str(error)
    return ""


def _freshness(settings: Settings, partner: str, told: date) -> dict[str, Any]:
    """Up to when a partner's data are complete, and by how many days they are older than promised.

    Args:
        settings: The partnership.
        partner: The partner.
        told: The day that its extract tells.
    """
    from flows.clock import local_day, utc_now

    part = {str(name): one for name, one in settings.partners.items()}.get(partner)
    as_at = (part and part.complete_to) or told
    late = 0
    if part and part.cadence_days:
        late = max(0, (local_day(utc_now()) - as_at).days - part.cadence_days)
    return {"data_as_at": as_at.isoformat(), "days_overdue": late}


def _lines(status: dict[str, Any]) -> list[str]:
    lines = [status["partnership"] + (" (demonstration)" if status["demonstration"] else "")]
    lines.append(f"Current run     {status['current_run'] or 'none yet: run `journeys run`'}")
    if status["release_read"] != status["current_run"]:
        lines.append(f"Release read    {status['release_read']}, by a rollback")
    last = status["last_run"]
    if last and last["run_id"] != status["current_run"]:
        lines.append(f"Last run        {last['run_id']} {last['state']}")
        lines += [f"                {line}" for line in (last["problem"] or "").splitlines()]
    for partner, one in status["extracts"].items():
        how = ", encoded at source" if one["at_source"] else ""
        if one["days_overdue"]:
            how += f"; the next extract is {one['days_overdue']:,} days overdue"
        lines.append(f"{partner:<15} data up to {one['data_as_at']}, {one['received']:,} rows{how}")
    for partner, one in status["sources"].items():
        lines.append(f"Source          {partner}: {one['state']}. {one['said']}")
    if status["release_refused"]:
        lines.append(f"Release         {status['release_refused']}")
    for draft in status["drafts"]:
        lines.append(f"Draft           {draft['run_id']}, {draft['approvals']} of 2 approvals")
        if draft["refused"]:
            lines.append(f"                may not be approved: {draft['refused']}")
    if not status["drafts"] and status["draft_said"]:
        lines.append(f"Draft           {status['draft_said']}")
    for publication in status["publications"]:
        lines.append(f"Publication     {publication}")
    for publication in status["withdrawn"]:
        lines.append(f"Withdrawn       {publication}")
    if status["rights_requests_waiting"]:
        lines.append(f"Rights requests {status['rights_requests_waiting']:,} wait for the next run")
    lines += [f"Glass broken    {sentence}" for sentence in status["glass_broken"]]
    lines += status["rights_requests_due"]
    lines += [f"Retention       {sentence}" for sentence in status["retention"]]
    for partner, one in status["agreements"].items():
        lines.append(f"Agreement       {partner}: {one['state']}, {one['said']}")
    lines += [f"After its commit {sentence}" for sentence in status["after_commit"]]
    if status["metrics"]:
        lines.append(f"Metrics         {status['metrics']}")
    return lines
