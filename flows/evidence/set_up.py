"""What an evidence folder tells of how things are set up, from agreements to versions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flows.evidence.part import Asked, Cell, Part, State, missing, part
from flows.settings import Settings


def agreements(settings: Settings, asked: Asked, today: date) -> Part:
    """Whether each partner's agreement is in force."""
    from flows.agreements.states import agreement_states

    found = agreement_states(settings, today)
    lapsed = [partner for partner, one in found.items() if not one["in_force"]]
    said = [
        f"Not in force: {', '.join(lapsed)}."
        if lapsed
        else "Every partner's agreement is in force."
    ]
    rows = [(name, one["state"], one["said"], one["digest"]) for name, one in found.items()]
    state: State = "failed" if lapsed else "found"
    return part("agreements", state, said, "partner, state, terms, digest of the document", rows)


def keys(settings: Settings, asked: Asked, today: date) -> Part:
    """Every key and epoch by its fingerprint."""
    from flows.keys.rotation import key_states

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
    return part("keys", state, said, "key, epoch, made, fingerprint, state, note", rows)


def roles(settings: Settings, asked: Asked, today: date) -> Part:
    """Which role may open what."""
    from flows.readers.roles_page import answer
    from governance.controls.roles import rights, roles

    rows = [
        (one.kind, one.thing, *(answer(role, one) or "no" for role in roles())) for one in rights()
    ]
    said = ["As this version is meant to be set up; the machine's accounts are not looked at."]
    heads = ", ".join(["kind", "what", *(role.title for role in roles())])
    return part("roles", "found", said, heads, rows)


def attack(settings: Settings, asked: Asked, today: date) -> Part:
    """What the attacks on the encoding named, given or packaged."""
    from flows.evidence.given import attack_results

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
    return part("attack", "found", said, heads, rows)


def tests(settings: Settings, asked: Asked, today: date) -> Part:
    """A run of the tests, where one was given."""
    from flows.evidence.given import run_of_tests

    if asked.tests is None:
        return missing(
            "tests",
            "No test run was given. Run `python -m pytest tests/leaks --junitxml=tests.xml` and "
            "give it with --tests.",
        )
    said, rows, failures = run_of_tests(asked.tests)
    state: State = "failed" if failures else "found"
    return part("tests", state, [said], "tests of, run, failed, skipped", rows)


def configuration(settings: Settings, asked: Asked, today: date) -> Part:
    """What partnership.yaml says that bears on people."""
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
    return part("configuration", "found", ["As partnership.yaml says today."], "what is", rows)


def versions(settings: Settings, asked: Asked, today: date) -> Part:
    """What the folder was made with."""
    import hashlib
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lock = Path(__file__).parents[2] / "requirements" / "lock.txt"
    rows: list[tuple[Cell, ...]] = [("python", platform.python_version())]
    for name in ("cohort-journeys", "duckdb", "duckdb-extension-httpfs", "polars", "splink"):
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "not installed"))
    if lock.is_file():
        rows.append(("lock, SHA-256", hashlib.sha256(lock.read_bytes()).hexdigest()))
        return part("versions", "found", ["What this folder was made with."], "what is", rows)
    said = ["The lock is not beside the installed program, so its digest cannot be told."]
    return part("versions", "found", said, "what is", rows)


def controls(settings: Settings, asked: Asked, today: date) -> Part:
    """How others' lists of controls are answered, in numbers."""
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
    confirmed = sum(one.status == "confirmed" for one in mapped())
    said = [
        "How this software answers others' lists of controls. It certifies nothing, and no owner "
        "of a list has looked at it.",
        f"{confirmed} of {len(mapped())} outcomes were read in public text of their list, which is "
        "named beside each; the others are unconfirmed.",
    ]
    return part("controls", "found", said, ", ".join(["list", "edition", *ANSWERS]), rows)
