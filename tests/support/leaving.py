"""A partner that leaves a partnership, for tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Partnership


def without(partnership: Partnership, partner: str) -> None:
    """Take a partner out of partnership.yaml, as a data lead does by hand."""
    text = re.sub(rf"\n  {partner}: \{{inbox.*", "", partnership.config.read_text())
    text = re.sub(rf"(?<=\[){partner}, |, {partner}\b", "", text)
    assert f"  {partner}:" not in text
    partnership.config.write_text(text)
