"""What a run shows under Prefect's server: four tables whose keys stay the same from run to run.

Counts, shares and names of rules only. Prefect keeps them in its own database, which is told the
least: numbers of people or pairs below the partnership's threshold are masked there too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flows.settings import Settings

Rows = Sequence[Sequence[Any]]

VALIDATION: Final = "validation-verdicts"
LINKAGE: Final = "linkage-quality"
DISCLOSURE: Final = "disclosure-results"
ROWS: Final = "row-accounting"
MASKED: Final = "[c]"


def show_report(settings: Settings, report: Mapping[str, Any]) -> None:
    """Show what a committed run came to. What cannot be shown fails nothing."""
    run_id = report["run_id"]
    _show(VALIDATION, run_id, ("partner", "table", "column", "rule", "rows"), verdicts(report))
    _show(ROWS, run_id, ("partner", "what", "rows"), accounting(report))
    _show(LINKAGE, run_id, ("what", "measure", "value", "from", "to", "judged"), [
        *linked(report), *estimates(settings, run_id)])  # fmt: skip
    _show(DISCLOSURE, run_id, ("what", "count"), disclosed(settings, report))


def show_refused(run_id: str, problems: Mapping[str, Sequence[Exception]]) -> None:
    """Show by partner and kind why a run was refused."""
    kinds = [(partner, type(one).__name__) for partner, found in problems.items() for one in found]
    rows = [(partner, "", "", kind, kinds.count((partner, kind)))
            for partner, kind in dict.fromkeys(kinds)]  # fmt: skip
    _show(VALIDATION, run_id, ("partner", "table", "column", "rule", "rows"), rows)


def verdicts(report: Mapping[str, Any]) -> Rows:
    """Every rule that was broken or noted in new extracts: partner, table, column, rule, rows."""
    return [
        (partner, rule["table"], rule["column"], rule["rule"], rule["count"])
        for partner, one in report["partners"].items()
        for rule in (*one["top_rules"], *one["noted"])
    ]


def accounting(report: Mapping[str, Any]) -> Rows:
    """What became of every row that partners sent, and what the release then holds."""
    by_partner: list[Sequence[Any]] = []
    for partner, tables in report["rows"].items():
        for what in dict.fromkeys(name for one in tables.values() for name in one):
            rows = sum(one[what] or 0 for one in tables.values())
            if rows or what == "received":
                by_partner.append((partner, what, rows))
    return [*by_partner, *(("", f"release: {name}", rows) for name, rows in
                           report["release"]["tables"].items())]  # fmt: skip


def linked(report: Mapping[str, Any]) -> Rows:
    """What linking came to, as counts."""
    return [
        ("all", name, number, None, None, None)
        for name, number in report["linkage"].items()
        if isinstance(number, int)
    ]


def estimates(settings: Settings, run_id: str) -> Rows:
    """How well was linked, by pair of partners: the estimate, its interval, the pairs judged."""
    from flows.keys.rings import release_key
    from flows.safe_errors import guarded
    from schemas.errors import JourneysError
    from warehouse.connect import open_release

    def read() -> list[tuple[Any, ...]]:
        path = settings.releases / run_id / "warehouse.duckdb"
        connection = open_release(path, release_key(settings, run_id))
        try:
            return connection.execute(
                """SELECT partner_a, partner_b, measure, value, low, high, judged
                FROM linkage_quality
                WHERE measure IN ('precision', 'recall') AND split IN ('all', 'partners')
                ORDER BY ALL"""
            ).fetchall()
        finally:
            connection.close()

    try:
        found = guarded("artifacts", read)
    except JourneysError:
        return []
    return [
        (
            f"{one}–{other}" if other else one,
            measure,
            *(_share(part) for part in (value, low, high)),
            _masked(judged, settings.disclosure.threshold),
        )
        for one, other, measure, value, low, high, judged in found
    ]


def disclosed(settings: Settings, report: Mapping[str, Any]) -> Rows:
    """What the gate made of the draft: counts published, masked and why, left out, rounding."""
    from flows.publication.publish import waiting
    from schemas.errors import JourneysError

    rule = settings.disclosure
    rows: list[Sequence[Any]] = [
        ("counts are masked below", rule.threshold), ("others are rounded to", rule.rounding_base)
    ]  # fmt: skip
    if report["draft"]["digest"] is None:
        return [*rows, ("tables drafted", 0)]
    try:
        told = waiting(settings, report["run_id"]).told
    except JourneysError:
        told = {}
    masks = told.get("masks", {})
    return [
        *rows,
        ("tables drafted", len(report["draft"]["tables"])),
        ("counts", told.get("cells", 0)),
        ("masked", sum(masks.values())),
        *((f"masked: {why}", number) for why, number in masks.items()),
        ("left out", len(told.get("left_out", ()))),
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _masked(number: int | None, threshold: int) -> int | str | None:
    return MASKED if number is not None and 0 < number < threshold else number


def _show(key: str, run_id: str, columns: Iterable[str], rows: Rows) -> None:
    from contextlib import suppress

    from prefect.artifacts import create_table_artifact

    table = [dict(zip(columns, row, strict=True)) for row in rows]
    # What is only shown must not fail a run that is committed.
    with suppress(Exception):
        create_table_artifact(table=table, key=key, description=f"Run {run_id}")
