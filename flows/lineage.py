"""Where a figure comes from: from a published cell back to an extract's columns and clauses.

The warehouse says which staged columns a metric hangs on, governance what those are made from and
what the agreements allow, and a mapping what the partner's own system calls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigError
from schemas.tables import Table, find_table

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.agreements import Agreement
    from schemas.mapping import SystemMapping
    from warehouse.metrics import Measure, Metric
    from warehouse.reference.described import Warehouse


@dataclass(frozen=True)
class Origin:
    """One column of an extract that a figure hangs on.

    Attributes:
        partner: Who sends it.
        table: In which table of the extract.
        column: The column as our layout names it.
        held_as: What the staging store keeps of it.
        agreement: What the partner's agreement says may be done with it; empty where its table or
            itself is not listed, so that nothing of it is taken in.
        sent_as: What the partner's own system calls it; empty where that is not known.
    """

    partner: str
    table: str
    column: str
    held_as: tuple[str, ...]
    agreement: tuple[str, ...]
    sent_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ancestry:
    """A metric, or one measure of it, traced back.

    Attributes:
        metric: The metric.
        measures: The measures that are traced.
        published: Whether it is among the tables that are drafted for the board.
        frame: The model whose rows are counted.
        models: The models behind the frame, marts left out, in the order they are built.
        counted_by: The columns that decide what is counted, by table.
        origins: The columns of extracts that those hang on.
        splits: The further columns behind age band, sex, ethnicity group and area.
        linked_by: Partner table → its columns that records are linked by, so that two records are
            one person's.
    """

    metric: str
    measures: tuple[str, ...]
    published: bool
    frame: str
    models: tuple[str, ...]
    counted_by: Mapping[str, tuple[str, ...]]
    origins: tuple[Origin, ...]
    splits: tuple[Origin, ...]
    linked_by: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def find_metric(name: str) -> tuple[Metric, Measure | None]:
    """Find a metric, or one of its measures, by ``metric`` or ``metric/measure``.

    Raises:
        ConfigError: There is none of that name.
    """
    from warehouse.metrics import load_metrics

    wanted, _, part = name.partition("/")
    metric = next((one for one in load_metrics() if one.metric == wanted), None)
    if metric is None:
        raise ConfigError(
            "There is no metric of that name.",
            "Give one of: " + ", ".join(one.metric for one in load_metrics()) + ".",
        )
    measure = next((one for one in metric.measures if one.measure == part), None)
    if part and measure is None:
        raise ConfigError(
            f"The metric {metric.metric} has no measure of that name.",
            "Give one of: " + ", ".join(one.measure for one in metric.measures) + ".",
        )
    return metric, measure


def terms_of(settings: Settings) -> tuple[dict[str, Agreement], dict[str, SystemMapping]]:
    """What a partnership has agreed with each partner, and how each one's system names its columns.

    Raises:
        AgreementError: An agreement cannot be read.
        ConfigError: A mapping cannot be.
    """
    from governance.agreements import load_agreement
    from schemas.mapping import load_mapping

    agreements, mappings = {}, {}
    for partner, part in settings.partners.items():
        agreements[str(partner)] = load_agreement(part.agreement)
        if part.system:
            mappings[str(partner)] = load_mapping(
                partner, part.system, settings.mappings, settings.codes
            )
    return agreements, mappings


def ancestry(
    warehouse: Warehouse,
    metric: Metric,
    measure: Measure | None,
    agreements: Mapping[str, Agreement],
    mappings: Mapping[str, SystemMapping],
) -> Ancestry:
    """Trace a metric, or one measure of it, back to the extracts.

    Args:
        warehouse: What `warehouse.reference.described.describe` returned.
        metric: The metric.
        measure: One of its measures; all of them without.
        agreements: Partner → its agreement.
        mappings: Partner → the mapping of its system; may be empty.
    """
    from warehouse.reference.metrics import PERSON, PERSON_SPLITS, columns_of

    lineage = warehouse.lineage
    counted = columns_of(metric, lineage.types, measure)
    behind = lineage.origins(*counted)
    person = lineage.origins(*((PERSON, column) for column in PERSON_SPLITS)) - behind
    tables = {table for table, _ in lineage.behind(*counted)} | {metric.frame}
    origins = tuple(_origins(behind, agreements, mappings))
    return Ancestry(
        metric=metric.metric,
        measures=tuple(one.measure for one in ([measure] if measure else metric.measures)),
        published=metric.publish,
        frame=metric.frame,
        models=tuple(
            name
            for name, model in warehouse.models.items()
            if name in tables and model.layer != "marts"
        ),
        counted_by=_by_table(counted),
        origins=origins,
        splits=tuple(_origins(person, agreements, mappings)),
        linked_by=_linked_by(origins, agreements),
    )


def _by_table(columns: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for table, column in sorted(columns):
        found[table] = (*found.get(table, ()), column)
    return found


def _origins(
    staged: Iterable[tuple[str, str]],
    agreements: Mapping[str, Agreement],
    mappings: Mapping[str, SystemMapping],
) -> Iterable[Origin]:
    """Yield the extract columns behind some staged ones, in the order an extract has them."""
    from governance.pseudonymise import made_from

    for name, columns in _by_table(staged).items():
        partner, _, table_name = name.partition("_")
        table = find_table(partner, table_name)
        held: dict[str, tuple[str, ...]] = {}
        for kept, sources in made_from(table).items():
            if kept in columns:
                for source in sources:
                    held[source] = (*held.get(source, ()), kept)
        for source in table.columns:
            if source in held:
                yield Origin(
                    partner,
                    table_name,
                    source,
                    held[source],
                    _agreed(agreements.get(partner), table, source),
                    _called(mappings.get(partner), table_name, source),
                )


def _agreed(agreement: Agreement | None, table: Table, column: str) -> tuple[str, ...]:
    if agreement is None or table.name in agreement.undisclosed:
        return ()
    return tuple(agreement.tables.get(table.name, {}).get(column, ()))


def _called(mapping: SystemMapping | None, table: str, column: str) -> tuple[str, ...]:
    mapped = mapping.tables.get(table) if mapping else None
    found = mapped.columns.get(column) if mapped else None
    return tuple(found.source) if found else ()


def _linked_by(
    origins: Iterable[Origin], agreements: Mapping[str, Agreement]
) -> dict[str, tuple[str, ...]]:
    """Say by which columns the records behind a figure are brought together as one person's."""
    found: dict[str, tuple[str, ...]] = {}
    for origin in origins:
        table = find_table(origin.partner, origin.table)
        agreement = agreements.get(origin.partner)
        if table.identity is not None and agreement is not None:
            listed = agreement.tables.get(table.name, {})
            found[f"{origin.partner} {origin.table}"] = tuple(
                column for column, given in listed.items() if "encode" in given
            )
    return found
