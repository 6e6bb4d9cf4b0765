"""The warehouse's models: one SELECT a file, its columns explained and its checks declared in it.

A model file reads::

    -- What one row is, in a sentence or two.
    -- column person_id: What the column holds.
    -- exact event_date: What this day is; it is left out unless the purpose lists exact dates.
    -- check: unique person_id
    SELECT …

``stg_`` models rename and type the staging store, ``int_`` models derive, marts are what an analyst
sees. Dependencies are read from the SQL itself, so files are built in an order that always works.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from schemas.errors import StoreError
from warehouse.analyst import nodes, syntax_tree
from warehouse.clock import OWN_WEEK

SQL_FOLDER = Path(__file__).parent / "sql"
LAYERS = ("staging", "intermediate", "marts")
_COLUMN = re.compile(r"column (\w+): (.+)")
_EXACT = re.compile(r"exact (\w+): (.+)")
_CHECK = re.compile(r"check: (.+)")


@dataclass(frozen=True)
class Model:
    """One SQL file.

    Attributes:
        name: The table it builds, which is the file's name.
        layer: One of :data:`LAYERS`.
        description: What one row is.
        columns: Column name → what it holds, in order; complete for marts.
        exact: The same of the columns that hold an exact day of a person's life. No model and no
            check may rely on them: they are in a release only where the purpose lists them.
        checks: Each ``check:`` line.
        sql: The SELECT.
        reads: The tables it names that are not its own common table expressions.
        is_view: True when it is worked out where it is read, and never kept.
    """

    name: str
    layer: str
    description: str
    sql: str
    columns: dict[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    exact: dict[str, str] = field(default_factory=dict)
    is_view: bool = False

    def selected(self, *, exact_dates: bool) -> str:
        """Return the SELECT, without the exact days unless they are wanted."""
        if exact_dates or not self.exact:
            return self.sql
        return f"SELECT * EXCLUDE ({', '.join(self.exact)}) FROM ({self.sql})"

    def explained(self, *, exact_dates: bool) -> dict[str, str]:
        """Return the columns that :meth:`selected` has, each with what it holds."""
        if exact_dates:
            return self.columns | self.exact
        return {
            name: f"{meaning} {OWN_WEEK}" if name.endswith("_week") else meaning
            for name, meaning in self.columns.items()
        }


def load_models(folder: Path = SQL_FOLDER) -> tuple[Model, ...]:
    """Read every model, in an order in which each comes after what it reads.

    Args:
        folder: Holds one folder a layer.

    Raises:
        StoreError: Two models share a name, or models read each other in a circle.
    """
    return _packaged() if folder == SQL_FOLDER else _read_all(folder)


@cache
def _packaged() -> tuple[Model, ...]:
    """Read the packaged models once a process: they do not change."""
    return _read_all(SQL_FOLDER)


def _read_all(folder: Path) -> tuple[Model, ...]:
    models: dict[str, Model] = {}
    for layer in LAYERS:
        for path in sorted((folder / layer).glob("*.sql")):
            if path.stem in models:
                raise StoreError(f"Two models are named {path.stem}.", "Rename one of them.")
            models[path.stem] = parse_model(path.stem, layer, path.read_text("utf-8"))
    return in_order(models)


def with_generated(models: Iterable[Model], generated: Iterable[Model]) -> tuple[Model, ...]:
    """Put models that were made from data among those that are files, in an order that works.

    Raises:
        StoreError: One has the name of another, or models read each other in a circle.
    """
    named: dict[str, Model] = {}
    for model in (*models, *generated):
        if model.name in named:
            raise StoreError(f"Two models are named {model.name}.", "Rename one of them.")
        named[model.name] = model
    return in_order(named)


def parse_model(name: str, layer: str, text: str) -> Model:
    """Read one model from the text of its file."""
    header: list[str] = []
    lines = text.splitlines()
    while lines and lines[0].startswith("--"):
        header.append(lines.pop(0).removeprefix("--").strip())
    sql = "\n".join(lines).strip().rstrip(";")
    columns: dict[str, str] = {}
    exact: dict[str, str] = {}
    checks: list[str] = []
    description: list[str] = []
    for line in header:
        if column := _COLUMN.fullmatch(line):
            columns[column[1]] = column[2]
        elif day := _EXACT.fullmatch(line):
            exact[day[1]] = day[2]
        elif check := _CHECK.fullmatch(line):
            checks.append(check[1])
        elif line:
            description.append(line)
    told = " ".join(description)
    return Model(name, layer, told, sql, columns, tuple(checks), reads(sql), exact)


@cache
def reads(sql: str) -> frozenset[str]:
    """Return the tables a SELECT names, leaving out its common table expressions."""
    named: set[str] = set()
    own: set[str] = set()
    for node in nodes(syntax_tree(sql)):
        if node.get("type") == "BASE_TABLE":
            named.add(str(node["table_name"]))
        own |= {str(entry["key"]) for entry in (node.get("cte_map") or {}).get("map", [])}
    return frozenset(named - own)


def in_order(models: dict[str, Model]) -> tuple[Model, ...]:
    """Sort models so that each follows the ones it reads; ties keep the order given.

    Raises:
        StoreError: They read each other in a circle.
    """
    graph = {
        name: [other for other in models if other in model.reads] for name, model in models.items()
    }
    circle = False
    ordered: list[str] = []
    try:
        ordered = list(TopologicalSorter(graph).static_order())
    except CycleError:
        circle = True
    if circle:
        raise StoreError("Some models read each other in a circle.", "Split one of them in two.")
    return tuple(models[name] for name in ordered)


def last_users(
    models: Collection[Model], needs: Mapping[str, Collection[str]]
) -> dict[str, frozenset[str]]:
    """Say when the table of each model may go: nobody will read it any more.

    Args:
        models: The models, views among them; through a view its tables are read later.
        needs: Piece of work → the tables that it reads; what makes a model has the model's name.

    Returns:
        Model that is no view → the pieces of work that make it and that read it.
    """
    views = {model.name for model in models if model.is_view}
    readers: dict[str, set[str]] = {}
    for work, read in needs.items():
        for table in read:
            readers.setdefault(table, set()).add(work)

    def of(table: str) -> frozenset[str]:
        own = frozenset(readers.get(table, ()))
        return own.union({table}, *(of(view) for view in own & views))

    return {model.name: of(model.name) for model in models if not model.is_view}


def load_seed(name: str, folder: Path = SQL_FOLDER / "seeds") -> list[dict[str, str]]:
    """Read one seed file (a code list or the policy numbers) as rows of text."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seed_names(folder: Path = SQL_FOLDER / "seeds") -> tuple[str, ...]:
    """Return the names of the seed files."""
    return tuple(sorted(path.stem for path in folder.glob("*.csv")))
