"""A page on the links of the current run: how good they are, for whom, and what to look at.

It holds counts, shares and the model's parameters; small counts are masked. It is for the data
lead, analysts and the information-governance officer, and not for publication.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.agreements.readable import check_readable, terms_of_release
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control
from flows.keys.rings import release_key, store_keys
from flows.settings import Settings
from governance.audit import Recorder
from schemas.errors import ExtractRejected, StoreError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from governance.control import Run

MASKED: Final = "[c]"
NOT_AVAILABLE: Final = "[x]"
WIDEST: Final = 20.0
"""The match weight at which a bar of the chart is as long as it gets."""

SPLITS: Final = {
    "all": "All pairs",
    "partners": "By pair of partners",
    "sex": "By sex",
    "age_band": "By age band",
    "ethnicity_group": "By ethnic group",
    "completeness": "By what the records can be linked by",
}

LABELLED: Final = ("record_id_l", "record_id_r", "same")
"""The columns of a labelled sample; `same` is yes or no."""


def link_report(
    settings: Settings, labelled: Path | None = None, clock: Clock = utc_now
) -> dict[str, Any]:
    """Gather what is known of the links of the current run.

    Args:
        settings: The partnership.
        labelled: A CSV file of pairs that a person has judged: the columns of :data:`LABELLED`.
        clock: The clock.

    Returns:
        ``run_id``, ``left_out`` (partners that were stopped), ``model``, ``weights``,
        ``quality``, ``sensitivity``, ``groups``, ``histogram``,
        ``review``, and ``labelled`` where there is a sample; counts below the publication threshold
        are ``[c]``.

    Raises:
        NotReadable: The data of a partner in it may not be read today.
        StoreError: If there is no run yet, or its stores cannot be read.
        ExtractRejected: If the labelled sample cannot be read, or none of it is of this run.
    """
    from linkage.model import load_model
    from linkage.review_store import counts

    sample = None if labelled is None else read_labelled_pairs(labelled)
    model = load_model(settings.model)
    with _current(settings, clock) as (run, release, identity):
        used = sorted(terms_of_release(run))
        report = {
            "run_id": run.run_id,
            "left_out": sorted(set(settings.partners) - set(used)),
            "model": {
                "name": model.name,
                "trained": model.trained,
                "approved_by": model.approved_by,
                "link": model.thresholds.link,
                "review": model.thresholds.review,
            },
            "weights": model.weights(),
            "quality": _quality(release),
            "sensitivity": _sensitivity(release),
            "groups": _groups(identity, used),
            "histogram": _histogram(identity),
            "review": counts(identity),
            "labelled": None if sample is None else _against(sample, identity, used),
        }
    return masked(report, settings.disclosure.threshold)


@contextmanager
def _current(
    settings: Settings, clock: Clock
) -> Iterator[tuple[Run, duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    """The current run with its release and identity store, both read-only; it is put on record."""
    import duckdb

    from warehouse.connect import open_release, open_store

    with open_control(settings) as control:
        run = control.current_run()
        if run is None:
            raise StoreError("There are no links yet.", "Run `journeys run` to link records.")
        check_readable(settings, run, local_day(clock()))
        recorder = Recorder(actor(), settings.purpose, run.run_id)
        control.add_audit(recorder.entry("consultation", clock(), detail={"report": "linkage"}))
    unreadable = False
    path = settings.releases / run.run_id / "warehouse.duckdb"
    release = open_release(path, release_key(settings, run.run_id))
    try:
        identity = open_store(
            settings.stores / run.run_id / "identity.duckdb",
            store_keys(settings, run.run_id)["identity"],
            read_only=True,
        )
        try:
            yield run, release, identity
        finally:
            identity.close()
    except duckdb.Error:
        unreadable = True  # its text may hold values
    finally:
        release.close()
    if unreadable:
        raise StoreError(
            "The current release or its links cannot be read for this report: a table is missing "
            "or damaged.",
            "Run `journeys run`, which builds a release anew, or put the folder back from a "
            "backup.",
        )


# What there is to tell


def _quality(release: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The estimates, a row for each slice: precision and recall with their intervals."""
    rows = release.execute(
        """SELECT split, slice, partner_a, partner_b, note, measure, value, low, high, judged
        FROM linkage_quality WHERE measure IN ('precision', 'recall')
        ORDER BY split, partner_a, partner_b, slice, measure"""
    ).fetchall()
    told: dict[tuple[str, ...], dict[str, Any]] = {}
    for split, part, one, other, note, measure, value, low, high, judged in rows:
        name = f"{one}–{other}" if other else part
        entry = told.setdefault((split, name), {"split": split, "name": name})
        entry[measure] = {"value": value, "low": low, "high": high, "judged": judged, "note": note}
    return list(told.values())


