"""The parts of an evidence folder: each found from the partnership itself, or told as missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from flows.clock import LOCAL_TIME, local_day
from flows.context import open_control
from flows.settings import Settings
from schemas.errors import JourneysError

State = Literal["found", "failed", "missing"]
Cell = str | int | None

MOST_RUNS = 20
ACTS_DAYS = 365
"""How far back runs and acts are told."""

LATE_DAYS = 31
"""How long what is due may wait for `journeys retention apply` before that is a fault."""


@dataclass(frozen=True)
class Asked:
    """Files that were given beside the partnership.

    Args:
        attack: What `journeys attack --json` wrote.
        tests: What `pytest --junitxml` wrote.
    """

    attack: Path | None = None
    tests: Path | None = None


@dataclass(frozen=True)
class Part:
    """One part: what it says in sentences, and its table.

    Attributes:
        name: The name of its file.
        title: What it is called.
        state: `found`; `failed` where a check of it did; `missing` where there is nothing to tell.
        said: Sentences, the most important first.
        columns: The heads of its table.
        rows: The rows.
    """

    name: str
    title: str
    state: State
    said: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


Find = Callable[[Settings, Asked, date], Part]


def missing(name: str, title: str, why: str, *, failed: bool = False) -> Part:
    """A part that there is nothing of, and why."""
    return Part(name, title, "failed" if failed else "missing", (why,))


def _configuration(settings: Settings, asked: Asked, today: date) -> Part:
    at_source = [name for name, part in settings.partners.items() if part.encodes_with]
    gate = settings.disclosure
    rows = [
        ("purpose", settings.purpose),
        ("partners", ", ".join(settings.partners)),
        ("encode at source", ", ".join(at_source) or "none"),
        ("smallest count that is published", gate.threshold),
        ("published counts are rounded to", gate.rounding_base),
        ("windows of publications", settings.publication_period),
        ("releases kept", settings.keep_releases),
        ("restricted metrics asked for", ", ".join(settings.restricted_metrics) or "none"),
        ("roles that may be given files", ", ".join(settings.roles) or "none"),
        ("keys", ", ".join(settings.keys.named)),
        ("control database", settings.control_database.get_secret_value().partition(":")[0]),
        ("linkage engine", settings.engine),
        ("linkage model", settings.model.name if settings.model else "packaged"),
    ]
    return _part("configuration", "found", ["As partnership.yaml says today."], "what is", rows)


def _versions(settings: Settings, asked: Asked, today: date) -> Part:
    import hashlib
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lock = Path(__file__).parents[1] / "requirements" / "lock.txt"
    rows: list[tuple[Cell, ...]] = [("python", platform.python_version())]
    for name in ("cohort-journeys", "duckdb", "duckdb-extension-httpfs", "polars", "splink"):
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "not installed"))
    if lock.is_file():
        rows.append(("lock, SHA-256", hashlib.sha256(lock.read_bytes()).hexdigest()))
        return _part("versions", "found", ["What this folder was made with."], "what is", rows)
    said = ["The lock is not beside the installed program, so its digest cannot be told."]
    return _part("versions", "found", said, "what is", rows)


def _runs(settings: Settings, asked: Asked, today: date) -> Part:
    with open_control(settings) as control:
        ids = sorted(control.run_ids(), reverse=True)[:MOST_RUNS]
        runs = [run for run in map(control.run, ids) if run is not None]
        last = control.last_run()
    if last is None:
        return _none("runs", "The journey has not been run yet.")
    rows = [(one.run_id, _at(one.started_at), one.state, one.actor, one.problem) for one in runs]
    said = [f"The last run, {last.run_id}, is {last.state}."]
    state: State = "failed" if last.state == "failed" else "found"
    return _part("runs", state, said, "run, begun, state, account, problem", rows)


def _extracts(settings: Settings, asked: Asked, today: date) -> Part:
    with open_control(settings) as control:
        staged = control.staged_extracts()
    if not staged:
        return _none("extracts", "No extract has been taken in yet.")
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
    return _part("extracts", "found", said, heads, rows)


def _agreements(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.agreement_states import agreement_states

    found = agreement_states(settings, today)
    lapsed = [partner for partner, one in found.items() if not one["in_force"]]
    said = [
        f"Not in force: {', '.join(lapsed)}."
        if lapsed
        else "Every partner's agreement is in force."
    ]
    rows = [(name, one["state"], one["said"], one["digest"]) for name, one in found.items()]
    state: State = "failed" if lapsed else "found"
    return _part("agreements", state, said, "partner, state, terms, digest of the document", rows)


def _keys(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.rotation import key_states

    states = key_states(settings)
    rows: list[tuple[Cell, ...]] = []
    for key in states:
        rows += [
            (key.kind, one.epoch, one.made.isoformat(), one.fingerprint, one.state, one.said)
            for one in key.epochs
        ] or [(key.kind, None, None, None, key.problem or key.source, None)]
    faults = [f"The {one.kind} key: {one.problem}" for one in states if one.problem]
    said = faults or [
        "Every key that is named can be used. Fingerprints tell keys apart and open nothing."
    ]
    state: State = "failed" if faults else "found"
    return _part("keys", state, said, "key, epoch, made, fingerprint, state, note", rows)


def _record(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.record import verify_record

    found = verify_record(settings)
    told = found.report()
    sound = f"{told['entries']:,} entries were computed anew and are as they were made."
    said = [*(found.faults or [sound]), *found.notes]
    rows = [(name, told[name]) for name in ("entries", "erased", "checkpoints", "witnesses")]
    return _part("record", "found" if found.sound else "failed", said, "what is", rows)


def _acts(settings: Settings, asked: Asked, today: date) -> Part:
    from collections import Counter

    with open_control(settings) as control:
        entries = [
            one for one in control.audit_entries() if (today - local_day(one.at)).days <= ACTS_DAYS
        ]
    if not entries:
        return _none("acts", "Nothing is in the record yet.")
    last = {(one.action, one.recipients): one for one in entries}
    counted = Counter((one.action, one.recipients) for one in entries)
    rows = [
        (
            action,
            recipients,
            count,
            _at(last[action, recipients].at),
            last[action, recipients].actor,
        )
        for (action, recipients), count in sorted(counted.items())
    ]
    said = [
        f"{len(entries):,} entries of the last {ACTS_DAYS} days, by what was done and for whom."
    ]
    return _part("acts", "found", said, "act, for whom, entries, last, by", rows)


def _glass(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.break_glass import glasses

    with open_control(settings) as control:
        found = glasses(control.audit_entries())
    rows = [
        (
            *(one.glass_id, _at(one.opened_at), one.store, " and ".join(one.officers)),
            *(one.reason, one.questions, one.rows),
        )
        for one in found
    ]
    said = [
        f"The glass was broken {len(found)} time(s)." if found else "The glass was never broken."
    ]
    heads = "opening, when, store, decided by, why, questions, rows shown"
    return _part("glass", "found", said, heads, rows)


def _retention(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.retention import due as kept

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
    return _part("retention", "failed" if late else "found", said, heads, rows)


def _rights(settings: Settings, asked: Asked, today: date) -> Part:
    from collections import Counter

    from flows.cases import has_clock, warnings

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
    return _part("rights", "failed" if late else "found", said, heads, rows)


def _releases(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.releases import kept_releases

    found = kept_releases(settings)
    if not found:
        return _none("releases", "There is no release yet.")
    rows = [
        (
            *(one.run_id, _at(one.built_at) if one.built_at else None, one.rows, one.size),
            "yes" if one.is_read else "no",
        )
        for one in found
    ]
    said = [f"{len(found)} release(s) are kept; of more there is no file."]
    return _part("releases", "found", said, "release, built, rows, bytes, is read", rows)


def _publications(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.public import place
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
            rows.append((one.publication_id, _at(one.published_at), "not verified", str(error)))
        else:
            same = found.digest == one.digest
            told = f"{found.files} files, {found.values:,} counts" if same else "another digest"
            rows.append(
                (
                    one.publication_id,
                    _at(one.published_at),
                    "verified" if same else "not verified",
                    told,
                )
            )
    bad = [row for row in rows if row[2] != "verified"]
    said = [f"{len(rows) - len(bad)} of {len(rows)} publication(s) verified anew today."]
    said += [f"Withdrawn: {', '.join(withdrawn)}."] if withdrawn else []
    if not rows and not withdrawn:
        return _none("publications", "Nothing has been published.")
    state: State = "failed" if bad else "found"
    return _part(
        "publications", state, said, "publication, published, state, what was checked", rows
    )


def _roles(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.roles_page import answer
    from governance.controls.roles import rights, roles

    rows = [
        (one.kind, one.thing, *(answer(role, one) or "no" for role in roles())) for one in rights()
    ]
    said = ["As this version is meant to be set up; the machine's accounts are not looked at."]
    heads = ", ".join(["kind", "what", *(role.title for role in roles())])
    return _part("roles", "found", said, heads, rows)


def _attack(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.evidence_given import attack_results

    source, results = attack_results(asked.attack)
    shipped = [one for one in results if not one.weak]
    over = [one for one in shipped if not one.passed]
    fallen = {one.encoding for one in results if one.weak and not one.passed}
    weak = {one.encoding for one in results if one.weak}
    said = [
        f"{len(over)} of {len(shipped)} results on the shipped encoding are over budget"
        + ("; the threat model says what that means." if over else "."),
        source,
        f"{len(fallen)} of {len(weak)} weak encodings fell, as they must.",
    ]
    rows = [
        (
            *(one.attack, one.encoding, one.part, f"{one.overlap:.0%}", f"{one.named:.2%}"),
            *(f"{one.budget:.2%}", "within" if one.passed else "OVER"),
        )
        for one in shipped
    ]
    heads = "attack, encoding, of, known to the attacker, named, budget, result"
    return _part("attack", "found", said, heads, rows)


def _tests(settings: Settings, asked: Asked, today: date) -> Part:
    from flows.evidence_given import run_of_tests

    if asked.tests is None:
        return _none(
            "tests",
            "No test run was given. Run `python -m pytest tests/leaks --junitxml=tests.xml` and "
            "give it with --tests.",
        )
    said, rows, failures = run_of_tests(asked.tests)
    state: State = "failed" if failures else "found"
    return _part("tests", state, [said], "tests of, run, failed, skipped", rows)


def _controls(settings: Settings, asked: Asked, today: date) -> Part:
    from governance.controls.mapping import ANSWERS, mapped, schemes

    rows: list[tuple[Cell, ...]] = []
    for scheme in schemes():
        answers = [one.answer for one in mapped() if one.scheme == scheme.scheme]
        rows.append(
            (
                scheme.title,
                f"{scheme.version}, {scheme.dated}",
                *(answers.count(answer) for answer in ANSWERS),
            )
        )
    said = [
        "How this software answers others' lists of controls. It certifies nothing, and no owner "
        "of a list has looked at it.",
    ]
    return _part("controls", "found", said, ", ".join(["list", "edition", *ANSWERS]), rows)


TITLES = {
    "agreements": "Agreements",
    "record": "The record, verified today",
    "acts": "What was done with the data",
    "glass": "Looks into stores",
    "rights": "Rights requests",
    "retention": "Retention",
    "keys": "Keys",
    "roles": "Who may open what",
    "runs": "Runs",
    "extracts": "What the partners sent last",
    "releases": "Releases",
    "publications": "Publications, verified today",
    "attack": "Attacks on the encoding",
    "tests": "Tests of leaks",
    "configuration": "Configuration",
    "versions": "Versions",
    "controls": "Lists of controls",
}

GATHERED: tuple[tuple[str, str, Find], ...] = tuple(
    (name, TITLES[name], find)
    for name, find in (
        ("agreements", _agreements),
        ("record", _record),
        ("acts", _acts),
        ("glass", _glass),
        ("rights", _rights),
        ("retention", _retention),
        ("keys", _keys),
        ("roles", _roles),
        ("runs", _runs),
        ("extracts", _extracts),
        ("releases", _releases),
        ("publications", _publications),
        ("attack", _attack),
        ("tests", _tests),
        ("configuration", _configuration),
        ("versions", _versions),
        ("controls", _controls),
    )
)
"""Every part there is, in the order of the page."""


def _none(name: str, why: str) -> Part:
    return missing(name, TITLES[name], why)


def _part(
    name: str,
    state: State,
    said: Sequence[str],
    heads: str,
    rows: Iterable[tuple[Cell, ...]],
) -> Part:
    columns = ("what", "is") if heads == "what is" else tuple(heads.split(", "))
    return Part(name, TITLES[name], state, tuple(said), columns, tuple(rows))


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M}"
