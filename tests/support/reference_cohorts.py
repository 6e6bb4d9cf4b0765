"""Cohorts worked out slowly and plainly, one person and one day at a time.

It shares nothing with the compiler but the definition it reads: no SQL, no joins. Steps and spells
are given as they are in int_step and int_spell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from warehouse.cohorts.definition import INDEX, Cohort, Entry, Stage

DAYS = {"start_long": 90, "start_short": 28, "effective": 84, "continuity": 21}


@dataclass(frozen=True)
class Step:
    """A named moment."""

    step: str
    day: date
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spell:
    """A period under something; without an end it goes on."""

    kind: str
    start: date
    end: date | None = None
    ended_well: bool | None = None
    detail: str | None = None

    def is_open(self, day: date) -> bool:
        return self.start <= day and (self.end is None or self.end >= day)


@dataclass
class Person:
    """What is known of one person."""

    steps: list[Step] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    birth_year: int | None = None
    sex: str = "U"
    death: date | None = None


def memberships(cohort: Cohort, person: Person) -> dict[date, dict[str, date | None]]:
    """First day of a quarter → the day each stage was reached, the index day among them."""
    found: dict[date, dict[str, date | None]] = {}
    for day in sorted(s.day for s in of_kind(person, cohort.index.step, cohort.index.detail)):
        quarter = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        if quarter in found or (person.death is not None and person.death < day):
            continue
        if all(holds(rule, person, day) for rule in cohort.entry):
            found[quarter] = stages(cohort, person, day)
    return found


def stages(cohort: Cohort, person: Person, index: date) -> dict[str, date | None]:
    """The day each stage was reached."""
    days: dict[str, date | None] = {INDEX: index}
    needed = INDEX
    for stage in cohort.stages:
        before = (stage.of or needed) if stage.part else needed
        days[stage.stage] = reached(cohort, stage, person, days[stage.from_], days[before], before)
        if not stage.part:
            needed = stage.stage
    return days


def times(cohort: Cohort, person: Person) -> dict[str, tuple[date, date | None, bool]]:
    """Each stage → the day counted from, the day of its event if any, and whether it ended well."""
    found = memberships(cohort, person)
    if not found:
        return {}
    first = found[min(found)]
    told = {}
    for stage in cohort.stages:
        start = first[stage.from_]
        if start is None or stage.in_:
            continue
        if stage.spell and stage.lasting is not None:
            inside = [s for s in of_spell(person, stage.spell, stage.detail) if s.is_open(start)]
            if not inside:
                continue
            last = max(s.end or date.max for s in inside)
            well = any(s.ended_well and s.end == last for s in inside)
            end = None if last == date.max else last
            told[stage.stage] = (start, end, stage.or_ended_well and well)
        elif stage.spell:
            spells = of_spell(person, stage.spell, stage.detail)
            ahead = [max(s.start, start) for s in spells if s.end is None or s.end >= start]
            told[stage.stage] = (start, min(ahead, default=None), False)
        else:
            kinds = stage.step or stage.no_step
            origin = next((s.step for s in cohort.stages if s.stage == stage.from_), None)
            like = set(cohort.index.step if stage.from_ == INDEX else origin or ()) & set(kinds)
            strictly = stage.no_step or like
            ahead = [
                s.day
                for s in of_kind(person, kinds, stage.detail)
                if s.day > start or (s.day == start and not strictly)
            ]
            told[stage.stage] = (start, min(ahead, default=None), False)
    return told


def reached(
    cohort: Cohort,
    stage: Stage,
    person: Person,
    start: date | None,
    before: date | None,
    before_name: str,
) -> date | None:
    """The first day on which a stage is reached, looked for day by day."""
    if start is None or before is None:
        return None
    if stage.in_:
        spells = of_spell(person, stage.in_, stage.detail)
        inside = any(s.is_open(start) and s.start < start for s in spells)
        return max(start, before) if inside else None
    last = start + timedelta(number(stage.lasting if stage.lasting is not None else stage.within))
    if stage.no_step:
        steps = of_kind(person, stage.no_step, stage.detail)
        if before > last or (person.death is not None and person.death < last):
            return None
        return None if any(start < s.day <= last for s in steps) else last
    if stage.lasting is not None:
        ways = []
        for spell in of_spell(person, stage.spell, stage.detail):
            if not spell.is_open(start):
                continue
            if spell.is_open(last):
                ways.append(last)
            elif stage.or_ended_well and spell.ended_well:
                ways.append(spell.end)
        return min((day for day in ways if day >= before), default=None)
    like = {INDEX: cohort.index.step} | {s.stage: s.step for s in cohort.stages if s.step}
    day = max(start, before)
    while day <= last:
        if stage.spell:
            if any(s.is_open(day) for s in of_spell(person, stage.spell, stage.detail)):
                return day
        elif any(s.day == day for s in of_kind(person, stage.step, stage.detail)):
            after = [
                days
                for name, days in ((stage.from_, start), (before_name, before))
                if set(like.get(name, ())) & set(stage.step)
            ]
            if all(day > one for one in after):
                return day
        day += timedelta(1)
    return None


def holds(rule: Entry, person: Person, day: date) -> bool:
    """Whether one entry rule holds on a day."""
    if rule.in_ or rule.not_in:
        spells = of_spell(person, rule.in_ or rule.not_in, rule.detail)
        return any(s.start < day and s.is_open(day) for s in spells) == bool(rule.in_)
    if rule.step or rule.no_step:
        first = day - timedelta(number(rule.within_days_before))
        steps = of_kind(person, rule.step or rule.no_step, rule.detail)
        return any(first <= s.day < day for s in steps) == bool(rule.step)
    if rule.age_from is not None:
        return person.birth_year is None or day.year - person.birth_year >= rule.age_from
    if rule.age_below is not None:
        return person.birth_year is not None and day.year - person.birth_year < rule.age_below
    return person.sex in (rule.sex or ())


def number(said: int | str | None) -> int:
    """A number of days, or what a policy name stands for."""
    return DAYS[said] if isinstance(said, str) else said or 0


def of_kind(person: Person, kinds: Sequence[str], detail: Sequence[str] | None) -> list[Step]:
    """A person's steps of some kinds."""
    return [
        s for s in person.steps if s.step in kinds and (not detail or set(detail) & set(s.details))
    ]


def of_spell(person: Person, kinds: Sequence[str], detail: Sequence[str] | None) -> list[Spell]:
    """A person's spells of some kinds."""
    return [s for s in person.spells if s.kind in kinds and (not detail or s.detail in detail)]
