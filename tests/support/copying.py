"""A copy of a partnership with its register of erasures, as whoever keeps it would have it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from flows.settings import load_settings


def copied_whole(original: Path, target: Path, but: Iterable[str] = ()) -> Path:
    """Copy a partnership folder, and the register of erasures beside it where there is one."""
    shutil.copytree(original, target, ignore=shutil.ignore_patterns(*but))
    register = load_settings(original / "partnership.yaml").retention.erasures
    place = load_settings(target / "partnership.yaml").retention.erasures
    if register is not None and place is not None and register.is_dir() and place != register:
        shutil.copytree(register, place, dirs_exist_ok=True)
    return target
