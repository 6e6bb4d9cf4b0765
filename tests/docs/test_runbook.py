"""Every alert, finding and refusal has its place in the runbook, and none is of nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from flows.doctor.examining import CHECKS
from flows.orchestration.notify import KINDS

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "how-to" / "runbook.md").read_text("utf-8")
ROOMS = ("flows", "governance", "linkage", "schemas", "synthetic", "warehouse")
OF_SOURCES = frozenset(
    {
        "source-refused",
        "source-unreachable",
        "source-unsound",
        "source-contradicted",
        "source-failed-its-checks",
        "source-broken-off",
        "source-not-reached",
        "source-not-written",
    }
)


def sections() -> dict[str, str]:
    parts = re.split(r"(?m)^### ", RUNBOOK.split("\n## Refusals")[0])[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


def refusals() -> set[str]:
    """Every refusal by its class: those next to the root, and those that others are made of."""
    bases: dict[str, set[str]] = {}
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                names = {base.id for base in node.bases if isinstance(base, ast.Name)}
                bases.setdefault(node.name, set()).update(names)
    return {name for name, above in bases.items() if "JourneysError" in above}


def test_every_alert_and_finding_has_a_section_and_none_is_of_nothing() -> None:
    codes = set(KINDS) | set(CHECKS) | {"sources"} | OF_SOURCES
    assert codes - sections().keys() == set()
    assert sections().keys() - codes == set()


def test_the_states_of_a_source_are_those_of_the_runbook() -> None:
    text = (ROOT / "flows" / "sources" / "problems.py").read_text("utf-8")
    states = {f"source-{one.replace(' ', '-')}" for one in re.findall(r'state = "(.+)"', text)}
    assert states == OF_SOURCES


def test_a_section_says_what_to_do_and_what_not_to() -> None:
    for name, text in sections().items():
        assert "*It means*" in text or "*it means*" in text, name
        assert re.search(r"\*[Dd]o\*", text), name
        assert re.search(r"\*Do not\*", text) or name == "pull-failed", name


def test_every_refusal_has_a_line_and_no_line_is_of_nothing() -> None:
    listed = set(re.findall(r"(?m)^\| `(\w+)` \|", RUNBOOK.split("\n## Refusals")[1]))
    found = refusals()
    assert len(found) > 20
    assert found - listed == set()
    every = set(
        re.findall(
            r"class (\w+)\(",
            "".join(p.read_text() for r in ROOMS for p in (ROOT / r).rglob("*.py")),
        )
    )
    assert listed - every == set()
