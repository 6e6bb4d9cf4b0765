"""What a browser tells of a page: what axe finds, and whether anything is wider than the screen."""

from __future__ import annotations

from typing import Any

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def violations(page: Any) -> list[tuple[str, list[str]]]:
    """What axe finds: its rule, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}})
    return [
        (one["id"], [str(node["target"]) for node in one["nodes"]])
        for one in found.response["violations"]
    ]
