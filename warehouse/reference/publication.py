"""The pages of what a publication holds: its files, and the lists of indicators in it."""

from __future__ import annotations

from itertools import groupby

from warehouse.metrics import Metric, load_metrics
from warehouse.metrics.definition import Target
from warehouse.models import load_seed
from warehouse.publish.columns import described, shorthand
from warehouse.reference.markdown import listed, table

FILES = """# The files of a publication

Every file says the same; take the one that suits you.

| File | For |
| --- | --- |
| `index.html`, `board-pack.pdf` | readers: the page, and the same on A4 |
| `tables.xlsx`, `tables.ods` | spreadsheets: a cover, the contents and one table a sheet |
| `funnel.csv` and the other tables below | programs; `csv-metadata.json` says what each column is |
| `definitions.csv`, `shorthand.csv` | what is counted, and what stands in place of a number |
| `pack.json` | programs that would rather have everything in one file |
| `release.json` | whoever checks the publication with `journeys verify` |

`csv-metadata.json` follows CSV on the Web (W3C, 2015): a validator of that standard takes it as it
is. A count is a number or shorthand. The metadata declare the shorthand as nulls, `pack.json` has
null with the shorthand beside it, and workbooks have the number or the shorthand in the cell.
Workbooks leave out the first and last day of a period, which its name says, and have titles in the
place of short names; their sheet of definitions has both, and the metadata point from a short name
to its row of `definitions.csv`. A cell that has nothing to say is empty in CSV, null in JSON and
`[z]` in workbooks.
"""

INDICATORS = """# Lists of indicators

The rows of the tables that boards are used to, as the table `framework` of a publication has them.
The file [published_indicators.csv](../how-to/give-published-indicators.md) names a row by its list
and its indicator, exactly as here. What no metric answers is marked `[x]` with the source that is
named here, until that file fills it.
"""

RENEWED = "This page is generated; `make reference` renews it."


def publication_page() -> str:
    """Return the page of the files of a publication and their columns as Markdown."""
    parts = [FILES.rstrip(), table(("Shorthand", "Stands for"), shorthand().items())]
    for one in described():
        rows = [(f"`{column.name}`", column.title, column.says) for column in one.columns]
        parts += [
            f"## {one.name}.csv",
            f"{one.title}. {one.says} No two rows share {listed(one.key)}.",
            table(("Column", "Heading", "Meaning"), rows),
        ]
    return "\n\n".join((*parts, RENEWED)) + "\n"


def _aim(target: Target | None) -> str:
    """A target in words; empty without one."""
    if target is None:
        return ""
    return f"{'at most ' if target.at_most else ''}{target.value:g} {target.unit}"


def indicators_page(metrics: tuple[Metric, ...] | None = None) -> str:
    """Return the page of the lists of indicators as Markdown.

    Raises:
        ConfigError: A metric's file cannot be used.
    """
    targets = {
        (metric.metric, measure.measure): measure.target
        for metric in (load_metrics() if metrics is None else metrics)
        for measure in metric.measures
    }
    parts = [INDICATORS.rstrip()]
    for name, rows in groupby(load_seed("indicator"), key=lambda row: row["list"]):
        shown = []
        for row in rows:
            target = targets.get((row["metric"], row["measure"]))
            shown.append(
                (
                    row["place"],
                    row["indicator"],
                    f"`{row['metric']}` / `{row['measure']}`" if row["metric"] else row["source"],
                    _aim(target),
                )
            )
        head = ("Place", "Indicator", "Metric and measure, or source", "Target")
        parts += [f"## {name}", table(head, shown)]
    return "\n\n".join((*parts, RENEWED)) + "\n"
