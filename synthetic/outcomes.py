"""Treatment Outcomes Profiles: what clients say of their last 28 days, at each stage."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.histories import NEVER, day_column, kept, references, text_column
from synthetic.streams import Streams

COMPLETED = {"S": 0.86, "R": 0.72, "E": 0.66}  # of those due; judgement
REVIEWED_AFTER = 182  # days
USED = {  # column → share of clients who used at all at the start, by main substance
    "OPIUSE": {"opiate": 0.92, "crack": 0.10, "cocaine": 0.01, "alcohol": 0.01, "cannabis": 0.01},
    "CRAUSE": {"opiate": 0.55, "crack": 0.96, "cocaine": 0.04, "alcohol": 0.02, "cannabis": 0.02},
    "COCAUSE": {"opiate": 0.05, "crack": 0.08, "cocaine": 0.92, "alcohol": 0.16, "cannabis": 0.12},
    "AMPHUSE": {"opiate": 0.04, "crack": 0.03, "cocaine": 0.05, "alcohol": 0.02, "cannabis": 0.03},
    "CANNUSE": {"opiate": 0.25, "crack": 0.22, "cocaine": 0.22, "alcohol": 0.14, "cannabis": 0.94},
    "ALCUSE": {"opiate": 0.32, "crack": 0.42, "cocaine": 0.62, "alcohol": 0.94, "cannabis": 0.42},
    "OTDRGUSE": {"opiate": 0.12, "crack": 0.08, "cocaine": 0.06, "alcohol": 0.05, "cannabis": 0.08},
}
USE_LEFT = {"S": 1.0, "R": 0.55, "E": 0.35}  # of that share, by stage; judgement
FELT_BETTER = {"S": 0.0, "R": 1.6, "E": 3.2}  # points of 20
DAYS, POINTS = 28, 20


def _due(
    triaged: np.ndarray, discharged: np.ndarray, as_at: int, draw: Streams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return episode, day and stage of each profile that was completed."""
    began = triaged > NEVER
    ended = discharged > NEVER
    last = np.where(ended, discharged, as_at)
    start = triaged + (draw("profile start").beta(1, 3, len(triaged)) * 15).astype(int)
    review = triaged + REVIEWED_AFTER + draw("profile review").integers(-14, 30, len(triaged))
    due = {
        "S": (began & (start <= last), start),
        "R": (began & (review < last), review),
        "E": (began & ended, discharged),
    }
    at, day, stage = [], [], []
    for name, (is_due, when) in due.items():
        done = np.flatnonzero(
            is_due & (draw(f"profile {name}").random(len(triaged)) < COMPLETED[name])
        )
        at.append(done)
        day.append(when[done])
        stage.append(np.full(len(done), name, dtype=object))
    return np.concatenate(at), np.concatenate(day), np.concatenate(stage)


def _some_days(rng: np.random.Generator, chance: np.ndarray, shape: float = 1.2) -> np.ndarray:
    """Return days of 28: none for most, else anything, every day most often."""
    size = len(chance)
    days = 1 + (rng.beta(shape, 0.7, size) * DAYS).astype(int).clip(0, DAYS - 1)
    return np.where(rng.random(size) < chance, days, 0)


def _text(values: np.ndarray) -> pl.Series:
    return pl.Series(values).cast(pl.String)


def outcomes_profiles(
    person: np.ndarray, triaged: np.ndarray, discharged: np.ndarray, using: np.ndarray,
    injects: np.ndarray, keys: dict[str, np.ndarray], as_at: int, draw: Streams,
) -> pl.DataFrame:  # fmt: skip
    """Make the profiles of episodes.

    Args:
        person: Whose episode each is.
        triaged: Its day of triage, NEVER where it did not come to that.
        discharged: Its day of discharge, NEVER while it is open.
        using: Its main substance.
        injects: Its injecting status.
        keys: Its key columns.
        as_at: The day the extracts are drawn.
        draw: Random numbers by purpose.
    """
    at, day, stage = _due(triaged, discharged, as_at, draw)
    size = len(at)
    left = np.array([USE_LEFT[name] for name in stage])
    better = np.array([FELT_BETTER[name] for name in stage])

    def days(column: str) -> np.ndarray:
        chance = np.array([USED[column][drug] for drug in using[at]]) * left
        return _some_days(draw(column), chance)

    def few_days(column: str, share: float) -> pl.Series:
        return _text(_some_days(draw(column), np.full(size, share)))

    def yes(column: str, chance: np.ndarray | float) -> pl.Series:
        return text_column(np.where(draw(column).random(size) < chance, "Y", "N").astype(object))

    def score(column: str, mean: float) -> pl.Series:
        drawn = draw(column).normal(mean, 4.0, size) + better
        return _text(np.clip(np.rint(drawn), 0, POINTS).astype(int))

    used = {column: days(column) for column in USED}
    injected = np.where(injects[at] == "C", np.maximum(used["OPIUSE"], used["CRAUSE"]), 0)
    shared = np.where(draw("SHARING").random(size) < 0.06, "Y", "N").astype(object)
    order = ("ALCUSE", "OPIUSE", "CRAUSE", "COCAUSE", "AMPHUSE", "CANNUSE", "OTDRGUSE")
    return pl.DataFrame(
        {
            "TOPID": text_column(references("TOP", day)),
            **{name: text_column(values[at]) for name, values in keys.items()},
            "TOPDATE": day_column(day),
            "TRSTAGE": text_column(stage),
            **{column: _text(used[column]) for column in order},
            "IVDRGUSE": _text(injected),
            "SHARING": text_column(kept(injected > 0, shared)),
            "SHOTHEFT": few_days("SHOTHEFT", 0.08),
            "DRGSELL": few_days("DRGSELL", 0.03),
            "OTHTHEFT": yes("OTHTHEFT", 0.04 * left),
            "ASSAULT": yes("ASSAULT", 0.02 * left),
            "PSYHSTAT": score("PSYHSTAT", 9.5),
            "PWORK": few_days("PWORK", 0.24),
            "EDUCAT": few_days("EDUCAT", 0.05),
            "ACUTHPBM": yes("ACUTHPBM", 0.16 * left),
            "HRISK": yes("HRISK", 0.10 * left),
            "PHSTAT": score("PHSTAT", 10.5),
            "QUALLIFE": score("QUALLIFE", 10.0),
            "person": person[at],
        }
    )
