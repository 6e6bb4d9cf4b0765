"""The page that follows every metric back to the extracts, by the packaged agreements.

`python -m flows.releases.lineage_page docs/reference/lineage.md` writes it; a test holds it to the
metrics, the models and the agreements.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from flows.releases.lineage import Ancestry, Origin, ancestry, figures
from flows.start import PARTNERS, agreement_text

if TYPE_CHECKING:
    from governance.agreements import Agreement
    from warehouse.reference.described import Warehouse

HEADING = """# Where a figure comes from

From a published cell back to the extracts. A cell of a publication is a number of a mart, masked
and rounded by the publication gate: of `figure` in `outcomes.csv`, of `funnel` in `funnel.csv`,
of `transition` in `transitions.csv`. The mart counts the rows of one model; that is made by the
models named here from columns of the staging store, and those from columns of an extract that the
agreement with the partner lists. `journeys lineage` says the same of one metric by your own
agreements, with the names that a partner's system uses.

What a column *hangs on* is what DuckDB plans to read to work it out: the columns whose values it
takes, and those by which rows are joined, filtered, grouped or put in order. So it can be more
than a reader would name, never less; each table below is of the sources that the definition
names, and what else is read on the way stands above it. This page is by the packaged agreements,
as for a demonstration; `make reference` renews it.

What may be done with a column: *keep* it as it came, *generalise* it (birth year, postcode
district), use it as a *key* (a keyed surrogate that joins tables), *encode* it for linkage and
forget it.
"""

SPLITS = """## Age band, sex, ethnicity group and area

Every metric can be split by these. They hang on what every record that names the person says of
them.
"""

LINKED = """## Which records are one person's

Every figure counts by `person_id`, which linkage gives to records. Records are compared by keyed
encodings of these columns; the columns themselves are forgotten on arrival.
"""


def lineage_page(warehouse: Warehouse | None = None) -> str:
    """Return the page as Markdown.

    Raises:
        StoreError: A model cannot be built or planned.
        ConfigError: A metric's file cannot be used.
    """
    from warehouse.reference.described import describe

    warehouse = warehouse or describe()
    agreements = packaged_agreements()
    traced = [ancestry(warehouse, one, agreements, {}) for one in figures().values()]
    parts = [HEADING.rstrip()]
    for one in traced:
        parts += _traced(one)
    parts += [SPLITS.rstrip(), _origin_table(_all(one.splits + one.origins for one in traced))]
    parts += [LINKED.rstrip(), _linked(traced)]
    return "\n\n".join(parts) + "\n"


def packaged_agreements() -> dict[str, Agreement]:
    """Return the agreements that a demonstration begins with, by partner."""
    from governance.agreements import parse_agreement

    day = date(2026, 1, 1)  # their dates are not shown
    return {
        partner: parse_agreement(agreement_text(partner, True, day), f"{partner}.yaml")
        for partner in PARTNERS
    }


def _traced(traced: Ancestry) -> Iterator[str]:
    yield f"## {traced.name}"
    counted = "; ".join(
        f"`{table}` ({', '.join(columns)})" for table, columns in traced.counted_by.items()
    )
    models = ", ".join(f"[`{name}`](warehouse/models.md#{name})" for name in traced.models)
    defined = f"; [defined here](metrics.md#{traced.name})" if traced.measures else ""
    marts = " made from ".join(f"[`{name}`](warehouse/{name}.md)" for name in traced.marts)
    yield "\n".join(
        [
            f"- Published: {f'`{traced.file}`' if traced.file else 'in no file yet'}{defined}",
            f"- Marts: {marts}",
            f"- Counted by: {counted}",
            f"- Models: {models}",
            *_on_the_way(traced),
        ]
    )
    yield _origin_table(traced.named)


def _on_the_way(traced: Ancestry) -> Iterator[str]:
    """Say which columns are read by models that bring all partners' rows together."""
    by_table: dict[str, list[str]] = {}
    for one in traced.on_the_way:
        by_table.setdefault(one.whole_table, []).append(f"`{one.column}`")
    if by_table:
        told = "; ".join(f"{table} ({', '.join(found)})" for table, found in by_table.items())
        yield f"- Also read, by models that bring all partners' rows together: {told}"


def _origin_table(origins: Iterable[Origin]) -> str:
    from warehouse.reference.markdown import table

    rows = [
        (
            f"[{one.whole_table}](contracts/{one.partner}.md#{one.table})",
            f"`{one.column}`",
            ", ".join(f"`{held}`" for held in one.held_as),
            ", ".join(one.agreement) or "not listed: not taken in",
        )
        for one in origins
    ]
    return table(("Extract", "Column", "Held as", "Agreement"), rows)


def _all(groups: Iterable[tuple[Origin, ...]]) -> list[Origin]:
    """Return the origins of what `person` says, each once."""
    said = {"sex", "ethnicity", "birth_year", "postcode_district", "no_fixed_abode"}
    found = {one for group in groups for one in group if said & set(one.held_as)}
    return sorted(found, key=lambda one: (one.partner, one.table, one.column))


def _linked(traced: Iterable[Ancestry]) -> str:
    from warehouse.reference.markdown import listed, table

    found = {name: columns for one in traced for name, columns in one.linked_by.items()}
    return table(("Extract", "Columns"), [(name, listed(found[name])) for name in sorted(found)])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(lineage_page(), encoding="utf-8")
    sys.stdout.write(f"{sys.argv[1]}\n")
