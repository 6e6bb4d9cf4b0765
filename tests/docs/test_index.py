"""Every page is in the index, every link leads somewhere, and the version has its notes."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from doc_pages import ROOT, pages

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"(?ms)^ *```.*?^ *```")


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text("utf-8")))
    found = LINK.findall(text)
    return [one for one in found if "://" not in one and not one.startswith("mailto:")]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    text = FENCED.sub("", page.read_text("utf-8"))
    heads = re.findall(r"(?m)^#+ (.+)$", text)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).strip().replace(" ", "-") for head in plain}


def test_every_link_leads_somewhere() -> None:
    lost = []
    for name in [*pages(), "CHANGELOG.md", "deploy/README.md"]:
        page = ROOT / name
        for link in links(page):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                lost.append(f"{name}: {link}")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                lost.append(f"{name}: {link} (no such heading)")
    assert lost == []


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / one.partition("#")[0]).resolve() for one in links(DOCS / "README.md")}
    rooms = ("tutorial", "how-to", "explanation", "governance", "reference")
    there = {page.resolve() for room in rooms for page in (DOCS / room).glob("*.md")}
    recipes = {page for page in there if page.name.startswith("open-a-release-in-")}
    assert there - recipes - listed == set()


def test_the_version_has_its_notes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for page in ("CHANGELOG.md", "docs/how-to/upgrade.md"):
        notes = (ROOT / page).read_text("utf-8")
        assert re.search(rf"(?m)^##+ {re.escape(project['version'])}\b", notes), page
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"(?m)^## (\d+\.\d+\.\d+)", changes)
    assert released == sorted(released, key=lambda v: [*map(int, v.split("."))], reverse=True)
    assert changes.index("## Unreleased") < changes.index(f"## {released[0]}")
