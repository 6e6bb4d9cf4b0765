"""Compose the report from a pack: which sections there are, and what stands first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from governance.disclosure import MASKED, NOT_AVAILABLE
from warehouse.publish.columns import shorthand
from warehouse.publish.pack import Pack
from warehouse.publish.report.content import Headline, Report, Section
from warehouse.publish.report.funnels import funnel_sections
from warehouse.publish.report.indicators import indicators_section
from warehouse.publish.report.measures import outcome_sections
from warehouse.publish.report.numbers import day, listed, lower
from warehouse.publish.report.others import DUE, about_section, changes_section, next_section
from warehouse.publish.report.quality import quality_section
from warehouse.publish.report.reading import Reader
from warehouse.publish.report.told import Told, overview

MOST_CHANGES = 4  # told among the headlines
# Many figures are looked at for a headline, so one needs three standard errors where two would do.
HEADLINE_STRENGTH = 1.5

UNCHANGED = "No figure changed by more than rounding, linkage and chance could have made it."
CHANGED_A_LITTLE = (
    "No change stands out. Of so many figures a few differ by chance; those that rose or fell by "
    "more than is usual say so under “Change”."
)

WORDS = {
    "Structured treatment": "a prescribed medicine or planned talking treatment for drugs or "
    "alcohol, under a care plan; advice and recovery support alone are not",
    "Cohort": "the people one event, such as a positive test, puts under follow-up, once in each "
    "quarter",
    "Window": "the days in which things are counted; no two windows share a day, and a window once "
    "published is never counted again",
    "Twelve months": "the published counts of the last windows added up; a person may be counted "
    "once in each",
    "Number, out of": "the numerator and the denominator of a share: so many, out of so many",
    "Range": "where a figure may lie, because counts were rounded and because it hangs on how "
    "readily records are linked; the upright bars of a chart; not a confidence interval",
    "Lag": "how long before the data end a window stops, so that what follows has had time to "
    "happen",
    "Proxy": "stands in for something that these services do not record",
    "Exact definition on linked data": "counted by the full definition, from records that were "
    "linked; missed links still make it differ from the truth, as “How sure we are” says",
    "No clear change": "between this window and the one before, or the same one a year earlier, "
    "nothing that can be told apart from rounding, linkage or chance",
    "Still with a service": "no new step, but in treatment, in custody, under supervision or owed "
    "a homelessness duty on day 90, or in the tenancy that began with the step",
}


def compose(pack: Pack) -> Report:
    """Return the report of a pack, the same for the same pack."""
    reader = Reader(pack)
    # Whoever opens the report reads figures first, not a funnel of which nothing can be told.
    funnels = sorted(funnel_sections(reader), key=_tells_little)
    themes = outcome_sections(reader)
    figures = [*funnels, *(one for of_theme in themes.values() for one in of_theme)]
    indicators = indicators_section(reader)
    sections = (
        *(section for section, _ in funnels),
        next_section(reader),
        indicators,
        *(_theme(theme, of_theme) for theme, of_theme in themes.items()),
        quality_section(reader),
        changes_section(reader),
        about_section(reader, [_owned(section, told) for section, told in figures]),
    )
    return Report(
        title=f"Cohort journeys: {pack.partnership}",
        subtitle=_subtitle(figures),
        as_at=_as_at(pack),
        headlines=_headlines(figures, funnels, indicators),
        sections=tuple(section for section in sections if section is not None),
        words=WORDS,
        shorthand=shorthand(),
        notes=tuple(note for note in pack.notes if not note.startswith(MASKED)),
        footer=f"Questions: {pack.contact}. Release {pack.release_id}.",
        demonstration=pack.demonstration,
    )


def _theme(theme: str, of_theme: Sequence[tuple[Section, tuple[Told, ...]]]) -> Section:
    """The outcomes of one theme: all in one table, then each; a caveat of several is said once."""
    measures = [
        (_in_full(section, one), one) for section, told in of_theme for one in told if one.series
    ]
    caveats = Counter(section.caveat for section, _ in of_theme)
    often = [caveat for caveat, many in caveats.items() if caveat and many > 1]
    return Section(
        key=f"outcomes-{theme.replace(' ', '-')}",
        title=f"Outcomes: {theme}",
        parts=(overview(f"Outcomes: {theme}, newest windows", measures),) if measures else (),
        caveat=" ".join(often),
        inner=tuple(
            replace(section, caveat="") if section.caveat in often else section
            for section, _ in of_theme
        ),
    )


def _in_full(section: Section, told: Told) -> str:
    """What a measure is called where its section is not seen."""
    return told.title if told.title == section.title else f"{section.title}: {lower(told.title)}"


def _tells_little(funnel: tuple[Section, tuple[Told, ...]]) -> tuple[bool, bool]:
    """Whether none of a funnel's last steps can be told, and whether no step after the first can.

    Those of which more can be told come first.
    """
    section, told = funnel
    return not any(map(_is_shown, told)), section.parts[0].chart is None


def headlines(pack: Pack) -> tuple[str, ...]:
    """Return the sentences that stand first, for whoever shows no more than those."""
    return tuple(headline.sentence for headline in compose(pack).headlines)


def _headlines(
    figures: Sequence[tuple[Section, tuple[Told, ...]]],
    funnels: Sequence[tuple[Section, tuple[Told, ...]]],
    indicators: Section | None,
) -> tuple[Headline, ...]:
    """The first cohort that can be told of, the clearest changes, and the targets."""
    found = [Headline(section.lead, section.key) for section, _ in funnels[:1]]
    found += _clearest(figures)
    if indicators is not None:
        found.append(Headline(indicators.lead, indicators.key, indicators.title))
    return tuple(found) or (Headline("Nothing is published yet.", "about"),)


def _clearest(figures: Sequence[tuple[Section, tuple[Told, ...]]]) -> list[Headline]:
    """The changes that chance is least like to have made; if none, that there is none."""
    clear = sorted(
        (-max(one.strength for one in measure.changes), *_headline(section, measure), section.key)
        for section, told in figures
        for measure in told
        if measure.changes
    )
    chosen = [
        Headline(said, key, about)
        for strength, about, said, key in clear
        if -strength >= HEADLINE_STRENGTH
    ][:MOST_CHANGES]
    compared = any(len(measure.series) > 1 for _, told in figures for measure in told)
    if chosen or not compared:
        return chosen
    return [Headline(CHANGED_A_LITTLE if clear else UNCHANGED, "about")]


def _headline(section: Section, told: Told) -> tuple[str, str]:
    """What a measure's sentence is about, and the sentence."""
    if section.title == told.title:
        return section.title, f"{told.words[0].upper()}{told.words[1:]}."
    return section.title, told.sentence


