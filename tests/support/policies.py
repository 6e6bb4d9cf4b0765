"""Policies that differ from the packaged one in a few lines."""

from __future__ import annotations

from typing import Any

from schemas.policy import Policy, laid_over, packaged_policy


def policy_with(**lines: Any) -> Policy:
    """The packaged policy with other lines laid over it."""
    return Policy.model_validate(laid_over(packaged_policy().model_dump(), lines))


def severe(**rules: str) -> Policy:
    """The packaged policy with other severities of some rules."""
    return policy_with(severity={"rules": rules})


LENIENT = policy_with(thresholds={"everyone": {"quarantined": 1.0, "emptied": 1.0}})
"""It refuses no extract for how much of it is wrong."""
