"""A page for each table of a release: what a row is, its columns, checks and sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from warehouse.checks import check_words
from warehouse.models import Model
from warehouse.reference.described import Warehouse
from warehouse.reference.markdown import cell, listed, table
from warehouse.staging import TABLES

GENERATED = "This page is generated from {source}; `make reference` renews it."

INDEX = """# The warehouse

Every table of a release. A row about a person carries a `person_id`, which is random, and broad
facts of the person only; days are told by their week or as a number of days since another day.
[The models](models.md) behind the tables, [the metrics](../metrics.md) and
[where a figure comes from](../lineage.md) have pages of their own, and there are
[thirty worked questions](../../how-to/worked-questions.md). Policy numbers and codes are in the
tables `policy` and `code`. In a release the same words are read with

```sql
SELECT table_name, comment FROM duckdb_tables()
SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal
```

{generated}

![Tables and how they refer to each other](entities.svg)

{tables}
"""

MODELS = """# The models behind the tables

One SQL file each, under `warehouse/sql/`. `stg_` models give the staging store's tables the names
and types used from there on, by person; `int_` models derive. They are in no release: only the
tables under [the warehouse](README.md) are.

{generated}
"""

LAYERS = {
    "staging": "Staging",
    "intermediate": "Intermediate",
    "metrics": "Compiled from the metrics",
}

COMPILED = "Compiled from the files under `warehouse/metrics/`."

EXACT = "*An exact day: only in releases whose purpose lists exact dates.* "


def index_page(warehouse: Warehouse) -> str:
    """Return the list of a release's tables."""
    rows = [
        (f"[`{name}`]({name}.md)", _first_sentence(mart.description))
        for name, mart in warehouse.marts.items()
    ]
    generated = GENERATED.format(source="the files under `warehouse/sql/marts/`")
    return (
        INDEX.format(generated=generated, tables=table(("Table", "One row"), rows)).rstrip() + "\n"
    )


def mart_page(warehouse: Warehouse, name: str) -> str:
    """Return the page of one table of a release."""
    mart = warehouse.models[name]
    generated = GENERATED.format(source=f"`warehouse/sql/marts/{name}.sql`")
    parts = [f"# {name}", mart.description, _columns(warehouse, mart)]
    parts += ["## Checks", "Every release is held to these before anybody can read it."]
    parts += ["\n".join(f"- {check_words(check)}" for check in mart.checks)]
    parts += ["## Made from", _made_from(warehouse, mart)]
    parts += [_extract_columns(warehouse, mart), generated]
    return "\n\n".join(part for part in parts if part) + "\n"


def models_page(warehouse: Warehouse) -> str:
    """Return the page of the models that no release holds."""
    generated = GENERATED.format(
        source="the files under `warehouse/sql/staging/` and `warehouse/sql/intermediate/`"
    )
    parts = [MODELS.format(generated=generated).rstrip()]
    for layer, title in LAYERS.items():
        parts.append(f"## {title}")
        for _, model in sorted(warehouse.models.items()):
            if model.layer == layer:
                parts.append("\n\n".join(_model(warehouse, model)))
    return "\n\n".join(parts) + "\n"


def _model(warehouse: Warehouse, model: Model) -> Iterator[str]:
    yield f"### {model.name}"
    yield model.description or COMPILED
    if model.checks:
        yield "\n".join(f"- {check_words(check)}" for check in model.checks)
    yield f"Columns: {listed(warehouse.lineage.types[model.name])}."
    yield _made_from(warehouse, model)


def _columns(warehouse: Warehouse, mart: Model) -> str:
    refers = warehouse.references(mart.name)
    explained = mart.explained(exact_dates=False) | mart.exact
    rows = []
    for column, kind in warehouse.lineage.types[mart.name].items():
        meaning = EXACT * (column in mart.exact) + explained[column]
        if column in refers:
            other, key = refers[column]
            meaning += f" One of [`{other}`]({other}.md) (`{key}`)."
        rows.append((f"`{column}`", kind, meaning))
    return table(("Column", "Type", "Meaning"), rows)


def _made_from(warehouse: Warehouse, model: Model) -> str:
    own = sorted(name for name in model.reads if name in warehouse.models)
    sent = sorted(name for name in model.reads if name in TABLES)
    other = sorted(model.reads - set(own) - set(sent))
    said = []
    for title, names in (
        ("Reads", own),
        ("of the staging store", sent),
        ("and what the build is given", other),
    ):
        if names:
            said.append(f"{title}: {_links(warehouse, names)}")
    readers = warehouse.readers(model.name)
    if readers:
        said.append(f"read by: {_links(warehouse, readers)}")
    return "; ".join(said)[:1].upper() + "; ".join(said)[1:] + "." if said else ""


def _links(warehouse: Warehouse, names: Iterable[str]) -> str:
    """Name some tables, those that have a page or a heading with a link to it."""
    shown = []
    for name in names:
        model = warehouse.models.get(name)
        if model is None:
            shown.append(f"`{name}`")
        elif model.layer == "marts":
            shown.append(f"[`{name}`]({name}.md)")
        else:
            shown.append(f"[`{name}`](models.md#{name})")
    return ", ".join(shown)


def _extract_columns(warehouse: Warehouse, mart: Model) -> str:
    """Say which columns of the staging store each column hangs on, what all share said once."""
    behind = {
        column: warehouse.lineage.origins((mart.name, column))
        for column in warehouse.lineage.types[mart.name]
    }
    shared = frozenset.intersection(*behind.values())
    rows = [
        (f"`{column}`", _origins(found - shared))
        for column, found in behind.items()
        if found - shared
    ]
    if not shared and not rows:
        return ""
    parts = [
        "Columns of the staging store that a column's value, or which rows there are, hangs on "
        "(as DuckDB plans it, so join and filter columns count too):"
    ]
    if shared:
        parts.append(f"Every column: {_origins(shared)}.")
    if rows:
        parts.append(table(("Column", "Further" if shared else "Hangs on"), rows))
    return "\n\n".join(parts)


def _origins(columns: Iterable[tuple[str, str]]) -> str:
    by_table: dict[str, list[str]] = {}
    for name, column in sorted(columns):
        by_table.setdefault(name, []).append(column)
    return "; ".join(f"`{name}` ({', '.join(found)})" for name, found in by_table.items())


def _first_sentence(text: str) -> str:
    return cell(text.split(". ")[0].rstrip(".") + ".")
