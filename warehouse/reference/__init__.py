"""The warehouse as pages, generated from what builds it: tables, models, metrics, publications.

A test holds the pages to the models and metrics, so that neither can change without the other.

    described   what the pages describe: the models, built empty, and where columns come from
    marts       a page for each table of a release, their list, and the models behind them
    metrics     the page of metrics
    publication the files of a publication, and the lists of indicators in it
    diagram     the tables and how they refer to each other, as an SVG
"""

from __future__ import annotations

from pathlib import Path

from warehouse.reference.described import Warehouse, describe
from warehouse.reference.diagram import entity_diagram
from warehouse.reference.marts import index_page, mart_page, models_page
from warehouse.reference.metrics import metrics_page
from warehouse.reference.publication import indicators_page, publication_page


def pages(warehouse: Warehouse | None = None) -> dict[str, str]:
    """Return every page by its path below ``docs/reference``.

    Raises:
        StoreError: A model cannot be built or planned.
        ConfigError: A metric's file cannot be used.
    """
    warehouse = warehouse or describe()
    found = {f"warehouse/{name}.md": mart_page(warehouse, name) for name in warehouse.marts}
    return found | {
        "warehouse/README.md": index_page(warehouse),
        "warehouse/models.md": models_page(warehouse),
        "warehouse/entities.svg": entity_diagram(warehouse),
        "metrics.md": metrics_page(),
        "indicators.md": indicators_page(),
        "publication-files.md": publication_page(),
    }


def write_pages(folder: Path) -> list[Path]:
    """Write every page into a folder and take away those of tables that are no more.

    Returns:
        The paths written, in the order of the alphabet.
    """
    found = pages()
    (folder / "warehouse").mkdir(parents=True, exist_ok=True)
    for path in (folder / "warehouse").iterdir():
        if f"warehouse/{path.name}" not in found:
            path.unlink()
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in sorted(found)]
