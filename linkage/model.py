"""A linkage model: trained parameters and thresholds, where they came from, and who agreed.

A model is a dated JSON file that a person can review. It holds parameters only; the comparisons
and blocking rules are in code, and the file says which version of the encoding it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from math import log2
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from linkage.blocking import blocking_rules
from linkage.comparisons import COMPARISONS, Comparison, NoEvidence, comparisons
from linkage.reduced import LEVELS
from schemas.encoded import ENCODING_VERSION, SAME_VALUES_SINCE
from schemas.errors import ModelError

CURRENT_MODEL = "full_view_2026_11_23.json"


Weights = dict[str, dict[str, float]]


class Parameters(BaseModel):
    """The two probabilities of one level: among matches, and among the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    m: float = Field(gt=0, lt=1)
    u: float = Field(gt=0, lt=1)


class Thresholds(BaseModel):
    """Match weights (log2 of the odds): join at ``link``, keep for review from ``review``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    link: float
    review: float


class ReducedThresholds(BaseModel):
    """Match weights: join a client and a person at ``link``, ahead of any rival by ``lead``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    link: float
    lead: float = Field(ge=0)


class ReducedView(BaseModel):
    """What links clients known by initials only; see :mod:`linkage.reduced`.

    Attributes:
        known: The share of clients who are a person in the other records.
        thresholds: When a client and a person are joined.
        comparisons: Comparison → level → probabilities, as in the full view.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    known: float = Field(gt=0, lt=1)
    thresholds: ReducedThresholds
    comparisons: dict[str, dict[str, Parameters]]

    @field_validator("comparisons")
    @classmethod
    def _whole(cls, given: dict[str, dict[str, Parameters]]) -> dict[str, dict[str, Parameters]]:
        if {name: tuple(levels) for name, levels in given.items()} != LEVELS:
            raise ValueError("a level is untrained")
        return given

    def weights(self) -> Weights:
        """The match weight of each level."""
        return match_weights(self.comparisons)


class Model(BaseModel):
    """A trained model as its file holds it.

    One without a reduced view is refused where a record has initials only. One without the
    collision guard is for data that have been seen to hold no relatives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    view: Literal["full"]
    trained: str
    encoding_version: int
    trained_on: dict[str, Any]
    approved_by: str
    probability_two_random_records_match: float = Field(gt=0, lt=1)
    thresholds: Thresholds
    guard: bool = True
    comparisons: dict[str, dict[str, Parameters]]
    reduced: ReducedView | None = None

    def weights(self) -> Weights:
        """The match weight of each level."""
        return match_weights(self.comparisons)

    def settings(self) -> Any:
        """Splink's settings for this model.

        Raises:
            ModelError: A level of a comparison has no parameters, or the encoding has moved on.
        """
        if not SAME_VALUES_SINCE <= self.encoding_version <= ENCODING_VERSION:
            raise ModelError(
                f"The linkage model {self.name} was trained on encoding version "
                f"{self.encoding_version}, and the encoding is version {ENCODING_VERSION}.",
                "Train and approve a model for this version with `journeys link train`.",
            )
        return splink_settings(
            {name: {k: (p.m, p.u) for k, p in v.items()} for name, v in self.comparisons.items()},
            self.probability_two_random_records_match,
        )


def match_weights(comparisons: Mapping[str, Mapping[str, Parameters]]) -> Weights:
    """The weight of each level: log2 of how much likelier it is among matches."""
    return {
        comparison: {level: log2(p.m / p.u) for level, p in levels.items()}
        for comparison, levels in comparisons.items()
    }


def splink_settings(
    parameters: dict[str, dict[str, tuple[float, float]]] | None,
    prior: float,
    *,
    anchored: bool = True,
    retain_levels: bool = False,
) -> Any:
    """Splink's settings from parameters by comparison and level, or untrained if None.

    Args:
        parameters: Comparison → level → (m, u).
        prior: The probability that two random records are of one person.
        anchored: False for filters made under one common salt.
        retain_levels: Keep the level of each comparison beside the weights, and with it every
            column compared, which only training can afford.

    Raises:
        ModelError: The parameters do not cover exactly the levels of the comparisons.
    """
    from splink import SettingsCreator

    wanted = {c.name: {level.name for level in c.levels} for c in COMPARISONS}
    if parameters is not None and wanted != {k: set(v) for k, v in parameters.items()}:
        raise ModelError(
            "The linkage model lacks parameters for some level of a comparison, or has too many.",
            "A half-trained model links wrongly; train it again with `journeys link train`.",
        )
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        probability_two_random_records_match=prior,
        blocking_rules_to_generate_predictions=blocking_rules(),
        comparisons=[
            _splink_comparison(c, (parameters or {}).get(c.name))
            for c in comparisons(anchored=anchored)
        ],
        retain_matching_columns=retain_levels,
        retain_intermediate_calculation_columns=True,
    )


def _splink_comparison(
    comparison: Comparison, parameters: dict[str, tuple[float, float]] | None
) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []
    for step in comparison.steps:
        if isinstance(step, NoEvidence):
            entry: dict[str, Any] = {
                "sql_condition": step.condition,
                "label_for_charts": "no evidence",
                "is_null_level": True,
            }
        else:
            entry = {"sql_condition": step.condition, "label_for_charts": step.name}
            if parameters is not None:
                m, u = parameters[step.name]
                entry |= {"m_probability": m, "u_probability": u}
        if entry["sql_condition"] != "ELSE":
            entry["base_dialect_str"] = "duckdb"  # which Splink translates for another engine
        levels.append(entry)
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def load_model(path: Path | None = None) -> Model:
    """Read a model file, by default the packaged one in force.

    Raises:
        ModelError: The file is missing, is not a model, or is untrained anywhere.
    """
    try:
        if path is None:
            text = resources.files("linkage.models").joinpath(CURRENT_MODEL).read_text("utf-8")
        else:
            text = path.read_text("utf-8")
        return Model.model_validate(json.loads(text))
    except (OSError, ValueError, ValidationError):
        raise ModelError(
            "The linkage model cannot be read, or some of its parameters are missing.",
            "Name a trained and approved model file, or use the packaged one.",
        ) from None
