"""Which pairs of records are compared at all: those that share a block token or a strong id."""

from __future__ import annotations

from typing import Any

from schemas.encoded import BLOCK_TOKENS, STRONG_IDS, token_column

# Names and birth year are looked at last: they make the largest blocks, and by then most of their
# pairs have been found by a rule that is cheaper.
BLOCKING_COLUMNS = tuple(token_column(name) for name in STRONG_IDS + BLOCK_TOKENS)


def blocking_rules() -> list[Any]:
    """Splink's blocking rules, one a token, in the order they run."""
    from splink import block_on

    return [block_on(column) for column in BLOCKING_COLUMNS]
