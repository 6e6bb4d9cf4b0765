"""What tests of sources share: extracts of little, and asking a source for what it holds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from flows.sources.choosing import Terms
from flows.sources.fetching import Asked, Fetched, fetch
from flows.sources.naming import Naming
from flows.sources.said import Source
from schemas.mapping import own_layout

OLD = timedelta(hours=1)
CANARY = "Sixpence-Quillfeather"
"""Stands for a name: it is in no message."""


def put(folder: Path, files: Mapping[str, str], age: timedelta = OLD) -> Path:
    """Write files that have stood still for so long."""
    folder.mkdir(parents=True, exist_ok=True)
    at = time.time() - age.total_seconds()
    for name, content in files.items():
        (folder / name).write_text(content)
        os.utime(folder / name, (at, at))
    return folder


def source(**said: Any) -> Any:
    """A source, as partnership.yaml would say it; it is tried once."""
    return TypeAdapter(Source).validate_python({"attempts": 1, **said})


def asked(given: Any, into: Path, partner: str = "police", **terms: Any) -> Asked:
    """A wish for what is new at a source."""
    pattern, sealed = terms.pop("pattern", None), terms.pop("sealed", False)
    look_only, known = terms.pop("look_only", False), terms.pop("known", frozenset())
    return Asked(
        partner=partner,
        source=given,
        terms=Terms(
            Naming(partner, own_layout(partner), pattern, sealed),
            settle=timedelta(seconds=given.settle_seconds),
            marker=given.marker,
            **terms,
        ),
        into=into,
        known=known,
        secret=b"secret",
        now=datetime.now(UTC),
        look_only=look_only,
    )


def fetched(given: Any, into: Path, **terms: Any) -> Fetched:
    """What is new at a source, pulled into a folder, without waiting."""
    return fetch(asked(given, into, **terms), wait=lambda seconds: None)


def contents(found: Fetched, into: Path) -> dict[str, str]:
    """What each pulled file is to be called, and holds."""
    files = [file for one in found.deliveries for file in one.files]
    return {file.lands_as: (into / file.at).read_text() for file in files}
