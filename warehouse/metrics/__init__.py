"""The catalogue of outcomes: each metric's definition, and the model that computes it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent
LINKAGE_CAVEAT = "A person who was not linked is not a person who was not treated."


class Metric(BaseModel):
    """One metric, as its YAML file defines it.

    ``numerator``, ``denominator`` and ``unit`` are sentences for a reader; ``model`` names the SQL
    file under ``sql/marts`` that computes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    title: str
    definition: str
    unit: str
    numerator: str
    denominator: str
    period: str
    lag: str
    exclusions: str
    sources: tuple[str, ...]
    status: Literal["exact", "proxy", "restricted"]
    caveat: str = LINKAGE_CAVEAT
    model: str
    owner: str

    def row(self) -> dict[str, str]:
        """Return the definition as one row of text for the mart ``metric``."""
        given = self.model_dump()
        return {**given, "sources": ", ".join(self.sources)}


def load_metrics(folder: Path = FOLDER) -> tuple[Metric, ...]:
    """Read every metric's definition, in the order of their names.

    Raises:
        pydantic.ValidationError: A definition lacks a part or has one that is not known.
    """
    return tuple(
        Metric.model_validate(yaml.safe_load(path.read_text("utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    )
