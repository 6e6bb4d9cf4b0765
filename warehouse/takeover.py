"""What of the last release still stands: marts that would come out the same are taken over from it.

A model's fingerprint is a digest of its SQL, its checks and the fingerprints of all that it reads,
down to the contents of what the staging models made. So it changes with anything that could change
the model's rows, and with nothing else. A mart whose fingerprint is that of the last release is
copied from there; what is read only by such marts is not built, and a check all of whose tables are
as they were has held already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from warehouse.checks import check_sql
from warehouse.cohorts.survival import SURVIVAL
from warehouse.models import Model, reads
from warehouse.sensitivity import GIVEN, needed_by_figures

EARLIER: Final = "earlier"
"""What the last release is attached as."""


@dataclass(frozen=True)
class Earlier:
    """The last release, and the fingerprints of its models."""

    path: Path
    key: str = field(repr=False)
    fingerprints: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """What is to be done for a release.

    Attributes:
        taken: The marts that are taken over.
        built: The models that are built, staging ones among them, each after what it reads.
        checked: The models of which a check is to be run, with those that are.
        fingerprints: Of every model, and of what is not a model and is read by one.
    """

    taken: frozenset[str]
    built: tuple[Model, ...]
    checked: tuple[Model, ...]
    fingerprints: Mapping[str, str]


def standing(
    con: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    linked_otherwise: Mapping[float, pl.DataFrame],
    earlier: Mapping[str, str],
    *,
    exact_dates: bool,
    from_models: Mapping[str, frozenset[str]],
) -> Standing:
    """Work out what can be taken over from the last release.

    Args:
        con: A connection on which the staging models have been built.
        models: All models, each after what it reads.
        linked_otherwise: As for `warehouse.release.build_release`.
        earlier: The fingerprints of the last release; without any, all is built.
        exact_dates: Whether the release tells exact days.
        from_models: From :func:`worked_out`.
    """
    linked = {str(at): _content_of(con, one) for at, one in linked_otherwise.items()}
    told = _fingerprints(con, models, linked, exact_dates, from_models)
    same = {name for name, fingerprint in told.items() if earlier.get(name) == fingerprint}
    kept = {model.name for model in models if model.layer == "marts" and not model.is_view}
    checked = [
        replace(model, checks=tuple(c for c in model.checks if not _reads(model, c) <= same))
        for model in models
    ]
    wanted = {model.name for model in models if model.layer != "intermediate"} - (same & kept)
    wanted = wanted.union(*map(read_by_checks, checked))
    # The models' order does not know of what Python works out, so each is gone back to its sources.
    named = {model.name: model for model in models}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in named and name not in same & kept:
            more = _sources(named[name], from_models) - wanted
            wanted |= more
            waiting += more
    built = tuple(model for model in models if model.name in wanted - (same & kept))
    to_check = tuple(model for model in checked if model.checks)
    return Standing(frozenset(same & kept), built, to_check, told)


def _fingerprints(
    con: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    linked: Mapping[str, str],
    exact_dates: bool,
    from_models: Mapping[str, frozenset[str]],
) -> dict[str, str]:
    """Of a staging model or other table its content, of another model what makes it."""
    told: dict[str, str] = {}
    named = {model.name: model for model in models}
    basis = [duckdb.__version__, *_macros(con), _content(con, "seed_policy")]

    def made(name: str) -> str:
        model = named.get(name)
        if name in from_models:
            asked = linked if name == GIVEN else {}
            return _digest([asked, *map(of, sorted(from_models[name]))])
        if model is None or model.layer == "staging":
            return _content(con, name)
        how = [model.selected(exact_dates=exact_dates), list(model.checks), model.is_view]
        return _digest([basis, how, *map(of, sorted(model.reads))])

    def of(name: str) -> str:
        if name not in told:
            told[name] = made(name)
        return told[name]

    for model in models:
        for name in {model.name} | read_by_checks(model):
            of(name)
    return told


def worked_out(ranged: Sequence[Model]) -> dict[str, frozenset[str]]:
    """What Python works out from finished models → the models it is worked out from.

    Args:
        ranged: The models by which figures are worked out under other linkings; none without any.
    """
    return {GIVEN: needed_by_figures(ranged), SURVIVAL: frozenset({"int_time_seen"})}


def _sources(model: Model, from_models: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What has to be there before a model can be built."""
    return model.reads.union(*(from_models.get(name, frozenset()) for name in model.reads))


def read_by_checks(model: Model) -> frozenset[str]:
    """The tables that a model's checks read."""
    return frozenset[str]().union(*(_reads(model, check) for check in model.checks))


def _reads(model: Model, check: str) -> frozenset[str]:
    """The tables that a check reads, the model's own among them."""
    kind = check.partition(" ")[0]
    if kind in ("unique", "not_null", "accepted") or (kind == "holds" and "SELECT" not in check):
        return frozenset({model.name})
    return _read_by(check_sql(model.name, check))


@cache
def _read_by(sql: str) -> frozenset[str]:
    return reads(sql)


def _macros(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The definitions of our own macros."""
    found = con.execute(
        "SELECT function_name || ' ' || macro_definition FROM duckdb_functions() "
        "WHERE function_type = 'macro' AND database_name = 'memory' AND NOT internal ORDER BY 1"
    ).fetchall()
    return [one for (one,) in found]


def _content(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """A digest of a table's rows, whatever their order."""
    rows = con.execute(
        f"SELECT count(*), sum(hash(told)), bit_xor(hash(told)) FROM {table} AS told"
    ).fetchall()
    return _digest([str(one) for one in rows[0]])


def _content_of(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> str:
    con.register("fingerprinted", frame.to_arrow())
    try:
        return _content(con, "fingerprinted")
    finally:
        con.unregister("fingerprinted")


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts), sort_keys=True).encode()).hexdigest()
