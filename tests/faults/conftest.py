"""A plug to pull, and ground to pull it on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from plug import plugged
from scenes import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    with plugged(folder) as plug:
        yield Ground(folder, plug)
