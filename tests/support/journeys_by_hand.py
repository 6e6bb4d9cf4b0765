"""Treatment journeys and quarters put together by hand, for tests that count by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]
FAR = date(9999, 12, 31)
OPIATES = {"1011", "1105", "1000"}
SUCCESS, UNPLANNED, TRANSFERRED = {"80", "81", "82"}, {"85", "86", "87", "88"}, {"83", "84"}


@dataclass(frozen=True)
class Period:
    """A quarter, and the twelve months that end with it."""

    name: str
    start: date
    end: date
    year_start: date


@dataclass
class Journey:
    """A treatment journey, as it is known at the date of the extract."""

    episodes: list[Row]
    interventions: list[Row]
    profiles: list[Row]
    start: date
    end: date | None
    reason: str | None
    first_structured: date | None
    last_structured: date | None
    following: date | None = None

    @property
    def completed(self) -> bool:
        return self.end is not None and bool(self.interventions) and self.reason in SUCCESS

    @property
    def drugs(self) -> set[str]:
        return {e[d] for e in self.episodes for d in ("drug1", "drug2", "drug3") if e.get(d)}

    @property
    def group(self) -> str:
        kinds = [_kinds(episode) for episode in self.episodes]
        kind = set().union(*kinds)
        if "opiate" in kind:
            return "Opiate"
        if kind == {"alcohol"}:
            return "Alcohol only"
        return "Non-opiate & alcohol" if "alcohol" in kind else "Non-opiate only"

    @property
    def categories(self) -> dict[str, str]:
        named = bool(self.drugs & (OPIATES | {"3201"}))
        return {
            "substance_group": self.group,
            "opiate_or_crack": "Opiate or crack" if named else "Neither",
        }

    def in_structured(self, first: date, last: date) -> bool:
        """Whether structured treatment lay open on at least one day between two."""
        return (
            self.first_structured is not None
            and self.first_structured <= last
            and (self.last_structured or FAR) >= first
        )

    def closed(self, day: date) -> bool:
        return self.end is not None and self.end <= day

    def completed_by(self, day: date) -> bool:
        """Whether it was completed by a day with no other journey begun by then."""
        return self.completed and self.closed(day) and not (self.following or FAR) <= day


def quarters(as_at: date, kept: int = 8) -> list[Period]:
    """The last quarters that were complete on a day."""
    day = as_at + timedelta(1)
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    found = []
    for _ in range(kept):
        end = first - timedelta(1)
        first = date(end.year, end.month - 2, 1)
        year_start = date(first.year, first.month, 1)
        for _ in range(3):
            year_start = date(
                year_start.year - (year_start.month == 1), (year_start.month - 4) % 12 + 1, 1
            )
        found.append(Period(f"{first.year}-Q{(first.month + 2) // 3}", first, end, year_start))
    return found


def journeys_of(tables: Mapping[str, Sequence[Row]], as_at: date) -> list[Journey]:
    """Put a person's assessed episodes together into journeys."""
    episodes = sorted(
        (e for e in tables.get("treatment_episode", ()) if e.get("triaged")),
        key=lambda e: (e["triaged"], e["key"]),
    )
    groups: list[list[Row]] = []
    reached = date.min
    for episode in episodes:
        if not groups or (episode["triaged"] - reached).days > 21:
            groups.append([])
        groups[-1].append(episode)
        reached = max(reached, episode.get("disd") or FAR)
    found = [_journey(group, tables, as_at) for group in groups]
    for earlier, later in pairwise(found):
        earlier.following = later.start
    return found


def _journey(episodes: list[Row], tables: Mapping[str, Sequence[Row]], as_at: date) -> Journey:
    by_key = {e["key"]: e for e in episodes}
    structured = [
        i
        for i in tables.get("treatment_intervention", ())
        if i["of"] in by_key and i["modal"] in ("94", "95") and i.get("modst")
    ]
    ends = [i.get("modend") or by_key[i["of"]].get("disd") for i in structured]
    reached = [max(end or as_at, i["modst"]) for i, end in zip(structured, ends, strict=True)]
    is_open = any(e.get("disd") is None for e in episodes)
    last = episodes[-1] if is_open else max(episodes, key=lambda e: (e["disd"], e["key"]))
    profiles = [p for p in tables.get("treatment_outcomes_profile", ()) if p["of"] in by_key]
    return Journey(
        episodes=episodes,
        interventions=structured,
        profiles=sorted(profiles, key=lambda p: (p["topdate"], p["key"])),
        start=episodes[0]["triaged"],
        end=None if is_open else last["disd"],
        reason=None if is_open else last["disrsn"],
        first_structured=min((i["modst"] for i in structured), default=None),
        last_structured=None if None in ends else max(reached, default=None),
    )


def _kinds(episode: Row) -> set[str]:
    """The kinds of substance an episode names."""
    drugs = {episode.get(d) for d in ("drug1", "drug2", "drug3")} - {None}
    return {"opiate" if d in OPIATES else "alcohol" if d == "7000" else "non-opiate" for d in drugs}
