"""Whose fault a failure is: a partner is asked to send again only for one of its extract."""

from __future__ import annotations

from typing import Any

import pytest

from flows.intake import making_way
from flows.safe_errors import StepFailed
from schemas.errors import ExtractRejected, JourneysError, KeyProblem


@pytest.mark.parametrize(
    ("error", "sealed", "goes_back"),
    [
        (ExtractRejected("It is not whole.", "Send it again."), False, True),
        (StepFailed("encode", "ValueError", "reading.py:1"), False, True),
        (StepFailed("encode", "OSError", "reading.py:1"), True, False),
        (StepFailed("encode", "MemoryError", "reading.py:1"), False, False),
        (KeyProblem("A key is missing.", "Put it back."), False, False),
        (KeyProblem("It was sealed to another key.", "Give a new bundle."), True, True),
    ],
)
def test_a_full_disk_of_ours_is_no_fault_of_a_partners_extract(
    error: JourneysError, sealed: bool, goes_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(making_way, "refused", lambda _, partner: asked.append(partner))
    monkeypatch.setattr(making_way, "encodes_at_source", lambda _, partner: sealed)
    run: Any = None
    making_way.put_back(run, "police", {"police": [error]})
    assert asked == (["police"] if goes_back else [])
