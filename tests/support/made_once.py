"""Something slow to make that the tests only copy: made once, whichever worker asks first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` made, now or when another worker of the session asked for it.

    Args:
        factory: The session's temporary folders.
        name: What the folder is called; one name, one content.
        make: Fills the folder it is given, which does not exist yet.

    Raises:
        Exception: What ``make`` raised; the next that asks tries again.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # a worker's own folder is inside that of the session
    folder, done = root / name / "made", root / name / "done"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            make(folder)
            done.touch()
    return folder
