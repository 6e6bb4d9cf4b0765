"""The words that cohort files share: steps, spells and policies, from the seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from warehouse.cohorts.definition import INDEX, Cohort, Days
from warehouse.models import load_seed


@dataclass(frozen=True)
class Vocabulary:
    """What a cohort file may speak of.

    Attributes:
        step: Kind of step → the partner that records it.
        spell: Kind of spell → the partner that records it.
        policy: Name → number of days.
        labels: Kind of step or spell → what a reader sees.
        restricted: Kinds of step that are told only by metrics which a partnership asks for.
        ethnicity_groups: What a person's ethnic group may be.
    """

    step: dict[str, str]
    spell: dict[str, str]
    policy: dict[str, int]
    labels: dict[str, str]
    restricted: frozenset[str]
    ethnicity_groups: frozenset[str]

    def label(self, word: str) -> str:
        """Return what a kind of step or spell is called in a sentence."""
        return self.labels[word][0].lower() + self.labels[word][1:]

    def days(self, said: Days) -> int:
        """Return a number of days, given as such or by its name in `policy`."""
        return said if isinstance(said, int) else self.policy[said]

    def known(self, kind: str) -> frozenset[str]:
        """Return the words of one kind: step, spell or policy."""
        return frozenset(getattr(self, kind))

    def follow_up(self, cohort: Cohort) -> int:
        """Return the days after the index day that the longest path through the stages takes."""
        reached = {INDEX: 0}
        for stage in cohort.stages:
            reached[stage.stage] = reached[stage.from_] + self.days(stage.days)
        return max(reached.values())

    def look_back(self, cohort: Cohort) -> int:
        """Return the days before the index day that the entry rules look at."""
        return max((self.days(rule.within_days_before or 0) for rule in cohort.entry), default=0)

    def recorded_by(self, cohort: Cohort) -> dict[str, str]:
        """Return the steps and spells that a cohort uses, each with its partner."""
        return {
            word: getattr(self, kind)[word] for _, kind, word in cohort.named() if kind != "policy"
        }


@cache
def vocabulary() -> Vocabulary:
    """The words of the packaged seeds."""
    codes = load_seed("code")
    partner = {
        name: {row["code"]: row["category"] for row in codes if row["list"] == name}
        for name in ("step_partner", "spell")
    }
    policies = {
        row["name"]: int(row["days"]) for row in load_seed("policy") if row["unit"] == "days"
    }
    labels = {row["code"]: row["label"] for row in codes if row["list"] in ("step", "spell")}
    steps = [row for row in codes if row["list"] == "step"]
    restricted = frozenset(row["code"] for row in steps if row["category"] == "restricted")
    groups = frozenset(row["category"] for row in codes if row["list"] == "ethnicity")
    return Vocabulary(
        partner["step_partner"],
        partner["spell"],
        policies,
        labels,
        restricted,
        groups | {"Not stated"},
    )
