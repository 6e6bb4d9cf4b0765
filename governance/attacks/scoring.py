"""How much an attack named, beyond what its guesses would name by chance, against a budget."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from governance.attacks.scenario import PERSON, Scenario


@dataclass(frozen=True)
class Score:
    """What guesses were worth.

    Args:
        guessed: Records for which there was a guess.
        correct: Of those, right ones.
        chance: How many would be right if the same guesses were dealt out at random: all that a
            list of common names gives to somebody who never saw the store.
        of: The records that could have been named.
    """

    guessed: int
    correct: int
    chance: float
    of: int

    @property
    def reidentified(self) -> float:
        """The share named beyond chance, 0 to 1."""
        return max(0.0, self.correct - self.chance) / self.of if self.of else 0.0


def score_values(truth: pl.Series, guesses: pl.Series) -> Score:
    """Score one guessed value a record; null is no guess.

    Args:
        truth: The true value of each record of the target; records without one do not count.
        guesses: As long as ``truth``.
    """
    both = pl.DataFrame({"truth": truth, "guess": guesses}).drop_nulls("truth")
    held = both.group_by("truth").agg(held=pl.len())
    times = both.drop_nulls("guess").group_by("guess").agg(times=pl.len())
    met = times.join(held, left_on="guess", right_on="truth")
    return Score(
        guessed=both.height - both["guess"].null_count(),
        correct=int((both["truth"] == both["guess"]).sum()),
        chance=float((met["times"] * met["held"]).sum() or 0) / max(both.height, 1),
        of=both.height,
    )


def score_people(scenario: Scenario, guesses: pl.Series) -> Score:
    """Score guesses of whole people: rows of the attacker's list, null for no guess.

    Only people on the attacker's list can be named, so the share is of their records.
    """
    score = score_values(scenario.target[PERSON], scenario.known[PERSON].gather(guesses))
    on_list = int(scenario.target[PERSON].is_in(scenario.known[PERSON].implode()).sum())
    return Score(score.guessed, score.correct, score.chance, on_list)