def _is_shown(told: Told) -> bool:
    """Whether a measure's latest window can be told."""
    return bool(told.series) and told.series[-1][1].value is not None


def _owned(section: Section, told: Sequence[Told]) -> tuple[str, str, str]:
    """A section's title, latest window and owner."""
    windows = [measure.series[-1][0] for measure in told if measure.series]
    window = max(windows, key=lambda one: one.end).label if windows else NOT_AVAILABLE
    return section.title, window, section.facts.get("Owner", NOT_AVAILABLE)


def _subtitle(figures: Sequence[tuple[Section, tuple[Told, ...]]]) -> str:
    """Which windows are public, from first to last."""
    windows = [window for _, told in figures for measure in told for window, _ in measure.series]
    if not windows:
        return "No window is public yet"
    first, last = min(windows, key=lambda one: one.start), max(windows, key=lambda one: one.end)
    return f"{day(first.start)} to {day(last.end)}"


def _as_at(pack: Pack) -> str:
    """Up to which day each partner's data reach, what was done to counts, and what is next."""
    days = dict.fromkeys(pack.as_at.values())
    if not days:
        reach = "No partner has sent data yet."
    elif len(days) == 1:
        reach = f"Data of {listed(pack.as_at)} reach to {day(next(iter(days)))}."
    else:
        reach = "Data reach to {}.".format(
            listed(f"{day(when)} ({partner})" for partner, when in pack.as_at.items())
        )
    due = f" {DUE} {day(pack.next_due)}." if pack.next_due else ""
    return (
        f"{reach} Counts are rounded to the nearest {pack.base}, and those under {pack.threshold} "
        f"are not shown.{due}"
    )
