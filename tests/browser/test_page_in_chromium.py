"""The board's page in a real browser: read by axe, walked by keyboard, at three widths, printed.

The browser is of `conftest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pack as packs
import pytest
from reading_pages import WIDER, violations

from warehouse.publish.report import render_page

WIDTHS = (1280, 768, 320)  # a screen, a tablet, and what a page must still fit by WCAG 1.4.10

# Texts of the charts that can be seen: whether any leaves its drawing, or lies on another.
CLASHES = """() => [...document.querySelectorAll('svg')].filter(s => s.clientWidth).flatMap(s => {
  const area = s.viewBox.baseVal, all = [...s.querySelectorAll('text')].map(t => t.getBBox());
  const out = all.filter(b => b.x < -2 || b.x + b.width > area.width + 2
    || b.y < -1 || b.y + b.height > area.height + 3).length;
  const on = all.filter((a, i) => all.some((b, j) => j > i
    && Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 2
    && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 5)).length;
  return out + on ? [[s.getAttribute('aria-label').slice(0, 40), out, on]] : [];
})"""
# Tables of which a part is out of sight, without a word that one may scroll.
UNTOLD = """() => [...document.querySelectorAll('.broad')]
  .filter(t => t.scrollWidth > t.clientWidth && !t.querySelector('.scroll').checkVisibility())
  .map(t => t.getAttribute('aria-label').slice(0, 40))"""
FOCUSED = """() => { const e = document.activeElement, box = e.getBoundingClientRect();
  return { tag: e.tagName, href: e.getAttribute('href'), seen: box.width > 0 && box.height > 0,
    outlined: getComputedStyle(e).outlineStyle !== 'none', top: box.top + scrollY }; }"""
REACHABLE = """() => [...document.querySelectorAll('a[href], summary, [tabindex]')]
  .filter(e => e.checkVisibility()).length"""
UNSEEN = """() => [...document.querySelectorAll('details table')]
  .filter(t => !t.checkVisibility()
    || t.getBoundingClientRect().height < 20).length"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(packs.pack(), ["funnel.csv"]), "utf-8")
    return path


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, chromium: Any, file: Path) -> Iterator[Any]:
    """The page at one width; whatever it asks for or complains of fails the test."""
    asked: list[str] = []
    said: list[str] = []
    opened = chromium.new_page(viewport={"width": request.param, "height": 900})
    opened.on("request", lambda one: asked.append(one.url))
    opened.on("console", lambda one: said.append(one.text))
    opened.on("pageerror", lambda one: said.append(str(one)))
    opened.goto(file.as_uri())
    yield opened
    opened.close()
    assert asked == [file.as_uri()]
    assert said == []


@pytest.fixture
def screen(chromium: Any, file: Path) -> Iterator[Any]:
    """The page on a screen."""
    opened = chromium.new_page(viewport={"width": WIDTHS[0], "height": 900})
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def test_axe_finds_nothing_and_nothing_is_cut_off(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert violations(page) == []
    assert page.evaluate(WIDER) <= 0
    assert page.evaluate(CLASHES) == []
    assert page.evaluate(UNTOLD) == []


def test_these_checks_can_fail(screen: Any) -> None:
    screen.evaluate("document.documentElement.removeAttribute('lang')")
    screen.evaluate("document.querySelector('svg text').setAttribute('x', -99)")
    screen.evaluate("document.querySelector('.table').style.overflow = 'visible'")
    screen.evaluate("document.querySelector('table').style.width = '200rem'")
    assert [name for name, _ in violations(screen)] == ["html-has-lang"]
    assert screen.evaluate(CLASHES)
    assert screen.evaluate(WIDER) > 0
    screen.set_viewport_size({"width": 1280, "height": 900})
    screen.add_style_tag(content=".broad table { min-width: 90rem; }")
    assert screen.evaluate(UNTOLD)


def test_the_keyboard_reaches_everything_in_order_and_is_never_caught(page: Any) -> None:
    walked = []
    for _ in range(page.evaluate(REACHABLE)):
        page.keyboard.press("Tab")
        walked.append(page.evaluate(FOCUSED))
    assert len(walked) > 15 and walked[0]["href"] == "#main"
    assert all(one["seen"] and one["outlined"] for one in walked), walked
    # The way to the figures is left out: it moves the page as it appears.
    tops = [round(one["top"]) for one in walked[1:]]
    assert tops == sorted(tops)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_a_detail_opens_by_keyboard_and_the_skip_link_skips(screen: Any) -> None:
    screen.keyboard.press("Tab")
    screen.keyboard.press("Enter")
    screen.wait_for_url(lambda url: url.endswith("#main"))
    screen.keyboard.press("Tab")
    assert screen.evaluate("document.querySelector('main').contains(document.activeElement)")
    screen.focus("summary")
    screen.keyboard.press("Enter")
    assert screen.evaluate("document.querySelector('details').open")


def test_text_may_be_twice_as_large(screen: Any) -> None:
    screen.evaluate("document.documentElement.style.fontSize = '200%'")
    assert screen.evaluate(WIDER) <= 0


def test_what_is_folded_away_is_printed(screen: Any) -> None:
    assert screen.evaluate(UNSEEN) > 0
    screen.emulate_media(media="print")
    assert screen.evaluate(UNSEEN) == 0
    assert screen.pdf().startswith(b"%PDF")
