"""The evidence page in a real browser: read by axe on a screen and at the width of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from reading_pages import WIDER, violations

from flows.evidence.folder import Evidence
from flows.evidence.page import as_page
from flows.evidence.part import TITLES, Asked, missing, part
from flows.evidence.set_up import roles
from flows.settings import load_settings
from flows.start import start

DAY = date(2026, 11, 22)
PHONE = 320
DIGEST = "sha256:" + "0123456789abcdef" * 4


def evidence(folder: Path) -> Evidence:
    """Evidence with parts in every state and tables as long and as wide as they get."""
    start(folder, demo=True, today=DAY)
    settings = load_settings(folder / "partnership.yaml")
    wide = "partner, state, from, to, days left, version, digest of the document, note"
    row = ("police", "in force", "2026-11-22", "2027-11-21", 364, 1, DIGEST, "A long note. " * 20)
    parts = {name: missing(name, "There is none.") for name in TITLES} | {
        "agreements": part("agreements", "found", ["All are in force."], wide, [row] * 4),
        "record": missing("record", "It cannot be read: see `journeys status`.", failed=True),
        "roles": roles(settings, Asked(), DAY),
    }
    made = datetime(2026, 11, 22, 12, tzinfo=UTC)
    return Evidence(settings.partnership, True, made, tuple(parts.values()))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    path = folder / "index.html"
    path.write_text(as_page(evidence(folder / "partnership")), "utf-8")
    return path


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Any]:
    """The page as wide as a small phone; what it complains of fails the test."""
    said: list[str] = []
    opened = chromium.new_page(viewport={"width": PHONE, "height": 900})
    opened.on("console", lambda one: said.append(one.text))
    opened.on("pageerror", lambda one: said.append(str(one)))
    opened.goto(file.as_uri())
    yield opened
    opened.close()
    assert said == []


def test_axe_finds_nothing_in_the_evidence_and_nothing_is_cut_off(page: Any) -> None:
    assert violations(page) == []
    for width in (PHONE, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(WIDER) <= 0, width
    regions = page.locator(".scroll")
    assert regions.count() > 3
    reached = [regions.nth(n).get_attribute("tabindex") for n in range(regions.count())]
    assert set(reached) == {"0"}, "whoever has no mouse can scroll every table"
