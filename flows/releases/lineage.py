"""Where a figure comes from: from a published cell back to an extract's columns and clauses.

The warehouse says which staged columns a metric hangs on, governance what those are made from and
what the agreements allow, and a mapping what the partner's own system calls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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

    @property
    def whole_table(self) -> str:
        """The partner and the table, as a definition's sources name it."""
        return f"{self.partner} {self.table}"


@dataclass(frozen=True)
class Figure:
    """A number that is published or could be: a metric, a measure of it, a funnel, transitions.

    Attributes:
        name: As it is asked for.
        measures: Of a metric, the measures meant.
        file: The file of a publication that it is in; empty where it is in none yet.
        marts: The tables of a release that it is in, the last step first.
        frame: The model whose rows are counted.
        sources: The partners' tables that its definition names, as "police custody".
        metric: The metric, if it is one.
        measure: The one of its measures that is meant, if it is one.
    """

    name: str
    measures: tuple[str, ...]
    file: str
    marts: tuple[str, ...]
    frame: str
    sources: tuple[str, ...]
    metric: Metric | None = None
    measure: Measure | None = None

    def counted_by(self, types: Mapping[str, Mapping[str, str]]) -> frozenset[tuple[str, str]]:
        """Return the columns of the warehouse that decide what is counted."""
        from warehouse.reference.metrics import columns_of

        if self.metric is not None:
            return columns_of(self.metric, types, self.measure)
        return frozenset((self.frame, column) for column in types[self.frame])


@dataclass(frozen=True)
class Ancestry:
    """A figure, traced back.

    Attributes:
        name: The figure's name.
        measures: The measures that are traced; none of a funnel or of transitions.
        file: The file of a publication that it is in; empty where it is in none yet.
        marts: The tables of a release that it is in, the last step first.
        frame: The model whose rows are counted.
        models: The models behind it, marts left out, in the order they are built.
        counted_by: The columns that decide what is counted, by table.
        sources: The partners' tables that its definition names, as "police custody".
        origins: The columns of extracts that those hang on.
        splits: The further columns behind age band, sex, ethnicity group and area.
        linked_by: Partner table → its columns that records are linked by, so that two records are
            one person's.
    """

    name: str
    measures: tuple[str, ...]
    file: str
    marts: tuple[str, ...]
    frame: str
    models: tuple[str, ...]
    counted_by: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]
    origins: tuple[Origin, ...]
    splits: tuple[Origin, ...]
    linked_by: Mapping[str, tuple[str, ...]]

    @property
    def named(self) -> tuple[Origin, ...]:
        """The origins in the tables that the definition names."""
        return tuple(one for one in self.origins if one.whole_table in self.sources)

    @property
    def on_the_way(self) -> tuple[Origin, ...]:
        """The others: models that several figures share read them, of all partners."""
        return tuple(one for one in self.origins if one.whole_table not in self.sources)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def figures(cohorts: Path | None = None, metrics: Path | None = None) -> dict[str, Figure]:
    """Return every metric, funnel and transitions table that can be traced, by name.

    Args:
        cohorts: The folder of a partnership's own cohort files.
        metrics: The folder of its own metrics.

    Raises:
        ConfigError: The file of a metric or cohort cannot be used.
    """
    from warehouse.cohorts import load_cohorts
    from warehouse.definitions import load_definitions
    from warehouse.metrics import load_metrics
    from warehouse.models import load_seed

    listed = {row["metric"] for row in load_seed("indicator")}
    published = {
        one.metric
        for one in load_metrics(own=metrics)
        if (one.publish or one.metric in listed) and one.status != "restricted"
    }
    found = {
        one.metric: Figure(
            one.metric,
            tuple(measure.measure for measure in one.measures),
            "outcomes.csv" if one.metric in published else "",
            ("figure", "outcome"),
            one.frame,
            one.sources,
            one,
        )
        for one in load_metrics(own=metrics)
    }
    for cohort in load_cohorts(cohorts):
        file = "funnel.csv" if cohort.publish else ""
        model = f"int_cohort_{cohort.cohort}"
        # A metric may have the name of a cohort.
        name = f"funnel/{cohort.cohort}" if cohort.cohort in found else cohort.cohort
        found[name] = Figure(name, (), file, ("funnel", "cohort_stage"), model, cohort.sources)
    for other in load_definitions():
        model = f"int_{other.model}"
        found[other.metric] = Figure(
            other.metric, (), f"{other.metric}.csv", (other.model,), model, other.sources
        )
    return found


