"""Chromium for the tests of pages.

`make test` installs the driver; Chromium comes from the system. Where either cannot be had these
tests are skipped, and say so in capitals; under CI they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, where it can be had.

    It goes with its module: its driver runs an event loop, beside which nobody can start another.
    """
    try:
        import axe_playwright_python  # noqa: F401
        from playwright.sync_api import sync_playwright

        path = next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *BROWSERS))))
    except (ImportError, StopIteration):
        missing = "THE PAGE IS NOT TESTED IN A BROWSER: install Chromium, then run `make test`."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()
