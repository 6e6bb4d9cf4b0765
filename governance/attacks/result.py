"""One line of the suite: an attack, what it was turned on, and what it named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from governance.attacks.budgets import budget_for
from governance.attacks.scenario import VALUES, Scenario
from governance.attacks.scoring import Score, score_beyond, score_people, score_values

SHIPPED: Final = "anchored"
RECORDS: Final = "records"


@dataclass(frozen=True)
class Result:
    """What one attack named of one target.

    Args:
        attack: Its name.
        encoding: `anchored`, or a weak encoding.
        part: `records`, or a column.
        overlap: Share of the target's people on the attacker's list.
        score: Guesses, right ones, and those right by chance.
        budget: The share that may be named.
        weak: Whether the encoding is one that must be over budget.
        note: What else a reader should know.
    """

    attack: str
    encoding: str
    part: str
    overlap: float
    score: Score
    budget: float
    weak: bool
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the attack named no more than the budget; of a weak encoding it must."""
        return self.score.reidentified <= self.budget

    def as_json(self) -> dict[str, Any]:
        """The line as the report holds it: shares, and no value."""
        return {
            "attack": self.attack,
            "target": f"{self.encoding} {self.part}",
            "overlap": self.overlap,
            "reidentified": round(self.score.reidentified, 6),
            "budget": self.budget,
            "passed": self.passed,
        }


def judge_column(
    attack: str,
    scenario: Scenario,
    column: str,
    guesses: Sequence[pl.Series],
    encoding: str = SHIPPED,
    budget: float | None = None,
) -> Result:
    """Score guesses of one column's values; of several ways to guess, the best counts."""
    scores = [score_values(scenario.target[column], guess) for guess in guesses]
    best = max(scores, key=lambda score: score.reidentified)
    allowed = budget_for(column, scenario.overlap) if budget is None else budget
    return Result(attack, encoding, column, scenario.overlap, best, allowed, encoding != SHIPPED)


def judge_beyond(
    attack: str,
    scenario: Scenario,
    guesses: Sequence[pl.Series],
    staging: tuple[pl.DataFrame, pl.DataFrame],
    encoding: str = SHIPPED,
) -> Result:
    """Score an insider's guessed rows by what they name beyond staging (`score_beyond`).

    Of several ways to guess, the best counts.
    """
    scores = [score_beyond(scenario, rows, staging) for rows in guesses]
    score = max(scores, key=lambda score: score.correct - score.chance)
    allowed = budget_for(RECORDS, scenario.overlap)
    note = f"{score.correct} of {score.guessed} guesses are right, by staging {score.chance:.1f}"
    weak = encoding != SHIPPED
    return Result(attack, encoding, RECORDS, scenario.overlap, score, allowed, weak, note)


def judge_rows(
    attack: str,
    scenario: Scenario,
    guesses: Sequence[pl.Series],
    encoding: str = SHIPPED,
    budget: float | None = None,
) -> list[Result]:
    """Score guessed rows of the attacker's list: as people, and by each of their values."""
    scores = [score_people(scenario, rows) for rows in guesses]
    best = max(scores, key=lambda score: score.reidentified)
    allowed = budget_for(RECORDS, scenario.overlap) if budget is None else budget
    whole = Result(attack, encoding, RECORDS, scenario.overlap, best, allowed, encoding != SHIPPED)
    return [
        whole,
        *(
            judge_column(
                attack,
                scenario,
                column,
                [scenario.known[column].gather(rows) for rows in guesses],
                encoding,
                budget,
            )
            for column in VALUES
        ),
    ]
