"""What `journeys check` prints: the verdict, the counts and the rules, on a screen of any width."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.cli.shell import forget_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.intake.check import CheckReport

OUTCOMES = {
    "reject": "[red]rejected[/]",
    "quarantine": "[yellow]quarantined[/]",
    "empty": "emptied",
    "note": "noted only",
}
FIRST_ROWS = 3
MOST_KEYS = 200


class _Screen(Console):
    """A screen whose reader may stop early, such as `head`: the verdict stands all the same."""

    def on_broken_pipe(self) -> None:
        """Write what is left nowhere."""
        forget_output()


def show(report: CheckReport) -> None:
    """Print the verdict, the counts and the rules."""
    console = _Screen(highlight=False)
    colour = {"accepted": "green", "quarantined": "yellow", "rejected": "red"}[report.verdict]
    said = {
        "accepted": "the hub would take in every record but those withheld",
        "quarantined": "the hub would take it in without the records counted below",
        "rejected": "the hub would refuse the whole extract",
    }[report.verdict]
    console.print(f"\n[bold {colour}]{report.verdict.capitalize()}[/]: {said}.\n", soft_wrap=True)
    for problem, remedy in report.reasons:
        console.print(f"{problem}\n[dim]{remedy}[/]\n", soft_wrap=True)
    if report.tables:
        console.print(_table_counts(report))
        console.print()
    if report.rules:
        console.print(_rules(report, console))
        console.print("[dim]Row 1 is the first row after the header.[/]")
    for one in report.tables:
        if one.missing:
            console.print(
                f"{one.table} was sent without {', '.join(one.missing)}, which the layout gives.",
                soft_wrap=True,
            )
        if not_given := [name for name in one.not_sent if name not in one.missing]:
            console.print(
                f"{one.table} has no {', '.join(not_given)}: the mapping gives none.",
                soft_wrap=True,
            )
        if one.not_known:
            console.print(f"{one.table} has {one.not_known} column(s) that are not in the layout.")
    for text in report.not_checked:
        console.print(f"Not checked: {text}", soft_wrap=True)


def show_keys_of(keys: Iterable[tuple[str, ...]]) -> None:
    """Print which of the partner's own records were left out, on its own screen.

    Args:
        keys: (table, row, key, column, rule) of each.
    """
    listed = iter(keys)
    console = _Screen(highlight=False)
    console.print()
    console.print(_keys(list(islice(listed, MOST_KEYS)), console))
    rest = sum(1 for _ in listed)
    if rest:
        console.print(f"and {rest:,} more.")
    console.print("[dim]A record key is an identifier: keep this list where the records are.[/]")


def _keys(shown: Sequence[tuple[str, ...]], console: Console) -> Table:
    """A line a record; on a screen too narrow for that, the rule below its column."""
    # A key is text and no markup, whatever is in it.
    start = [(name, row, Text(key)) for name, row, key, _, _ in shown]
    rules = [(column, rule) for *_, column, rule in shown]
    headings = ("Table", "Row", "Your record key")
    wide = [(*one, *two) for one, two in zip(start, rules, strict=True)]
    table = _table((*headings, "Column", "Rule"), wide, right=("Row",), folded=headings[-1])
    if _fits(table, console):
        return table
    narrow = [(*one, _below(*two)) for one, two in zip(start, rules, strict=True)]
    return _table((*headings, "Column and rule"), narrow, right=("Row",), folded=headings[-1])


def _table_counts(report: CheckReport) -> Table:
    headings = ("Table", "Received", "Kept", "Quarantined", "Withheld")
    counts = [
        (one.table, *(f"{n:,}" for n in (one.received, one.kept, one.quarantined, one.withheld)))
        for one in report.tables
    ]
    return _table(headings, counts, right=headings[1:])


def _rules(report: CheckReport, console: Console) -> Table:
    """A line a rule; on a screen too narrow for that, the rule below its column."""
    told = [
        (
            f"{one.table}.{one.column}",
            one.rule,
            OUTCOMES[one.outcome],
            f"{one.count:,}",
            ", ".join(map(str, one.rows[:FIRST_ROWS])) + (" …" if one.count > FIRST_ROWS else ""),
        )
        for one in report.rules
    ]
    rest = ("What follows", "Count", "First rows")
    wide = _table(("Column", "Rule", *rest), told, right=("Count",), folded=rest[-1])
    if _fits(wide, console):
        return wide
    narrow = [(_below(where, rule), *others) for where, rule, *others in told]
    return _table(("Column and rule", *rest), narrow, right=("Count",), folded=rest[-1])


def _below(column: str, rule: str) -> str:
    return f"{column}\n  {rule}"


def _fits(table: Table, console: Console) -> bool:
    unbounded = console.options.update(max_width=10_000)
    return console.measure(table, options=unbounded).maximum <= console.width


def _table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Sequence[str] = (),
    folded: str = "",
) -> Table:
    """A plain table.

    Args:
        headings: Of its columns.
        rows: Its cells.
        right: Columns that are aligned to the right.
        folded: The column that is folded where the screen is too narrow; others stay whole.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in right else "left",
            overflow="fold",
            no_wrap=heading != folded,
        )
    for row in rows:
        table.add_row(*row)
    return table
