"""What a run says of itself: counts, rules, dates and places; never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.accounting import Account, as_report
from flows.agreements.over_sharing import told_of
from flows.context import RunContext
from flows.intake.handed_on import NOT_TAKEN_IN, Staged, Taken
from flows.publication.drafting import Drafted
from flows.readers.break_glass import alerts
from flows.releases.as_committed import built_by
from flows.rights.cases import warnings as rights_warnings
from flows.rights.suppressed import Erased
from flows.safe_errors import Rejected
from governance.agreements import gaps_in_words
from governance.control import Extract, Run
from schemas.errors import AgreementError

NOT_IN_FORCE = "no agreement in force"


def make_report(
    run: RunContext, drafted: Drafted, rows: Account, made_from: Mapping[str, str]
) -> dict[str, Any]:
    """The report of a run that is about to be committed.

    Args:
        run: The run.
        drafted: What it made.
        rows: What became of every row.
        made_from: Digests of what its release is made from.
    """
    release, warnings = drafted.release, _by_code(run, drafted)
    found = release.people.found
    return {
        "run_id": run.run_id,
        "outcome": "committed",
        "partners": _partners(run, drafted.staged),
        "linkage": {
            **release.people.counts,
            "model": release.people.model,
            "said": list(release.people.said),
        },
        "rights": _rights(release.people.erased, drafted.staged),
        "stopped": _stopped(drafted.staged),
        "sources": {name: one.as_json() for name, one in drafted.staged.agreed.looks.items()},
        "problems": problems_of(drafted.staged.agreed.refused),
        "terms": {
            partner: agreement.release_digest
            for partner, agreement in drafted.staged.agreed.agreements.items()
        },
        "uses": {
            partner: {use: agreement.use_digest(use) for use in agreement.uses}
            for partner, agreement in drafted.staged.agreed.agreements.items()
        },
        "release": {
            "path": _place(run, run.release),
            "tables": release.tables,
            "checks": release.checks,
            "taken_over": release.taken,
            "carried_over": bool(release.files),
            "built_by": built_by(found) if isinstance(found, Run) else run.run_id,
        },
        "draft": {
            "path": _place(run, run.draft) if drafted.digest else None,
            "tables": drafted.tables or {},
            "digest": drafted.digest,
            "said": drafted.said,
        },
        "quarantine": _place(run, run.quarantine) if run.quarantine.is_dir() else None,
        "rows": as_report(rows),
        "seconds": run.seconds,
        "peak_bytes": run.memory,
        "made_from": dict(made_from),
        "warnings": [sentence for said in warnings.values() for sentence in said],
        "warning_codes": {code: len(said) for code, said in warnings.items() if said},
    }


def _by_code(run: RunContext, drafted: Drafted) -> dict[str, list[str]]:
    """What is to be told, by what it is about."""
    people = drafted.release.people
    return {
        "intake": _warnings(run, drafted.staged),
        "linkage": list(people.said),
        "rollback": _held(run, people.erased),
        "break-glass": _glass_broken(run),
        "rights": rights_warnings(run.control, run.today),
        "draft": [drafted.said] if drafted.failed else [],
    }


def _stopped(staged: Staged) -> dict[str, str]:
    """Partners without an agreement in force, and why."""
    return {partner: str(error) for partner, error in staged.agreed.stopped.items()}


def _held(run: RunContext, erased: Erased) -> list[str]:
    """What became of a rollback in this run: it holds, unless the run took people out."""
    held = run.control.held()
    if held is None:
        return []
    if any(erased.requests.values()):
        return [
            f"People no longer read the release {held.run_id}, which they were taken back to: it "
            "holds people whom this run erased. They read this run's."
        ]
    return [
        f"People still read the release {held.run_id}, which they were taken back to; "
        "`journeys release rollback --newest` ends that."
    ]


def _glass_broken(run: RunContext) -> list[str]:
    """That a store was looked into since the last committed run began."""
    current = run.control.current_run()
    return alerts(run.control, current.started_at) if current else []


def _rights(erased: Erased, staged: Staged) -> dict[str, Any]:
    """What went for objections and erasures, and what came again and was withheld."""
    return {
        "requests": sorted(erased.requests),
        "people": erased.people,
        "tables": {partner: dict(tables) for partner, tables in erased.tables.items()},
        "withheld": {name: one.withheld.records for name, one in staged.taken.items()},
        "tokens_behind": {str(epoch): count for epoch, count in erased.standing.items()},
    }


def refused_report(run: RunContext, refusal: Rejected) -> dict[str, Any]:
    """The report of a run that was refused for what the partners sent."""
    return {
        "run_id": run.run_id,
        "outcome": "rejected",
        "problems": problems_of(refusal),
        "quarantine": _place(run, run.quarantine) if run.quarantine.is_dir() else None,
        "seconds": run.seconds,
        "peak_bytes": run.memory,
    }


def problems_of(refusal: Rejected | None) -> dict[str, list[dict[str, str]]]:
    """What was wrong with each partner, where a run was refused or took nothing in for it."""
    return {
        partner: [{"problem": one.problem, "remedy": one.remedy} for one in errors]
        for partner, errors in (refusal.problems if refusal else {}).items()
    }


def _partners(run: RunContext, staged: Staged) -> dict[str, dict[str, Any]]:
    ledger = run.control.staged_extracts()
    told = {
        partner: _new(staged.taken[partner])
        if partner in staged.taken
        else _kept(ledger[partner], staged.agreed.kept[partner])
        for partner in staged.agreed.agreements
    }
    for partner, error in staged.agreed.stopped.items():
        why = NOT_IN_FORCE if isinstance(error, AgreementError) else NOT_TAKEN_IN
        told[partner] = _kept(ledger[partner], why) if partner in ledger else _none(why)
    return told


def _new(taken: Taken) -> dict[str, Any]:
    return {
        **_counts(taken.ledger, "new"),
        "top_rules": taken.facts.top_rules,
        "noted": taken.facts.noted,
        "other_files": taken.facts.other_files,
        "not_taken": dict(taken.facts.not_taken),
    }


def _kept(ledger: Extract, why: str) -> dict[str, Any]:
    return {**_counts(ledger, why), "top_rules": [], "noted": [], "other_files": 0, "not_taken": {}}


def _none(why: str) -> dict[str, Any]:
    """Like `_kept`, of a partner that never had an extract taken in."""
    counts = dict.fromkeys(("received", "kept", "quarantined", "withheld"), 0)
    rest = {"top_rules": [], "noted": [], "other_files": 0, "not_taken": {}}
    return {"extract": why, **counts, "over_shared_columns": 0, "data_as_at": "", **rest}


def _counts(ledger: Extract, extract: str) -> dict[str, Any]:
    return {
        "extract": extract,
        "received": ledger.received,
        "kept": ledger.kept,
        "quarantined": ledger.quarantined,
        "withheld": ledger.withheld,
        "over_shared_columns": ledger.over_shared,
        "data_as_at": ledger.data_as_at.isoformat(),
    }


def _warnings(run: RunContext, staged: Staged) -> list[str]:
    said = [
        f"{partner} is left out of this release: {error}"
        for partner, error in staged.agreed.stopped.items()
    ]
    said += [
        f"The {partner} agreement expires on {agreement.expires}: have it renewed."
        for partner, agreement in staged.agreed.agreements.items()
        if agreement.expires_soon(run.today)
    ]
    said += [
        f"The {partner} agreement was to be reviewed by {agreement.review}: have it looked at."
        for partner, agreement in staged.agreed.agreements.items()
        if agreement.review_passed(run.today)
    ]
    said += [
        sentence
        for agreement in staged.agreed.agreements.values()
        for sentence in gaps_in_words(agreement)
    ]
    said += [
        f"{partner} sent {one.ledger.over_shared} column(s) or whole tables that its agreement "
        "does not list; they were dropped"
        + (
            f", and {_place(run, told_of(run, partner))} says which: give it that"
            if one.facts.over_listed
            else ""
        )
        + ". Ask it not to send them."
        for partner, one in staged.taken.items()
        if one.ledger.over_shared
    ]
    said += [
        f"{partner} sent {rows:,} row(s) of {table}; none was taken, because "
        f"{staged.agreed.agreements[partner].not_taken[table]}, or ask it not to send them."
        for partner, one in staged.taken.items()
        for table, rows in one.facts.not_taken.items()
    ]
    said += [
        f"{sentence} Ask {partner} whether that is right."
        for partner, one in staged.taken.items()
        for sentence in one.drift
    ]
    said += [f"{sentence} Ask for its extract." for sentence in staged.agreed.late.values()]
    said += [
        f"Nothing was pulled from the source of {partner}: {look.said}"
        for partner, look in staged.agreed.looks.items()
        if look.problem is not None and partner not in staged.agreed.stopped
    ]
    said += [
        f"{one.facts.other_files} other file(s) lie beside the extract of {partner} and were not "
        "read."
        for partner, one in staged.taken.items()
        if one.facts.other_files
    ]
    said += [sentence for one in staged.agreed.fresh.values() for sentence in one.said]
    said += [
        f"{files} sealed file(s) in the inbox of {partner} are of an earlier bundle and were taken "
        "in before: they are passed over, and may be removed."
        for partner, files in staged.agreed.passed_over.items()
    ]
    return said + _withheld(staged)


def _withheld(staged: Staged) -> list[str]:
    """What is to be told of records of people who objected or were erased."""
    said = [
        f"{one.withheld.records:,} record(s) of {partner} were withheld: they are of people who "
        "objected or were erased."
        for partner, one in staged.taken.items()
        if one.withheld.records
    ]
    said += [
        f"{one.withheld.by_id_alone:,} withheld record(s) of {partner} have an identifier of such "
        "a person and other names, date of birth or sex, so it may be mistyped. Have all partners "
        "look for identifiers that they hold under two names, and do not say why: none may learn "
        "who objected at another."
        for partner, one in staged.taken.items()
        if one.withheld.by_id_alone
    ]
    said += [
        f"{one.withheld.differing:,} record(s) of {partner} were kept that have the names, date of "
        "birth and sex of somebody who objected or was erased, but another identifier. If they are "
        "that person's, have the request made once more with it."
        for partner, one in staged.taken.items()
        if one.withheld.differing
    ]
    return said


def _place(run: RunContext, path: Any) -> str:
    """A path within the partnership folder, so that a copied folder's reports still hold."""
    return str(path.relative_to(run.settings.folder))
