"""Whose fault a failure is: a partner is asked to send again only for one of its extract."""

from __future__ import annotations

from typing import Any

import pytest

from flows import ingest
from flows.safe_errors import StepFailed
from schemas.errors import ExtractRejected, JourneysError, KeyProblem


@pytest.mark.parametrize(
    ("error", "goes_back"),
    [
        (ExtractRejected("It is not whole.", "Send it again."), True),
        (StepFailed("encode", "ValueError", "reading.py:1"), True),
        (StepFailed("encode", "OSError", "reading.py:1"), False),
        (StepFailed("encode", "MemoryError", "reading.py:1"), False),
        (KeyProblem("A key is missing.", "Put it back."), False),
    ],
)
def test_a_full_disk_of_ours_is_no_fault_of_a_partners_extract(
    error: JourneysError, goes_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ingest, "refused", lambda _, partner: asked.append(partner))
    run: Any = None
    ingest._put_back(run, "police", {"police": [error]})
    assert asked == (["police"] if goes_back else [])
