"""Reading the metrics: every file checked before anything is built."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from schemas.documents import read_document
from schemas.errors import ConfigError
from warehouse.metrics.definition import Metric
from warehouse.models import SQL_FOLDER, load_seed
from warehouse.staging import TABLES

FOLDER = Path(__file__).parent


def load_metrics(folder: Path = FOLDER) -> tuple[Metric, ...]:
    """Read every metric, in the order of their names.

    Raises:
        ConfigError: A file is not a metric, is not named after it, or hangs on a number of days
            that is not in the seed ``policy``. The message names the file and what is wrong.
    """
    return _packaged() if folder == FOLDER else _read_all(folder)


@cache
def _packaged() -> tuple[Metric, ...]:
    """Read the packaged metrics once a process: they do not change, and reading takes a second."""
    return _read_all(FOLDER)


def _read_all(folder: Path) -> tuple[Metric, ...]:
    known = policy_days()
    return tuple(_read(path, known) for path in sorted(folder.glob("*.yaml")))


def policy_days() -> dict[str, int]:
    """Return the seed ``policy``: name → number of days."""
    return {row["name"]: int(row["days"]) for row in load_seed("policy")}


def lag_days(lag: int | str, policy: dict[str, int]) -> int:
    """Return a lag in days: numbers and policy names, added up."""
    parts = str(lag).split(" + ")
    return sum(int(part) if part.isdigit() else policy[part] for part in parts)


def _read(path: Path, known: dict[str, int]) -> Metric:
    """Read one metric and check what it says against its name and the policy numbers."""
    metric = read_document(path, Metric, ConfigError)
    if metric.metric != path.stem:
        raise ConfigError(
            f"{path.name} cannot be used: it defines a metric of another name.",
            "Name the file after the metric.",
        )
    faults = [
        f"`sources.{place}` is not a partner and a table, such as police custody"
        for place, source in enumerate(metric.sources)
        if source.replace(" ", "_", 1) not in TABLES
    ]
    if not (SQL_FOLDER / "intermediate" / f"{metric.frame}.sql").exists():
        faults.append("`frame` is not a model of the folder intermediate")
    if faults:
        raise ConfigError(
            f"{path.name} cannot be used: {'; '.join(faults)}.",
            "Correct those keys and run the command again.",
        )
    if missing := sorted(metric.policies - set(known)):
        raise ConfigError(
            f"{path.name} cannot be used: there is no policy number named {', '.join(missing)}.",
            "Add it to warehouse/sql/seeds/policy.csv, or correct the name.",
        )
    return metric