def find_figure(name: str, cohorts: Path | None = None, metrics: Path | None = None) -> Figure:
    """Find a metric, one of its measures (``metric/measure``), a funnel or the transitions.

    Args:
        name: Its name.
        cohorts: The folder of a partnership's own cohort files.
        metrics: The folder of its own metrics.

    Raises:
        ConfigError: There is none of that name.
    """
    known = figures(cohorts, metrics)
    if name in known:
        return known[name]
    whole, _, part = name.partition("/")
    metric = known[whole].metric if whole in known else None
    if metric is None:
        raise ConfigError(
            "There is no metric or cohort of that name.", f"Give one of: {', '.join(known)}."
        )
    measure = next((one for one in metric.measures if one.measure == part), None)
    if measure is None:
        raise ConfigError(
            f"The metric {metric.metric} has no measure of that name.",
            f"Give one of: {', '.join(one.measure for one in metric.measures)}.",
        )
    return replace(known[whole], name=name, measures=(part,), measure=measure)


def terms_of(settings: Settings) -> tuple[dict[str, Agreement], dict[str, SystemMapping]]:
    """What a partnership has agreed with each partner, and how each one's system names its columns.

    Raises:
        AgreementError: An agreement cannot be read.
        ConfigError: A mapping cannot be.
    """
    from flows.clock import local_day, utc_now
    from governance.agreements import load_agreement
    from schemas.mapping import load_mapping

    agreements, mappings, today = {}, {}, local_day(utc_now())
    for partner, part in settings.partners.items():
        agreements[str(partner)] = load_agreement(part.agreement, today)
        if part.system:
            mappings[str(partner)] = load_mapping(
                partner, part.system, settings.mappings, settings.codes
            )
    return agreements, mappings


def ancestry(
    warehouse: Warehouse,
    figure: Figure,
    agreements: Mapping[str, Agreement],
    mappings: Mapping[str, SystemMapping],
) -> Ancestry:
    """Trace a figure back to the extracts.

    Args:
        warehouse: What `warehouse.reference.described.describe` returned.
        figure: What :func:`find_figure` returned.
        agreements: Partner → its agreement.
        mappings: Partner → the mapping of its system; may be empty.
    """
    from warehouse.reference.metrics import PERSON, PERSON_SPLITS

    lineage = warehouse.lineage
    counted = figure.counted_by(lineage.types)
    behind = lineage.origins(*counted)
    # Only a metric's figures are told apart by what the mart person says.
    splits = [(PERSON, column) for column in PERSON_SPLITS if figure.metric]
    tables = {table for table, _ in lineage.behind(*counted)} | {figure.frame}
    origins = tuple(_origins(behind, agreements, mappings))
    return Ancestry(
        name=figure.name,
        measures=figure.measures,
        file=figure.file,
        marts=figure.marts,
        frame=figure.frame,
        models=tuple(
            name
            for name, model in warehouse.models.items()
            if name in tables and model.layer != "marts"
        ),
        counted_by=_by_table(counted),
        sources=figure.sources,
        origins=origins,
        splits=tuple(_origins(lineage.origins(*splits) - behind, agreements, mappings)),
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
    if agreement is None or column not in agreement.treatments.get(table.name, {}):
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
            encoded = tuple(column for column, given in listed.items() if "encode" in given)
            if encoded:
                found[origin.whole_table] = encoded
    return found
