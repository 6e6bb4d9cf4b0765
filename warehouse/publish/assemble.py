"""A pack from certified releases: nothing here has seen a true count.

``tables_of`` reads the published tables off the releases, so that anyone who has these can do it
again. Twelve months are sums of published counts, and a percentage is worked out from two of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from governance.disclosure import MASKED, NOT_APPLICABLE, DisclosureError, percentage, survival
from governance.disclosure.catalogue import ALL
from governance.disclosure.masking import MOST_ROUNDING, rounding_to_expect
from governance.disclosure.release import Published, Release
from warehouse.publish.counts import CURVE
from warehouse.publish.groupings import OF_PEOPLE
from warehouse.publish.indexes import DENOMINATOR, FUNNEL, NUMERATOR, OUTCOMES, TRANSITIONS
from warehouse.publish.pack import COLUMNS, TYPES, Pack, empty
from warehouse.publish.release_file import TABLES
from warehouse.publish.windows import Window, twelve_months

if TYPE_CHECKING:
    from governance.disclosure.certify import Certified

Labels = tuple[str, ...]
Cells = Mapping[Labels, str]


@dataclass(frozen=True)
class Shown:
    """What is public of an index in a window, or in the windows of twelve months together.

    Attributes:
        kind: funnel, outcomes or transitions.
        name: The cohort or metric.
        unit: What is counted.
        window: The days.
        label: The days in words.
        cells: Labels → published count, in the order of the tables.
        curve: The same of everyone who still waits.
        within: Of a funnel: the days within which its second step must come, where that is said.
    """

    kind: str
    name: str
    unit: str
    window: Window
    label: str
    cells: Cells
    curve: Cells
    within: int | None = None

    @property
    def period(self) -> tuple[str, date, date]:
        """The columns of the period."""
        return self.label, self.window.first, self.window.last


def assemble(
    releases: Sequence[Release],
    *,
    before: Sequence[Release] = (),
    partnership: str,
    contact: str,
    demonstration: bool,
    made_at: datetime,
    as_at: Mapping[str, date],
    definitions: Sequence[Mapping[str, str]],
    about: Mapping[str, pl.DataFrame] | None = None,
    notes: Sequence[str] = (),
    next_due: date | None = None,
    newest: Certified | None = None,
) -> Pack:
    """Make a pack of everything that is public.

    Args:
        releases: Every release that is still public and the new one, oldest first.
        before: Those of the last publication, for what changed.
        partnership: The partnership's name.
        contact: Whom to ask.
        demonstration: Whether the people are made up.
        made_at: When (UTC).
        as_at: Partner → the day its extract reaches to.
        definitions: What is published, each as in the mart ``metric``.
        about: The tables that are not read off the releases, by name; a missing one is empty.
        notes: More sentences to go with the tables.
        next_due: When the next window can be published, if that can be told.
        newest: The newest release as the gate made it; it must be the last of the releases.

    Raises:
        DisclosureError: If there is no release, or the newest is not the last of them.
    """
    if not releases or (newest is not None and newest.release != releases[-1]):
        raise DisclosureError(
            "A publication was to be made without the release that it is of.",
            "Put its counts through the gate, and give the releases oldest first.",
        )
    rule = releases[-1].rule
    tables = {
        **{name: empty(name) for name in COLUMNS},
        **(about or {}),
        **tables_of(releases),
        "changes": changes(before, releases),
    }
    return Pack(
        release_id=releases[-1].release_id,
        partnership=partnership,
        contact=contact,
        demonstration=demonstration,
        made_at=made_at,
        as_at=dict(as_at),
        tables={name: tables[name] for name in COLUMNS},
        notes=(
            *standing_notes(rule.threshold, rule.base),
            *rounding_note(releases),
            *left_out(releases),
            *notes,
        ),
        definitions=tuple(dict(one) for one in definitions),
        releases=tuple(releases),
        next_due=next_due,
        base=rule.base,
        threshold=rule.threshold,
    )


def tables_of(releases: Sequence[Release], made: int = TABLES) -> dict[str, pl.DataFrame]:
    """The tables of counts that releases show: funnel, survival, transitions and outcomes.

    Args:
        releases: Releases as they were published, in any order.
        made: How, as ``release_file.TABLES`` counts; publications are checked as they were made.
    """
    every = shown_of(releases)
    read: Mapping[str, Callable[[Shown], Iterable[tuple[Any, ...]]]] = {
        FUNNEL: _funnel,
        "survival": SURVIVALS[made],
        TRANSITIONS: _transitions,
        OUTCOMES: _outcomes,
    }
    tables = {}
    for name, rows_of in read.items():
        kind = FUNNEL if name == "survival" else name
        rows = [row for one in every if one.kind == kind for row in rows_of(one)]
        schema = {column: TYPES.get(column, pl.String) for column in COLUMNS[name]}
        tables[name] = pl.DataFrame(rows, schema=schema, orient="row")
    return tables


def shown_of(releases: Sequence[Release]) -> list[Shown]:
    """What releases show, by index and window, oldest window first and twelve months last."""
    each = sorted(
        (_read(one) for release in releases for one in release.populations if _is_index(one)),
        key=lambda one: (one.kind, one.name, one.window),
    )
    whole = [
        _together(list(group))
        for _, group in groupby(each, key=lambda one: (one.kind, one.name, one.window))
    ]
    found = []
    for _, group in groupby(whole, key=lambda one: (one.kind, one.name)):
        windows = list(group)
        found += [*windows, *_years(windows)]
    return found


def changes(before: Sequence[Release], now: Sequence[Release]) -> pl.DataFrame:
    """What differs from the last publication: the windows that are new, or gone.

    What is public stays as it was published, so nothing else can differ.
    """
    old, new = (_windows(shown_of(releases)) for releases in (before, now))
    rows = [
        (kind, title, _listed(old.get((kind, title), ())), _listed(new.get((kind, title), ())))
        for kind, title in sorted(old.keys() | new.keys())
        if old.get((kind, title)) != new.get((kind, title))
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS["changes"], pl.String), orient="row")


def standing_notes(threshold: int, base: int) -> tuple[str, ...]:
    """The sentences that go with every publication."""
    return (
        f"Counts of fewer than {threshold} units or people are masked, nought included, and so is "
        f"a group that holds all but fewer than {threshold} of its total. Others are masked so "
        "that these cannot be worked out. [c] stands for all of them and says nothing of the size.",
        f"Every other count is rounded to the nearest {base} from its own true value. Parts need "
        "not add up to totals. Percentages are worked out from rounded counts.",
        "[c] confidential; [x] not available; [z] not applicable.",
        "Twelve months are the sum of the published counts of their windows, and masked where one "
        "of these is. Somebody who is counted in several windows is counted as often in the sum.",
        "Once published, the counts of a window are not counted again. Windows share no day, so "
        "that no difference between publications can show a single person.",
        "Records were linked without names. A person who was not linked is not a person who was "
        "not treated: services may know more people than these tables show.",
    )


def rounding_note(releases: Sequence[Release]) -> tuple[str, ...]:
    """How far rounding moves the counts that are shown, in a sentence; none where none is shown."""
    rule = releases[-1].rule
    shown = [value for one in releases for part in one.populations for value in part.shown]
    share = rounding_to_expect(shown, rule)
    if share is None:
        return ()
    return (
        f"Rounding moves a count by {rule.mean_error:.1f} on average, which is {share:.1%} of the "
        f"median count that is shown (the aim is at most {MOST_ROUNDING:.0%}).",
    )


def left_out(releases: Sequence[Release]) -> tuple[str, ...]:
    """A sentence for each split that some of the latest tables are not shown by."""
    latest = {
        (one.kind, one.name): one
        for one in shown_of(releases)
        if one.kind != TRANSITIONS and not _is_sum(one)
    }
    found = []
    for split in OF_PEOPLE:
        titles = sorted(
            {
                next(iter(one.cells))[0]
                for one in latest.values()
                if not any(labels[1] == split for labels in one.cells)
            }
        )
        if titles:
            found.append(
                f"Not shown by {split.replace('_', ' ')} in the latest window, because more than a "
                f"fifth of the groups would be masked: {'; '.join(titles)}."
            )
    return tuple(found)


def _is_index(one: Published) -> bool:
    return one.population.name.split(" ")[0] in (FUNNEL, OUTCOMES, TRANSITIONS)


def _is_sum(one: Shown) -> bool:
    return one.label.startswith(TWELVE_MONTHS)


TWELVE_MONTHS = "Twelve months to"
_WITHIN = re.compile(r"within (\d+) days of (?:it|the index day)$")  # as cohorts.rows says it


def _read(one: Published) -> Shown:
    """A published population."""
    kind, rest = one.population.name.split(" ", 1)
    window = Window(one.period.first, one.period.last)
    counts: dict[Labels, str] = {}
    curve: dict[Labels, str] = {}
    for table in one.population.tables:
        target = curve if table.name.endswith(f" {CURVE}") else counts
        target.update((row.labels, one.value(row.where)) for row in table.rows)
    name = rest.rsplit(" ", 1)[0].split(" by ")[0] if kind == OUTCOMES else rest.rsplit(" ", 1)[0]
    meant = (
        row.meaning
        for table in one.population.tables
        for row in table.rows
        if kind == FUNNEL and row.labels[3] == "2"
    )
    within = days_within(next(meant, ""))
    return Shown(kind, name, one.population.unit, window, window.label, counts, curve, within)


def days_within(meaning: str) -> int | None:
    """The days within which a step must come, by what a release says that it counts.

    Args:
        meaning: As ``catalogue.Row`` has it: the steps up to this one, in the words of the cohort.

    Returns:
        The days; None where the step is of no such kind, or of a release that does not say.
    """
    said = _WITHIN.search(meaning)
    return int(said[1]) if said else None


def _together(shown: Sequence[Shown]) -> Shown:
    """One index in one window, each of whose own kinds of category is a population."""
    cells: dict[Labels, str] = {}
    for one in shown:
        for labels, value in one.cells.items():
            if cells.get(labels) != MASKED:
                cells[labels] = value
    return replace(shown[0], cells=cells)


def _years(windows: Sequence[Shown]) -> Iterator[Shown]:
    """Twelve months of an index, where its windows fill any: what is shown of each of them."""
    by_window = {one.window: one for one in windows}
    for year, parts in twelve_months(sorted(by_window)):
        shown = [by_window[part] for part in parts]
        yield replace(
            shown[0],
            window=year,
            label=f"{TWELVE_MONTHS} {year.last:%B %Y}",
            cells=_summed([one.cells for one in shown]),
            curve=_summed([one.curve for one in shown]),
        )


def _summed(parts: Sequence[Cells]) -> dict[Labels, str]:
    """Published counts added up, where all parts show them; masked where one is."""
    found = {}
    for labels in parts[0]:
        values = [part[labels] for part in parts if labels in part]
        if len(values) == len(parts):
            masked = MASKED in values
            found[labels] = MASKED if masked else str(sum(int(value) for value in values))
    return found


def _funnel(one: Shown) -> Iterator[tuple[Any, ...]]:
    whole = {labels[1:3]: value for labels, value in one.cells.items() if labels[3] == "1"}
    for (title, split, category, number, step, is_part), people in one.cells.items():
        of = whole[split, category]
        yield (
            *(one.name, title, *one.period, split, category, int(number), step, is_part == "true"),
            *(people, of, percentage(people, of)),
        )


def _survival(one: Shown) -> Iterator[tuple[Any, ...]]:
    """Whom the event had reached by each day, as the funnel says it of the step.

    Once its days are over, they are those who reached the step, and have its percentage. Before,
    they are the rest of those who still wait, never more than the step and never fewer than before:
    the counts are rounded apart from each other.
    """
    everyone, step = _of_step(one, "1"), _of_step(one, "2")
    in_the_end = percentage(step, everyone)
    least, most = 0, int(in_the_end) if in_the_end.isdigit() else 100
    for labels, waiting in one.curve.items():
        day, reached = int(labels[4]), percentage(_rest(waiting, everyone), everyone)
        if one.within is not None and day >= one.within:
            reached = in_the_end
        elif reached.isdigit():
            least = max(least, min(int(reached), most))
            reached = str(least)
        yield (one.name, *one.period, labels[3], day, reached)


def _survival_as_first_made(one: Shown) -> Iterator[tuple[Any, ...]]:
    """The same in format 1: a hundred less the rounded percentage of those who still wait."""
    told = list(one.curve.items())
    waits = survival([_of_step(one, "1"), *(value for _, value in told)])[1:]
    for (labels, _), waiting in zip(told, waits, strict=True):
        reached = str(100 - int(waiting)) if waiting.isdigit() else waiting
        yield (one.name, *one.period, labels[3], int(labels[4]), reached)


SURVIVALS: Mapping[int, Callable[[Shown], Iterator[tuple[Any, ...]]]] = {
    1: _survival_as_first_made,
    2: _survival,
}
"""Format of the tables of counts → how the table ``survival`` is made. None is ever taken away."""


def _of_step(one: Shown, number: str) -> str:
    """How many of everyone reached a step."""
    return next(
        (value for labels, value in one.cells.items() if labels[1] == ALL and labels[3] == number),
        NOT_APPLICABLE,
    )


def _rest(part: str, whole: str) -> str:
    """What a published count leaves of another; the shorthand of either that has one."""
    if not (part.isdigit() and whole.isdigit()):
        return whole if part.isdigit() else part
    return str(max(int(whole) - int(part), 0))


def _transitions(one: Shown) -> Iterator[tuple[Any, ...]]:
    whole = {labels[3]: value for labels, value in one.cells.items() if labels[4] == ALL}
    for (_, _, _, start, end), people in one.cells.items():
        if end != ALL:
            yield (*one.period, start, end, people, whole[start], percentage(people, whole[start]))


def _outcomes(one: Shown) -> Iterator[tuple[Any, ...]]:
    below = {labels[1:5]: v for labels, v in one.cells.items() if labels[5] == DENOMINATOR}
    for (_, split, category, measure, title, count), above in one.cells.items():
        if count == NUMERATOR:
            of = below.get((split, category, measure, title), NOT_APPLICABLE)
            yield (
                *(one.name, measure, title, *one.period, split, category),
                *(above, of, percentage(above, of), one.unit),
            )


def _windows(every: Sequence[Shown]) -> dict[tuple[str, str], list[str]]:
    """The windows that are shown of each index, by its kind and title."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in every:
        if not _is_sum(one):
            labels = found.setdefault((one.kind, next(iter(one.cells))[0]), [])
            if one.label not in labels:
                labels.append(one.label)
    return found


def _listed(labels: Sequence[str]) -> str:
    return "; ".join(labels) or "nothing"
