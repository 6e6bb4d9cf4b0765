"""How much an attack named, beyond what its guesses would name by chance, against a budget."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from governance.attacks.scenario import PERSON, Scenario
from governance.attacks.token_graph import colours


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


def score_beyond(
    scenario: Scenario, guesses: pl.Series, staging: tuple[pl.DataFrame, pl.DataFrame]
) -> Score:
    """Score guesses of whole people beyond what staging alone says of the same records.

    Args:
        scenario: Whom the attacker knows.
        guesses: Rows of the attacker's list, null for no guess.
        staging: What it says of each record of the target and of each person of the list.

    Returns:
        With what is right by ``chance`` if each of the same records is given somebody of the list,
        drawn from those of whom staging says the same.
    """
    store, listed = (
        colours(frame, frame.columns).alias("seen").to_frame().with_columns(who)
        for frame, who in zip(
            staging, (scenario.target[PERSON], scenario.known[PERSON]), strict=True
        )
    )
    alike = listed.with_columns(alike=1 / pl.len().over("seen"))
    by_staging = store.join(alike, on=["seen", PERSON], how="left", maintain_order="left")
    score = score_people(scenario, guesses)
    chance = by_staging.filter(guesses.is_not_null())["alike"].sum()
    return Score(score.guessed, score.correct, float(chance or 0), score.of)
