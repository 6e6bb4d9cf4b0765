"""Sentences of the board pack, from published figures alone, and when a change is worth one.

A change is stated only where three things could not have made it: rounding (the ranges that the
published counts stand for do not meet), linkage (nor do they once each is widened by how far the
figure hangs on the link threshold) and chance (it is larger than twice its standard error).
Whoever says less than the truth misleads less than whoever tells noise as news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from governance.disclosure import NOT_AVAILABLE
from warehouse.publish.pack import EVERYWHERE, LINKS_FOUND, LINKS_RIGHT
from warehouse.publish.report.numbers import Figure, Window, by_chance, lower, number, thousands

NOT_LINKED = "A person who was not linked is not a person who was not treated."
RULE = (
    "A change is put in words only where rounding, linkage and chance could not have made it: the "
    "ranges that the two rounded figures stand for, each widened by how far the figure hangs on "
    "how readily records are linked (where that is known: it stands under “How sure we are”), must "
    "not meet, and the difference must be more than twice its standard error. Windows are compared "
    "with the one just before and with the same one a year earlier. No sentence says why a figure "
    "changed: these data cannot tell."
)

MOST_NEXT = 3  # next steps told in a sentence
NO_CHANGE = "no clear change"
NOTHING_KNOWN: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Change:
    """A change that is worth stating.

    Attributes:
        before: The earlier figure.
        since: Its window.
        now: The later figure.
        strength: How many times larger it is than chance would make it, to put the clearest first.
    """

    before: Figure
    since: Window
    now: Figure
    strength: float

    @property
    def words(self) -> str:
        """As the end of a sentence: up from about 30 in January to March 2026."""
        way = "up" if _value(self.now) > _value(self.before) else "down"
        return f"{way} from {self.before.said} in {self.since.label}"


def change(before: Figure, since: Window, now: Figure) -> Change | None:
    """Return the change between two figures, if it is worth stating.

    Args:
        before: The earlier figure.
        since: Its window.
        now: The later figure, of the same kind.
    """
    earlier, later = before.bounds, now.bounds
    if before.is_share != now.is_share or earlier is None or later is None:
        return None
    if before.value is None or now.value is None or before.parts != now.parts:
        return None
    apart = max(later[0] - earlier[1], earlier[0] - later[1]) - (before.linkage + now.linkage)
    chance = by_chance(before, now)
    difference = abs(now.value - before.value)
    if apart <= 0 or difference <= chance:
        return None
    return Change(before, since, now, difference / max(chance, 1.0))


def changes(series: Sequence[tuple[Window, Figure]]) -> tuple[Change, ...]:
    """Return what is worth stating of a figure's latest window: since the last, since a year ago.

    Args:
        series: The figure in each window that is public, oldest first.
    """
    if not series:
        return ()
    window, now = series[-1]
    earlier = [
        (when, figure)
        for when, figure in series[:-1]
        if window.follows(when) or (window.months < 12 and _a_year_before(when, window))
    ]
    found = (change(figure, when, now) for when, figure in reversed(earlier))
    return tuple(one for one in found if one is not None)


def measure_words(unit: str, series: Sequence[tuple[Window, Figure]]) -> str:
    """Say what a measure is in its latest window, and how it changed if that is worth stating.

    Args:
        unit: What is counted, in the plural.
        series: The figure in each window that is public, oldest first.
    """
    if not series:
        return "nothing is published of it yet"
    window, figure = series[-1]
    if NOT_AVAILABLE in (figure.above, figure.below):
        return f"no partner sends what it needs ({window.label})"
    if figure.value is None:
        return f"cannot be told without risk to someone’s privacy ({window.label})"
    of = f", about {thousands(figure.above)} of {thousands(figure.below)}"
    said = f"{figure.said}{of if figure.is_share else ''} {unit}"
    return f"{said}, in {window.label}{_changed(series)}"


def together_sentence(figures: Sequence[tuple[str, Figure]], window: Window) -> str:
    """Say what some measures are in one window, those that can be told.

    Args:
        figures: Title and figure of each.
        window: The window.
    """
    told = [
        f"{lower(title)}, {figure.said}{_out_of(figure)}"
        for title, figure in figures
        if figure.value is not None
    ]
    if not told:
        return f"None of these can be told of {window.label} without risk to someone’s privacy."
    return f"In {window.label}: {'; '.join(told)}."


def funnel_sentence(
    steps: Sequence[tuple[str, str, bool]],
    window: Window,
    base: int = 5,
    parts: int = 1,
    linkage: Mapping[str, float] = NOTHING_KNOWN,
) -> str:
    """Say how many came into a cohort, and how many of them reached its main steps.

    Args:
        steps: Title, published count and whether it is only a part, of each step, in order.
        window: In which they came in.
        base: What counts are rounded to.
        parts: How many published counts each of them is a sum of.
        linkage: By title: by how much the share may move with the link threshold.
    """
    first, whole, _ = steps[0]
    if number(whole) is None:
        told = [
            f"about {thousands(people)} {lower(title)}"
            for title, people, is_part in steps[1:]
            if not is_part and number(people) is not None
        ]
        if not told:
            return f"{first}: too few people in {window.label} to say more without risk to privacy."
        return (
            f"{first}: how many people in {window.label} cannot be told without risk to someone’s "
            f"privacy. Of them: {'; '.join(told[-2:])}."
        )
    said = f"{first}: about {thousands(whole)} people in {window.label}."
    reached = [
        f"about {thousands(people)} "
        f"({Figure(people, whole, base, parts, linkage.get(title, 0)).said}) {lower(title)}"
        for title, people, is_part in steps[1:]
        if not is_part and number(people) is not None
    ]
    if not reached:
        return f"{said} How many of them went on cannot be shown."
    return f"{said} Of them: {'; '.join(reached[-2:])}."


def loss_sentence(steps: Sequence[tuple[str, str, bool]], base: int, parts: int = 1) -> str:
    """Say between which two steps numbers fall most, if rounding leaves no doubt about it.

    Args:
        steps: As for ``funnel_sentence``.
        base: What counts are rounded to.
        parts: How many published counts each of them is a sum of.
    """
    stages = [(title, number(people)) for title, people, is_part in steps if not is_part]
    if len(stages) < 2 or any(people is None for _, people in stages):
        return ""
    losses = sorted(
        ((before[1] or 0) - (after[1] or 0), place)
        for place, (before, after) in enumerate(pairwise(stages))
    )
    most, place = losses[-1]
    # Each loss is a difference of two rounded counts, so two losses may be out by twice that.
    doubt = 2 * parts * (base - 1)
    if most <= parts * (base - 1) or (len(losses) > 1 and most - losses[-2][0] <= doubt):
        return ""
    (_, before), (title, after) = stages[place], stages[place + 1]
    return (
        f"The largest drop is before “{lower(title)}”: of about {before:,} who came that far, "
        f"about {after:,} went on."
    )


def next_sentence(
    links: Sequence[tuple[str, str, str]], step: str, window: Window, base: int = 5
) -> str:
    """Say what came next after a step, the most common first, as far as published counts tell.

    Args:
        links: Next step, published count and published number of the step, of each link from it.
        step: The step.
        window: In which it was taken.
        base: What counts are rounded to.
    """
    shown = sorted(((number(people) or 0, to, of) for to, people, of in links), reverse=True)
    shown = [one for one in shown if one[0]]
    if not shown or number(shown[0][2]) is None:
        return f"What came after “{lower(step)}” cannot be shown."
    told = "; ".join(
        f"“{lower(to)}”, about {people:,} ({Figure(str(people), of, base).said})"
        for people, to, of in shown[:MOST_NEXT]
    )
    return (
        f"{step}: about {thousands(shown[0][2])} in {window.label}. What came next within 90 "
        f"days, as far as records could be linked: {told}."
    )


def links_sentence(rows: Iterable[Mapping[str, str]]) -> str:
    """Say how many links were found and how many are right, from published estimates alone.

    Args:
        rows: The table ``linkage_quality`` of a pack.
    """
    told = {(row["partners"], row["measure"]): row["percent"] for row in rows}
    found, right = told.get((EVERYWHERE, LINKS_FOUND), ""), told.get((EVERYWHERE, LINKS_RIGHT), "")
    if number(found) is None or number(right) is None:
        return f"{NOT_LINKED} How many links are missed cannot be estimated from these data."
    between = [
        (int(percent), partners)
        for (partners, measure), percent in told.items()
        if measure == LINKS_FOUND and partners != EVERYWHERE and number(percent) is not None
    ]
    said = (
        f"{NOT_LINKED} Of pairs of records of one person, about {found} in 100 were brought "
        f"together; of pairs brought together, about {right} in 100 are of one person, as far as "
        "numbers that partners share can tell"
    )
    if not between:
        return f"{said}."
    least, where = min(between)
    one, other = where.split("–")
    place = f"within {one}" if one == other else f"between {one} and {other}"
    return f"{said}. Fewest were found {place}: {least} in 100."


def targets_sentence(indicators: Iterable[tuple[bool, str]]) -> str:
    """Say how many indicators met their target, and how many cannot be told.

    Args:
        indicators: Whether it is worked out from the partners' records, and its status against
            its target, of each indicator.
    """
    rows = list(indicators)
    against = [target for _, target in rows if target]
    computed = sum(is_ours for is_ours, _ in rows)
    said = f"Of {len(rows)} indicators, {computed} can be told from these partners’ records"
    if not against:
        return f"{said}; none can be set against a target."
    met, missed = against.count("met"), against.count("not met")
    close = len(against) - met - missed
    return (
        f"{said}. Of the {len(against)} that can be set against a target, {met or 'none'} met it, "
        f"{missed or 'none'} missed it and {close or 'none'} {'is' if close == 1 else 'are'} too "
        "close to call."
    )


def _out_of(figure: Figure) -> str:
    """What a share is of, in brackets: measures side by side may be of different people."""
    if not figure.is_share:
        return ""
    return f" ({thousands(figure.above)} of {thousands(figure.below)})"


def _changed(series: Sequence[tuple[Window, Figure]]) -> str:
    """The end of a sentence that says how a figure changed."""
    found = changes(series)
    if found:
        return "; " + ", and ".join(one.words for one in found)
    if len(series) > 1 and series[-1][0].follows(series[-2][0]) and series[-2][1].value is not None:
        return f"; {NO_CHANGE}"
    return ""


def _a_year_before(earlier: Window, later: Window) -> bool:
    """Whether a window is the same one of the year before."""
    return (
        earlier.months == later.months
        and earlier.start.month == later.start.month
        and earlier.start.year == later.start.year - 1
    )


def _value(figure: Figure) -> int:
    """The value of a figure that is known to have one."""
    return figure.value or 0
