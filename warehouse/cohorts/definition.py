"""What a cohort file may say: an index event, entry rules and the stages of its follow-up."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

INDEX: Final = "index"
"""What `from` and `of` call the index day; as a stage it is the first, which everyone reaches."""

CAVEAT: Final = (
    "A person who was not linked is not a person who was not treated: where records of one person "
    "could not be brought together, links between services are missed and fewer people are seen to "
    "reach a stage than truly did."
)

Partner = Literal["police", "probation", "treatment", "housing"]
Sex = Literal["M", "F", "U"]


def _as_list(said: Any) -> Any:
    """Let one name stand for a list of one."""
    return [said] if isinstance(said, str) else said


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_list), Field(min_length=1)]
# Not blank, and without the characters that would end it early in SQL.
Text = Annotated[str, Field(pattern=r"^[^\x00-\x08]*[^\x00-\x08\s][^\x00-\x08]*$")]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list), Field(min_length=1)]
# Strict, since YAML's `yes` would be taken for one day.
Days = Annotated[int, Field(ge=0, le=3660, strict=True)] | Name
"""A number of days, or the name of one in the table `policy`."""


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True
    )

    def said(self, *names: str) -> tuple[str, ...]:
        """Which of some keys were given."""
        return tuple(name for name in names if getattr(self, name) is not None)


class Index(_Part):
    """The event that brings a person in: a step of their journey."""

    step: Names
    detail: Texts | None = None
    title: Text


class Entry(_Part):
    """One rule that must hold on the index day."""

    in_: Names | None = Field(default=None, alias="in")
    not_in: Names | None = None
    step: Names | None = None
    no_step: Names | None = None
    detail: Texts | None = None
    within_days_before: Days | None = None
    age_from: Annotated[int, Field(ge=0, le=130, strict=True)] | None = None
    age_below: Annotated[int, Field(ge=1, le=130, strict=True)] | None = None
    sex: Annotated[tuple[Sex, ...], BeforeValidator(_as_list)] | None = None
    ethnicity_group: Texts | None = None
    area: Texts | None = None

    @model_validator(mode="after")
    def _is_one_rule(self) -> Entry:
        spells, steps = self.said("in_", "not_in"), self.said("step", "no_step")
        who = self.said("age_from", "age_below", "sex", "ethnicity_group", "area")
        if len(spells + steps + who) != 1:
            raise ValueError(
                "is not one rule; give exactly one of in, not_in, step, no_step, age_from, "
                "age_below, sex, ethnicity_group and area"
            )
        if bool(steps) != (self.within_days_before is not None):
            raise ValueError("needs within_days_before with step or no_step, and only there")
        if who and self.detail is not None:
            raise ValueError("has a detail, which only steps and spells have")
        return self


class Stage(_Part):
    """One stage of the follow-up, or (`part`) some of those who reached one."""

    stage: Name
    title: Text
    part: bool = False
    of: Name | None = None
    from_: Name = Field(default=INDEX, alias="from")
    step: Names | None = None
    no_step: Names | None = None
    spell: Names | None = None
    in_: Names | None = Field(default=None, alias="in")
    detail: Texts | None = None
    within: Days | None = None
    lasting: Days | None = None
    or_ended_well: bool = False

    @model_validator(mode="after")
    def _is_one_kind(self) -> Stage:
        kinds = self.said("step", "no_step", "spell", "in_")
        if len(kinds) != 1:
            raise ValueError("needs exactly one of step, no_step, spell and in")
        times = self.said("within", "lasting")
        if kinds == ("in_",) and times:
            raise ValueError("says what a person was in on a day, so has no within or lasting")
        if kinds == ("spell",) and len(times) != 1:
            raise ValueError("needs within or lasting, and not both")
        if kinds in (("step",), ("no_step",)) and times != ("within",):
            raise ValueError("needs within, and has no lasting")
        if self.or_ended_well and self.lasting is None:
            raise ValueError("has or_ended_well, which only goes with lasting")
        if self.of is not None and not self.part:
            raise ValueError("has `of`, which only a part has")
        if self.stage == INDEX:
            raise ValueError("is named index, which is the name of the index event")
        return self

    @property
    def days(self) -> Days:
        """How long after the day it is counted from it is decided."""
        return self.lasting if self.lasting is not None else self.within or 0


class Cohort(_Part):
    """A cohort, as its YAML file defines it.

    ``status`` is of the definition: linkage makes even an exactly defined number low,
    which ``caveat`` says. ``publish`` cohorts go through the gate into the board pack.
    """

    cohort: Name
    title: Text
    definition: Text
    partners: Annotated[tuple[Partner, ...], Field(min_length=1)]
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    exclusions: Text
    status: Literal["exact definition on linked data", "proxy"]
    owner: Text
    caveat: Text = CAVEAT
    publish: bool = False
    index: Index
    entry: tuple[Entry, ...] = ()
    take: Literal["first"] = "first"
    stages: tuple[Stage, ...]

    @model_validator(mode="after")
    def _stages_follow_from_one_another(self) -> Cohort:
        if not self.stages:
            raise ValueError("has no stages")
        earlier, chain = [INDEX], [INDEX]
        for stage in self.stages:
            if stage.stage in earlier:
                raise ValueError("names two stages alike")
            for name in (stage.from_, stage.of or INDEX):
                if name not in chain:
                    raise ValueError(
                        f"has a stage, {stage.stage}, whose `from` or `of` is not a stage before "
                        "it (a part is none)"
                    )
            earlier.append(stage.stage)
            if not stage.part:
                chain.append(stage.stage)
        return self

    def needed(self) -> dict[str, str]:
        """Each stage → the stage that must be reached before it, or that it is a part of."""
        before, found = INDEX, {}
        for stage in self.stages:
            found[stage.stage] = stage.of or before if stage.part else before
            if not stage.part:
                before = stage.stage
        return found

    def ways(self) -> int:
        """How many sets of stages somebody in the cohort can have reached."""
        needed = self.needed()

        def from_here(stage: str) -> int:
            return prod(1 + from_here(later) for later, of in needed.items() if of == stage)

        return from_here(INDEX)

    def steps(self) -> dict[str, tuple[str, ...]]:
        """Each stage that is the day of a step (the index among them) → the kinds of step."""
        return {INDEX: self.index.step} | {s.stage: s.step for s in self.stages if s.step}

    def named(self) -> Iterator[tuple[str, Literal["step", "spell", "policy"], str]]:
        """Every word of the shared vocabulary that the file uses: where, of which kind, which."""
        for word in self.index.step:
            yield "index.step", "step", word
        for place, rule in enumerate(self.entry):
            yield from _words(f"entry.{place}", rule, within_days_before=rule.within_days_before)
        for place, stage in enumerate(self.stages):
            within, lasting = stage.within, stage.lasting
            yield from _words(f"stages.{place}", stage, within=within, lasting=lasting)


def _words(
    place: str, part: Entry | Stage, **days: Days | None
) -> Iterator[tuple[str, Literal["step", "spell", "policy"], str]]:
    """The words of one rule or stage."""
    for key in ("step", "no_step"):
        for word in getattr(part, key) or ():
            yield f"{place}.{key}", "step", word
    for key in ("in_", "not_in", "spell"):
        for word in getattr(part, key, None) or ():
            yield f"{place}.{key.strip('_')}", "spell", word
    for key, said in days.items():
        if isinstance(said, str):
            yield f"{place}.{key}", "policy", said
