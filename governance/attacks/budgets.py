"""How much any attack may name of the shipped encoding. Set on 22 November 2026.

- A dictionary without the key names nobody: one hit would mean that the key is not used.
- At 5 and 20 % overlap, 1 in 200 records on the attacker's list and 1 in 100 values of a column,
  beyond what the same guesses name by chance. At 20 % this is the project's target; whoever knows
  fewer people is the weaker attacker and gets no larger budget.
- At 80 % overlap, 1 in 20 of both. Who holds names, dates of birth and addresses of four in five of
  a partnership's people is nearly a partner, and the budget is there to notice a change for the
  worse, not to call such a loss small.
- The insider is held to what the encoding adds to the staging store, which has no secret from it.
- Stronger assumptions get no larger budget: who knows an area whole or has the residents' books of
  the hostels, or is given who shares a date and a postcode, is held to the budget of the overlap.
  None was changed once version 3 of the encoding was measured, nor for any version since, though
  one is missed: see docs/explanation/threat-model.md.
"""

from __future__ import annotations

from typing import Final

RECORDS, COLUMNS, NEARLY_ALL_KNOWN, DICTIONARY = 0.005, 0.01, 0.05, 0.0
NEARLY_ALL: Final = 0.5  # overlap from which the attacker counts as knowing nearly everybody


def budget_for(target: str, overlap: float) -> float:
    """The share that may be named: of records, or of a column's values.

    Args:
        target: `records`, or the name of a column.
        overlap: The share of the target's people on the attacker's list.
    """
    if overlap > NEARLY_ALL:
        return NEARLY_ALL_KNOWN
    return RECORDS if target == "records" else COLUMNS
