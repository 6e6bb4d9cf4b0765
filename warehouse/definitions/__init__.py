"""The definition of each metric, funnel and transitions table that is drafted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent
LINKAGE_CAVEAT = (
    "A person who was not linked is not a person who was not treated: where records of one person "
    "could not be brought together, links between services are missed and these figures differ "
    "from the truth. Linkage quality says how often."
)


class Published(BaseModel):
    """One metric, or one other published table, as its YAML file defines it.

    ``kind`` tells them apart; a funnel has the name of its cohort. ``status`` is of the definition:
    linkage makes even an exactly defined number low, which ``caveat`` says.
    ``numerator``, ``denominator`` and ``unit`` are sentences for a reader; ``model`` names the SQL
    file under ``sql/marts`` that computes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    kind: Literal["metric", "funnel", "transitions"] = "metric"
    title: str
    definition: str
    unit: str
    numerator: str
    denominator: str
    period: str
    lag: str
    exclusions: str
    sources: tuple[str, ...]
    status: Literal["exact definition on linked data", "proxy", "restricted"]
    caveat: str = LINKAGE_CAVEAT
    model: str
    owner: str

    def row(self) -> dict[str, str]:
        """Return the definition as one row of text for the mart ``metric``."""
        given = self.model_dump()
        return {**given, "sources": ", ".join(self.sources)}


def load_definitions(folder: Path = FOLDER) -> tuple[Published, ...]:
    """Read every definition, in the order of their names.

    Raises:
        pydantic.ValidationError: A definition lacks a part or has one that is not known.
    """
    return tuple(
        Published.model_validate(yaml.safe_load(path.read_text("utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    )
