"""The parts of a metric, as its YAML file gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from warehouse.metrics.condition import condition_problem, policies_in

LINKAGE_CAVEAT = (
    "A person who was not linked is not a person who was not treated: where records of one person "
    "could not be brought together, links between services are missed and these figures differ "
    "from the truth. Linkage quality says how often."
)
RESTRICTED = "restricted"
NO_KIND = "all"
SUM_OF_QUARTERS = "sum of quarters"
STOCK = "stock"

# Names become names in SQL.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Partner = Literal["police", "probation", "treatment", "housing"]
_LAG = re.compile(r"0|[a-z][a-z0-9_]*( \+ [a-z][a-z0-9_]*)*")


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True
    )


class Rule(_Part):
    """What is counted: in words, and as a condition on a row of the frame."""

    says: Text
    where: Text = "TRUE"

    @field_validator("where")
    @classmethod
    def _is_a_condition(cls, where: str) -> str:
        problem = condition_problem(where)
        if problem:
            raise ValueError(problem)
        return where


class Target(_Part):
    """What a partnership aims at, from where and since when: to reach it, or to stay at it or below
    (``at_most``)."""

    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Text
    source: Text
    dated: date
    at_most: StrictBool = False


class Span(_Part):
    """The columns between which a row of a stock is open; a missing end is open still."""

    start: Name = Field(alias="from")
    end: Name = Field(alias="to")


class Measure(_Part):
    """One count of a metric, or one share."""

    measure: Name
    title: Text
    lag: StrictInt | str = 0
    denominator: Rule | None = None
    numerator: Rule
    value: Name | None = None
    target: Target | None = None

    @field_validator("lag")
    @classmethod
    def _is_a_sum(cls, lag: int | str) -> int | str:
        if not _LAG.fullmatch(str(lag)):
            raise ValueError("is neither 0 nor policy names joined by ` + `")
        return lag

    @property
    def policies(self) -> frozenset[str]:
        """The policy names that the measure hangs on."""
        conditions = [rule.where for rule in (self.numerator, self.denominator) if rule]
        in_lag = {part for part in str(self.lag).split(" + ") if part != "0"}
        return frozenset(in_lag.union(*map(policies_in, conditions)))


class Metric(_Part):
    """One metric; `warehouse.metrics` says what each key means."""

    metric: Name
    title: Text
    definition: Text
    theme: Literal["treatment", "criminal justice", "housing", "health", "journeys"]
    unit: Text
    frame: Name
    window: Literal["quarter", "year"]
    dated_by: Name | Span
    take: Literal["every", "first", "last"]
    among: Rule | None = None
    by: tuple[Name, ...] = Field(default=(), max_length=2)
    partners: tuple[Partner, ...] = Field(min_length=1)
    sources: tuple[Text, ...] = Field(min_length=1)
    needs: tuple[Text, ...] = ()
    exclusions: Text
    status: Literal["exact definition on linked data", "proxy", "restricted"]
    relation: Literal["sum of quarters", "stock"]
    owner: Text
    caveat: Text = LINKAGE_CAVEAT
    publish: bool = False
    measures: tuple[Measure, ...] = Field(min_length=1)

    @property
    def is_ranged(self) -> bool:
        """Whether it is worked out over the link thresholds: it is published, or has a target."""
        return self.publish or any(measure.target for measure in self.measures)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Metric:
        if (self.window == "year") != (self.relation == STOCK):
            raise ValueError(
                "says that its window is a year and its relation is not stock, or the other way "
                "round"
            )
        if isinstance(self.dated_by, Span) and self.window == "quarter":
            raise ValueError("is dated by a span, which only a stock (window: year) can be")
        if not set(self.needs) <= set(self.sources):
            raise ValueError("needs a table that is not among its sources")
        if self.unit == "people" and self.take == "every":
            raise ValueError("counts people but takes every row, so some would count twice")
        names = [measure.measure for measure in self.measures]
        if len(set(names)) < len(names):
            raise ValueError("names a measure twice")
        return self

    @property
    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Every rule, with the words that lead a reader to it."""
        if self.among:
            yield "`among`", self.among
        for one in self.measures:
            if one.denominator:
                yield f"the denominator of the measure {one.measure}", one.denominator
            yield f"the numerator of the measure {one.measure}", one.numerator

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of category that the metric is told by; one that has none is told by all."""
        return self.by or (NO_KIND,)

    @property
    def policies(self) -> frozenset[str]:
        """The policy names that the metric hangs on."""
        in_lags = (measure.policies for measure in self.measures)
        return frozenset().union(*in_lags, *(policies_in(rule.where) for _, rule in self.rules))


def measure_numbers(metrics: Iterable[Metric]) -> dict[tuple[str, str], int]:
    """Return metric and measure → a number that stands for it while a release is built."""
    names = [(metric.metric, one.measure) for metric in metrics for one in metric.measures]
    return {name: number for number, name in enumerate(names, start=1)}