def _sensitivity(release: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Every figure at every threshold of the range."""
    rows = release.execute(
        """SELECT kind, name, measure, category, threshold_offset, numerator, denominator
        FROM linkage_sensitivity"""
    ).fetchall()
    offsets = sorted({row[4] for row in rows})
    told: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, name, measure, category, offset, numerator, denominator in rows:
        parts = (kind, name, measure, category)
        named = {"kind": kind, "name": name, "measure": measure, "category": category, "at": {}}
        told.setdefault(parts, named)["at"][offset] = (numerator, denominator)
    figures = [
        {**entry, "at": [entry["at"].get(offset, (0, None)) for offset in offsets]}
        for entry in told.values()
    ]
    return {"offsets": offsets, "figures": figures}


def _groups(identity: duckdb.DuckDBPyConnection, partners: Collection[str]) -> list[dict[str, Any]]:
    """How many groups of some partners' records there are of each size, and flagged for what."""
    import polars as pl

    from linkage.clusters import CHECKS, check_groups
    from linkage.registry import record_person
    from linkage.review import respect
    from linkage.review_store import read_decisions
    from linkage.store import read_encoded

    links = identity.execute(
        "SELECT record_id_l, record_id_r, match_weight FROM candidate_link WHERE linked"
    ).pl()
    encoded = read_encoded(identity).filter(pl.col("partner").is_in(list(partners)))
    persons = (
        record_person(identity)
        .rename({"person_id": "group"})
        .join(encoded.select("record_id"), on="record_id", how="semi")
    )
    decisions = read_decisions(identity).among(encoded["record_id"])
    checked = check_groups(persons, respect(links, decisions), encoded)
    sizes = persons.group_by("group").len()["len"]
    bands = {"1": (1, 1), "2": (2, 2), "3 to 5": (3, 5), "6 to 10": (6, 10), "11 to 30": (11, 30)}
    told = [
        {"said": f"People with {name} record{'' if name == '1' else 's'}", "people": count}
        for name, (least, most) in bands.items()
        if (count := int(sizes.is_between(least, most).sum())) or least < 11
    ]
    told.append({"said": "People with more than 30 records", "people": int((sizes > 30).sum())})
    told += [
        {"said": f"A group that {said}", "people": int(checked.select(pl.col(check).sum()).item())}
        for check, said in CHECKS.items()
    ]
    return told


def _histogram(identity: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How many candidate pairs there are at each whole match weight, and how many are links."""
    rows = identity.execute(
        """SELECT least(floor(match_weight), 30), count(*), count(*) FILTER (WHERE linked)
        FROM candidate_link GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return [{"weight": weight, "pairs": pairs, "linked": linked} for weight, pairs, linked in rows]


# A labelled sample


def read_labelled_pairs(path: Path) -> pl.DataFrame:
    """A sample of pairs that people have judged: two record ids, and whether they are one person.

    Args:
        path: A CSV file with the columns of :data:`LABELLED`, and no others: record ids are
            surrogates, and nothing that names a person belongs here.

    Raises:
        ExtractRejected: It cannot be read so.
    """
    import polars as pl

    found = None
    try:
        frame = pl.read_csv(path, infer_schema=False)
        if tuple(frame.columns) == LABELLED and frame["same"].is_in(["yes", "no"]).all():
            one, other = (pl.col(column).cast(pl.Int64) for column in LABELLED[:2])
            found = frame.select(
                record_id_l=pl.min_horizontal(one, other),
                record_id_r=pl.max_horizontal(one, other),
                same=pl.col("same") == "yes",
            ).drop_nulls()
    except (OSError, pl.exceptions.PolarsError):
        found = None
    if found is None or found.is_empty():
        raise ExtractRejected(
            "The labelled sample cannot be read.",
            f"Give a CSV file with the columns {', '.join(LABELLED)}; `same` is yes or no.",
        )
    return found


def _against(
    sample: pl.DataFrame, identity: duckdb.DuckDBPyConnection, partners: Collection[str]
) -> list[dict[str, Any]]:
    """How the links of each two partners stand against the sample."""
    import polars as pl

    from linkage.quality import against_labels

    known = identity.execute(
        "SELECT record_id, partner, person_id FROM encoded_record JOIN person_record "
        "USING (record_id) WHERE list_contains($1, partner)",
        [list(partners)],
    ).pl()
    rates = against_labels(sample, known.with_columns(pl.col("person_id").alias("group")))
    if rates.is_empty():
        raise ExtractRejected(
            "No pair of the labelled sample is of two records of the current run.",
            "Compare its record ids with this run's; after a key rotation they are others.",
        )
    told: dict[str, dict[str, Any]] = {}
    for row in rates.iter_rows(named=True):
        name = f"{row['partner_a']}–{row['partner_b']}"
        told.setdefault(name, {"name": name})[row["measure"]] = row
    return list(told.values())


# Masking, and the page


def masked(report: dict[str, Any], threshold: int) -> dict[str, Any]:
    """The report with every count of people or pairs from 1 up to the threshold as ``[c]``."""

    def count(number: int | None) -> int | str | None:
        return MASKED if number is not None and 0 < number < threshold else number

    def measures(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                key: {**value, "judged": count(value["judged"])}
                if isinstance(value, dict)
                else value
                for key, value in row.items()
            }
            for row in rows
        ]

    sensitivity = report["sensitivity"]
    return {
        **report,
        "quality": measures(report["quality"]),
        "labelled": None if report["labelled"] is None else measures(report["labelled"]),
        "sensitivity": {
            **sensitivity,
            "figures": [
                {**one, "at": [[count(number) for number in pair] for pair in one["at"]]}
                for one in sensitivity["figures"]
            ],
        },
        "groups": [{**one, "people": count(one["people"])} for one in report["groups"]],
        "histogram": [
            {**one, "pairs": count(one["pairs"]), "linked": count(one["linked"])}
            for one in report["histogram"]
        ],
    }


def page(report: dict[str, Any], settings: Settings) -> str:
    """The report as one HTML page that needs no script and no network."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters.update(share=_share, number=_number)
    template = resources.files("flows").joinpath("templates", "link_report.html.j2")
    return environment.from_string(template.read_text("utf-8")).render(
        report=report,
        partnership=settings.partnership,
        demonstration=settings.demonstration,
        threshold=settings.disclosure.threshold,
        splits=SPLITS,
        bars=[_bar(*one) for one in _levels(report["weights"])],
        columns=_columns(report["histogram"], report["model"]["link"]),
    )


def _share(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else f"{value:.1%}"


def _number(value: Any) -> str:
    return (
        NOT_AVAILABLE if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    )


def _levels(weights: dict[str, dict[str, float]]) -> Iterator[tuple[str, str, float]]:
    for comparison, levels in weights.items():
        for level, weight in levels.items():
            yield comparison, level, weight


def _bar(comparison: str, level: str, weight: float) -> dict[str, Any]:
    """A bar from the middle, in hundredths of the chart's width."""
    length = min(abs(weight), WIDEST) / WIDEST * 50
    return {
        "comparison": comparison,
        "level": level,
        "weight": weight,
        "x": 50 if weight >= 0 else 50 - length,
        "width": length,
    }


def _columns(histogram: list[dict[str, Any]], link_at: float) -> list[dict[str, Any]]:
    """The columns of the histogram: height in hundredths of the tallest; masked ones have none."""
    tallest = max((one["pairs"] for one in histogram if isinstance(one["pairs"], int)), default=1)
    return [
        {
            **one,
            "height": 100 * one["pairs"] / tallest if isinstance(one["pairs"], int) else 0,
            "is_linked": one["weight"] >= link_at,
        }
        for one in histogram
    ]
