"""Starting a partnership folder: settings, agreements to complete, keys; never overwriting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

from flows.files import PRIVATE, make_folder, private_folder, write_text
from governance.agreements import SIGNING_ROLES, Agreement, parse_agreement
from governance.keys.custody import is_there, new_ring
from governance.keys.ring import KINDS, Kind
from governance.keys.sources import FileSource, KeySource

PARTNERS = ("police", "probation", "treatment", "housing")
PURPOSE = "cohort-journeys"
UNSIGNED = "signatures: []\n"

DEMO_PARTNERSHIP = "Demonstration Combating Drugs Partnership"
DEMO_CONTROLLERS = {
    "police": "Demonstration Constabulary",
    "probation": "Demonstration Probation Region",
    "treatment": "Demonstration Treatment Service",
    "housing": "Demonstration Borough Council Housing",
}
DEMO_SIGNATORIES = {
    "sharing_controller": "Demonstration signatory for the partner (no real person)",
    "receiving_controller": "Demonstration signatory for the partnership (no real person)",
}
DEMO_DECISIONS = {
    "police": ("siro", "dpo"),
    "probation": ("siro", "dpo"),
    "treatment": ("caldicott_guardian", "siro", "dpo"),
    "housing": ("siro", "dpo"),
}
DEMO_DAYS = 365


@dataclass(frozen=True)
class Started:
    """What was made and what was there already, by path within the folder."""

    made: tuple[str, ...]
    left: tuple[str, ...]


def start(folder: Path, *, demo: bool, today: date) -> Started:
    """Make a partnership folder, or add what one lacks.

    Args:
        folder: Where; it need not exist.
        demo: Whether it is a demonstration: agreements are then signed by demonstration
            signatories for a year from today, and extracts stay in the inbox.
        today: The day.

    Raises:
        KeyProblem: If a key cannot be written.
        StoreError: If a folder or file cannot be.
    """
    make_folder(folder)
    texts = {Path("partnership.yaml"): _partnership(demo, folder)}
    texts |= {Path("agreements", f"{p}.yaml"): agreement_text(p, demo, today) for p in PARTNERS}
    made, left = [], []
    for path, text in texts.items():
        if (folder / path).exists():
            left.append(str(path))
        else:
            write_text(folder / path, text)
            made.append(str(path))
    for partner in PARTNERS:
        inbox = folder / "inbox" / partner
        private_folder(inbox)
        inbox.chmod(PRIVATE)
    for kind in KINDS:
        path = Path("keys", f"{kind}.key")
        (made if new_key(FileSource(folder / path), kind, today) else left).append(str(path))
    return Started(tuple(made), tuple(left))


def new_key(source: KeySource, kind: Kind, today: date) -> bool:
    """Make a key unless there is one; whether it was made.

    Raises:
        KeyProblem: It cannot be written where it is to be kept.
    """
    if is_there(source):
        return False
    for path in source.files:
        private_folder(path.parent)
    new_ring(source, kind, today)
    return True


def agreement_text(partner: str, demo: bool, today: date) -> str:
    """A partner's agreement as a file: a template to complete, or signed for a demonstration."""
    given = _demo_terms(partner, today) if demo else _blank_terms()
    text = _render(f"agreements/{partner}.yaml", {"purpose": PURPOSE, **given})
    if not demo:
        return text
    agreement = parse_agreement(text, f"{partner}.yaml")
    return text.replace(UNSIGNED, _signatures(agreement, today))


def _partnership(demo: bool, folder: Path) -> str:
    return _render(
        "partnership.yaml",
        {
            "partnership": DEMO_PARTNERSHIP if demo else "Name of the partnership",
            "contact": "hub@demonstration.example" if demo else "the partnership's data lead",
            "data_protection_officer": "data_protection_officer: dpo@demonstration.example"
            if demo
            else "# data_protection_officer: the name or role, and an address",
            "purpose": PURPOSE,
            "demonstration": "true" if demo else "false",
            # By quarters most of a few thousand people's funnels would be masked.
            "publication_period": "half-year" if demo else "quarter",
            "erasures": f"../{folder.resolve().name}-erasures",
            "sql_reason": "sql_reason: Trying out the demonstration"
            if demo
            else "# sql_reason: Needs assessment of the partnership",
        },
    )


def _demo_terms(partner: str, today: date) -> dict[str, str]:
    return {
        "demonstration": "true",
        "sharing_controller": DEMO_CONTROLLERS[partner],
        "sharing_contact": f"{partner}@demonstration.example",
        "receiving_controller": DEMO_PARTNERSHIP,
        "receiving_contact": "hub@demonstration.example",
        "starts": today.isoformat(),
        "expires": (today + timedelta(days=DEMO_DAYS)).isoformat(),
        "inbox_after_staging": "keep",
        "pace_63b_purpose": "advice_and_treatment",
        "receiving_organisation": DEMO_PARTNERSHIP,
        "review": (today + timedelta(days=DEMO_DAYS // 2)).isoformat(),
        "policy_document": _document("appropriate policy document", today),
        "dpia": _document("impact assessment", today),
        "decisions": "".join(_decision(role, today) for role in DEMO_DECISIONS[partner]),
    }


def _document(what: str, today: date) -> str:
    return f'{{reference: "Demonstration {what}", dated: {today.isoformat()}}}'


def _decision(role: str, today: date) -> str:
    decision = "advised" if role == "dpo" else "approved"
    return (
        f"\n  - role: {role}\n    decision: {decision}\n    decided_on: {today.isoformat()}\n"
        '    reference: "Demonstration decision (nobody has decided anything)"'
    )


def _blank_terms() -> dict[str, str]:
    return {
        "demonstration": "false",
        "sharing_controller": "<the organisation that shares>",
        "sharing_contact": "<whom to ask there>",
        "receiving_controller": "<the organisation that receives>",
        "receiving_contact": "<whom to ask there>",
        "starts": "null  # such as 2026-04-01",
        "expires": "null  # the last day in force",
        "inbox_after_staging": "remove",
        "pace_63b_purpose": "null",
        "receiving_organisation": "<whose they are>",
        "review": "null",
        "policy_document": "null  # such as {reference: where it is on file, dated: 2026-04-01}",
        "dpia": "null  # such as {reference: where it is on file, dated: 2026-04-01}",
        "decisions": " []",
    }


def _signatures(agreement: Agreement, today: date) -> str:
    lines = ["# Demonstration signatures: nobody has signed anything.", "signatures:"]
    for role in SIGNING_ROLES:
        lines += [
            f"  - role: {role}",
            f'    signatory: "{DEMO_SIGNATORIES[role]}"',
            f"    signed_on: {today.isoformat()}",
            f'    document_digest: "{agreement.document_digest}"',
            '    attested_by: "Demonstration officer (no real person)"',
            f"    attested_on: {today.isoformat()}",
        ]
    return "\n".join(lines) + "\n"


def _render(name: str, given: dict[str, str]) -> str:
    from jinja2 import Environment, StrictUndefined

    template = resources.files("governance").joinpath("templates", *name.split("/"))
    # The templates are YAML of ours, so nothing is to be escaped for HTML.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    return environment.from_string(template.read_text("utf-8")).render(given)
