"""What an evidence folder tells of what was done: runs, looks, requests, deletion, publications."""

from __future__ import annotations

from datetime import date

from flows.clock import local_day
from flows.context import open_control
from flows.evidence.part import Asked, Cell, Part, State, at, missing, part
from flows.settings import Settings
from schemas.errors import JourneysError

MOST_RUNS = 20
ACTS_DAYS = 365
"""How far back runs and acts are told."""

LATE_DAYS = 31
"""How long what is due may wait for `journeys retention apply` before that is a fault."""


def record(settings: Settings, asked: Asked, today: date) -> Part:
    """The whole record, computed anew and held against its checkpoints."""
    from flows.record.checkpoints import verify_record

    found = verify_record(settings)
    told = found.report()
    sound = f"{told['entries']:,} entries were computed anew and are as they were made."
    said = [*(found.faults or [sound]), *found.notes]
    rows = [(name, told[name]) for name in ("entries", "erased", "checkpoints", "witnesses")]
    return part("record", "found" if found.sound else "failed", said, "what is", rows)


def acts(settings: Settings, asked: Asked, today: date) -> Part:
    """What was done in the last year, by act and for whom."""
    from collections import Counter

    with open_control(settings) as control:
        entries = [
            one for one in control.audit_entries() if (today - local_day(one.at)).days <= ACTS_DAYS
        ]
    if not entries:
        return missing("acts", "Nothing is in the record yet.")
    last = {(one.action, one.recipients): one for one in entries}
    counted = Counter((one.action, one.recipients) for one in entries)
    rows = [
        (
            action,
            recipients,
            count,
            at(last[action, recipients].at),
            last[action, recipients].actor,
        )
        for (action, recipients), count in sorted(counted.items())
    ]
    said = [
        f"{len(entries):,} entries of the last {ACTS_DAYS} days, by what was done and for whom."
    ]
    return part("acts", "found", said, "act, for whom, entries, last, by", rows)


def glass(settings: Settings, asked: Asked, today: date) -> Part:
    """Every time the glass was broken."""
    from flows.readers.break_glass import glasses

    with open_control(settings) as control:
        found = glasses(control.audit_entries())
    rows = [
        (
            *(one.glass_id, at(one.opened_at), one.store, " and ".join(one.officers)),
            *(one.reason, one.questions, one.rows),
        )
        for one in found
    ]
    said = [
        f"The glass was broken {len(found)} time(s)." if found else "The glass was never broken."
    ]
    heads = "opening, when, store, decided by, why, questions, rows shown"
    return part("glass", "found", said, heads, rows)


def rights(settings: Settings, asked: Asked, today: date) -> Part:
    """Rights requests in numbers, and by when people have to be told."""
    from collections import Counter

    from flows.rights.cases import has_clock, warnings

    with open_control(settings) as control:
        applied = {one.request_id: one.applied_run for one in control.rights_requests()}
        cases, near = list(control.rights_cases().values()), warnings(control, today)
    waiting = [request for request, run in applied.items() if run is None]
    late = [one for one in cases if has_clock(one) and one.due_on < today]
    counted = Counter(
        (
            *(one.right, one.partner),
            "waits for a run" if one.request_id in waiting else "carried out",
            f"to be told by {one.due_on}" if has_clock(one) else "told, or nobody to tell",
        )
        for one in cases
    )
    said = [
        f"{len(cases):,} request(s), {len(waiting):,} waiting for a run, {len(late):,} late to be "
        "answered.",
        *near,
    ]
    rows = [(*what, count) for what, count in sorted(counted.items())]
    heads = "right, partner, the data, the person, requests"
    return part("rights", "failed" if late else "found", said, heads, rows)


