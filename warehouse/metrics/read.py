"""Reading the metrics: every file checked before anything is built."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from schemas.documents import read_document
from schemas.errors import ConfigError
from warehouse.given_files import yaml_files
from warehouse.metrics.condition import day_numbers
from warehouse.metrics.definition import Metric
from warehouse.models import SQL_FOLDER, load_seed
from warehouse.staging import TABLES

FOLDER = Path(__file__).parent
MOST_LISTED = 5
"""How many faults of one file are told at once."""


def load_metrics(folder: Path = FOLDER, *, own: Path | None = None) -> tuple[Metric, ...]:
    """Read every metric, in the order of their names.

    Args:
        folder: The packaged ones.
        own: The folder of the partnership's own; None without.

    Raises:
        ConfigError: A file is not a metric, is not named after it, or hangs on a number of days
            that is not in the seed ``policy``; or one of the partnership's own has the name of a
            packaged one, or is to be published. The message names the file and what is wrong.
    """
    packaged = _packaged() if folder == FOLDER else _read_all(folder)
    if own is None:
        return packaged
    taken = {metric.metric for metric in packaged}
    more = tuple(read_own(path, taken) for path in yaml_files(own))
    return tuple(sorted((*packaged, *more), key=lambda metric: metric.metric))


def read_own(path: Path, taken: Collection[str]) -> Metric:
    """Read a metric of the partnership's own.

    Args:
        path: The file.
        taken: The names of the packaged metrics: what the board has seen keeps its meaning.

    Raises:
        ConfigError: As for :func:`load_metrics`.
    """
    metric = read_metric(path)
    fault = remedy = ""
    if metric.metric in taken:
        fault, remedy = "`metric` is the name of a packaged metric", "Give it a name of its own."
    elif metric.publish:
        fault = "`publish` is true, and what is published is proved safe for packaged metrics only"
        remedy = "Leave `publish` out; the figures are then in the release, for analysts."
    if fault:
        raise ConfigError(f"{path.name} cannot be used: {fault}.", remedy)
    return metric


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
    """Return a lag in days: nought, or policy names added up."""
    return sum(policy[part] for part in str(lag).split(" + ") if part != "0")


def read_metric(path: Path) -> Metric:
    """Read one metric and check what it says against its name, the partners and `policy`.

    Whether its frame has the columns it names is asked by :func:`warehouse.frames.check_metrics`.

    Raises:
        ConfigError: It cannot be used; the message names the file and what is wrong.
    """
    return _read(path, policy_days())


def _read(path: Path, known: dict[str, int]) -> Metric:
    metric = read_document(path, Metric, ConfigError)
    faults = list(_faults(metric, known))
    if metric.metric != path.stem:
        faults.insert(0, "`metric` is not the name of the file")
    if faults:
        raise ConfigError(
            f"{path.name} cannot be used: {'; '.join(faults[:MOST_LISTED])}.",
            "Correct those keys; `journeys metrics words` lists the frames, their columns and the "
            "numbers of days.",
        )
    return metric


def _faults(metric: Metric, known: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with the words that a metric uses."""
    for place, source in enumerate(metric.sources):
        if source.replace(" ", "_", 1) not in TABLES:
            yield f"`sources.{place}` is not a partner and a table, such as police custody"
        elif source.split(" ", 1)[0] not in metric.partners:
            yield f"`sources.{place}` is of a partner that `partners` leaves out"
    if not (SQL_FOLDER / "intermediate" / f"{metric.frame}.sql").exists():
        yield "`frame` is not a model of the folder intermediate"
    if missing := sorted(metric.policies - set(known)):
        yield f"there is no number of days named {', '.join(missing)} in policy"
    for words, rule in metric.rules:
        for number in day_numbers(rule.where):
            alike = ", ".join(name for name, days in known.items() if days == abs(number))
            named = f" ({alike} in policy)" if alike else ""
            yield f"{words} has the number of days {number:g}; say it by policy('name'){named}"
