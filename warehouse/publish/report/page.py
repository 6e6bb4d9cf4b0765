"""The board's page: one static HTML file that needs no script and no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.publish.pack import Pack
from warehouse.publish.report.compose import compose

TEMPLATES = Path(__file__).parent / "templates"


def render_page(pack: Pack, files: Sequence[str] = ()) -> str:
    """Return the page of a pack, the same for the same pack.

    Args:
        pack: The publication; every number on the page is from it.
        files: Names of the files that lie beside the page, which it links to.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(report=compose(pack), files=tuple(files))