def retention(settings: Settings, asked: Asked, today: date) -> Part:
    """What is kept until when, and what is due for deletion."""
    from flows.retention.due import due as kept

    lines = kept(settings, today)
    ours = [one for one in lines if one.due and not one.told]
    late = [one for one in ours if one.until and (today - one.until).days > LATE_DAYS]
    said = [
        f"{len(ours)} thing(s) are due for deletion here, {len(late)} of them for more than "
        f"{LATE_DAYS} days; {sum(one.due and one.told for one in lines)} are due elsewhere."
    ]
    rows = [
        (
            *(one.held.kind, ", ".join(one.held.partners), one.held.what),
            *(one.held.since.isoformat(), one.until.isoformat() if one.until else "always"),
            *(one.under, "due" if one.due else "kept"),
        )
        for one in lines
    ]
    heads = "class, partners, what, since, keep until, under, state"
    return part("retention", "failed" if late else "found", said, heads, rows)


def runs(settings: Settings, asked: Asked, today: date) -> Part:
    """The last runs and how they ended."""
    with open_control(settings) as control:
        ids = sorted(control.run_ids(), reverse=True)[:MOST_RUNS]
        runs = [run for run in map(control.run, ids) if run is not None]
        last = control.last_run()
    if last is None:
        return missing("runs", "The journey has not been run yet.")
    rows = [(one.run_id, at(one.started_at), one.state, one.actor, one.problem) for one in runs]
    said = [f"The last run, {last.run_id}, is {last.state}."]
    state: State = "failed" if last.state == "failed" else "found"
    return part("runs", state, said, "run, begun, state, account, problem", rows)


def extracts(settings: Settings, asked: Asked, today: date) -> Part:
    """What each partner sent last, and what of it was dropped."""
    with open_control(settings) as control:
        staged = control.staged_extracts()
    if not staged:
        return missing("extracts", "No extract has been taken in yet.")
    over = {name: one.over_shared for name, one in staged.items() if one.over_shared}
    rows = [
        (
            *(name, one.data_as_at.isoformat(), one.received, one.kept, one.quarantined),
            *(one.withheld, one.over_shared, "at source" if one.delivery else "at the hub"),
        )
        for name, one in staged.items()
    ]
    said = [
        "Sent and not agreed, so dropped: "
        + ", ".join(f"{count} column(s) of {name}" for name, count in over.items())
        + "."
        if over
        else "No partner's last extract had a column that is not agreed."
    ]
    heads = (
        "partner, data up to, received, kept, quarantined, withheld, columns not agreed, encoded"
    )
    return part("extracts", "found", said, heads, rows)


def releases(settings: Settings, asked: Asked, today: date) -> Part:
    """The releases that there are."""
    from flows.releases.kept import kept_releases

    found = kept_releases(settings)
    if not found:
        return missing("releases", "There is no release yet.")
    rows = [
        (
            *(one.run_id, at(one.built_at) if one.built_at else None, one.rows, one.size),
            "yes" if one.is_read else "no",
        )
        for one in found
    ]
    said = [f"{len(found)} release(s) are kept; of more there is no file."]
    return part("releases", "found", said, "release, built, rows, bytes, is read", rows)


def publications(settings: Settings, asked: Asked, today: date) -> Part:
    """Every publication, verified anew."""
    from flows.publication.public import place
    from flows.safe_errors import guarded
    from warehouse.publish.verify import verify

    rows: list[tuple[Cell, ...]] = []
    with open_control(settings) as control:
        published = control.publications()
        withdrawn = [one.publication_id for one in control.withdrawals()]
    for one in published:
        try:
            found = guarded("verification", verify, place(settings, one))
        except JourneysError as error:
            rows.append((one.publication_id, at(one.published_at), "not verified", str(error)))
        else:
            same = found.digest == one.digest
            told = f"{found.files} files, {found.values:,} counts" if same else "another digest"
            rows.append(
                (
                    one.publication_id,
                    at(one.published_at),
                    "verified" if same else "not verified",
                    told,
                )
            )
    bad = [row for row in rows if row[2] != "verified"]
    said = [f"{len(rows) - len(bad)} of {len(rows)} publication(s) verified anew today."]
    said += [f"Withdrawn: {', '.join(withdrawn)}."] if withdrawn else []
    if not rows and not withdrawn:
        return missing("publications", "Nothing has been published.")
    state: State = "failed" if bad else "found"
    return part(
        "publications", state, said, "publication, published, state, what was checked", rows
    )
