"""Everything the pages describe, read once: the models, their types and where columns come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.checks import related
from warehouse.cohorts import load_cohorts
from warehouse.empty import empty_release
from warehouse.generated import every_model
from warehouse.lineage import Lineage, trace
from warehouse.metrics import load_metrics
from warehouse.models import Model


@dataclass(frozen=True)
class Warehouse:
    """The models and what the engine says of them.

    Attributes:
        models: Name → model, in the order they are built.
        lineage: The types of their columns, and what each comes from.
    """

    models: Mapping[str, Model]
    lineage: Lineage

    @property
    def marts(self) -> dict[str, Model]:
        """The tables of a release, by name in the order of the alphabet."""
        return {
            name: model for name, model in sorted(self.models.items()) if model.layer == "marts"
        }

    def readers(self, name: str) -> list[str]:
        """Return the models that read a table, in the order of the alphabet."""
        return sorted(other for other, model in self.models.items() if name in model.reads)

    def references(self, name: str) -> dict[str, tuple[str, str]]:
        """Return a table's columns that are of another: column → (table, column) it is one of."""
        found = (related(check) for check in self.models[name].checks)
        return {column: (table, key) for column, table, key in filter(None, found)}


def describe(cohorts: Path | None = None, metrics: Path | None = None) -> Warehouse:
    """Build the models empty and read what they are.

    Args:
        cohorts: The folder of a partnership's own cohort files.
        metrics: The folder of its own metrics.

    Raises:
        StoreError: A model or a check of one fails.
    """
    models = every_model(load_metrics(own=metrics), load_cohorts(cohorts))
    with empty_release(cohorts, metrics) as con:
        return Warehouse({model.name: model for model in models}, trace(con, models))
