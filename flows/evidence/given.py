"""Results that an officer gives beside a partnership: of the attacks, and of a test run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError

SHIPPED = "anchored"
LARGEST = 1 << 26


@dataclass(frozen=True)
class Attacked:
    """One result of the attacks: what was named beyond chance, and what was allowed."""

    attack: str
    encoding: str
    part: str
    overlap: float
    named: float
    budget: float
    passed: bool

    @property
    def weak(self) -> bool:
        """Whether the encoding is one that has to fall."""
        return self.encoding != SHIPPED


def attack_results(path: Path | None) -> tuple[str, list[Attacked]]:
    """The results of `journeys attack`, and a sentence that says which they are.

    Args:
        path: What `journeys attack --json` wrote; None for those that came with this version.

    Raises:
        ConfigError: The file is not such a one.
    """
    from governance.controls.mapping import packaged_attack

    if path is not None:
        return f"Results given with this folder, from {path.name}.", _results(_json(path))
    came = packaged_attack()
    source = (
        f"Packaged results: `{came['command']}` of {came['measured_on']}, on version "
        f"{came['encoding_version']} of the encoding and made-up people. Run it here, and give "
        "--attack, for results of your own."
    )
    return source, _results(came["results"])


def run_of_tests(path: Path) -> tuple[str, list[tuple[str, int, int, int]], int]:
    """A test run by the file of its tests: a sentence, rows of counts, and how many failed.

    Raises:
        ConfigError: The file is not one that pytest wrote.
    """
    # An officer's own file; the parser bounds what entities expand to.
    from xml.etree import ElementTree

    suite = None
    try:
        if path.stat().st_size <= LARGEST:
            suite = ElementTree.fromstring(path.read_text("utf-8")).find("testsuite")  # noqa: S314
    except (OSError, UnicodeDecodeError, ElementTree.ParseError):
        suite = None
    if suite is None:
        raise _not_such_a_file("test run", "pytest --junitxml=FILE")
    counted: dict[str, list[int]] = {}
    for case in suite.iter("testcase"):
        row = counted.setdefault(case.get("classname", ""), [0, 0, 0])
        row[0] += 1
        row[1] += case.find("failure") is not None or case.find("error") is not None
        row[2] += case.find("skipped") is not None
    rows = [
        (name, run, failed, skipped) for name, (run, failed, skipped) in sorted(counted.items())
    ]
    failures = sum(row[2] for row in rows)
    said = (
        f"{sum(row[1] for row in rows):,} tests, {failures:,} failed, of a run that began "
        f"{suite.get('timestamp', 'at a time not told')[:19]}."
    )
    return said, rows, failures


def _json(path: Path) -> Any:
    said: Any = None
    try:
        if path.stat().st_size <= LARGEST:
            said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        said = None
    return said


def _results(said: Any) -> list[Attacked]:
    try:
        found = [
            Attacked(
                str(one["attack"]),
                str(one["target"]).rpartition(" ")[0],
                str(one["target"]).rpartition(" ")[2],
                float(one["overlap"]),
                float(one["reidentified"]),
                float(one["budget"]),
                one["passed"] is True,
            )
            for one in said
        ]
    except (KeyError, TypeError, ValueError):
        found = []
    if not found:
        raise _not_such_a_file("attack report", "journeys attack --json FILE")
    return found


def _not_such_a_file(what: str, command: str) -> ConfigError:
    return ConfigError(f"The {what} that was given cannot be read.", f"Make it with `{command}`.")
