"""The words that readers are given for the codes of a publication's tables.

CSV and JSON keep the codes, by which programs join; the workbooks, the page and the paper say
titles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from warehouse.publish.columns import described
from warehouse.publish.pack import Pack

SPLITS: Final[Mapping[str, str]] = {
    "age_band": "Age",
    "area": "Area",
    "ethnicity_group": "Ethnic group",
    "sex": "Sex",
    "substance_group": "Substance",
}
UNITS: Final[Mapping[str, str]] = {
    "entries": "people (once a quarter each)",
    "steps": "steps (of each kind, one person’s first in a quarter)",
}


def in_words(code: str) -> str:
    """A short name as words, where it has no title: referral_route is Referral route."""
    return f"{code[:1].upper()}{code[1:].replace('_', ' ')}"


def split_name(split: str) -> str:
    """What a split is called: Ethnic group."""
    return SPLITS.get(split) or in_words(split)


def unit_name(unit: str) -> str:
    """What is counted, as a reader would call it."""
    return UNITS.get(unit, unit)


@dataclass(frozen=True)
class Titles:
    """What the metrics, cohorts and measures of a publication are called.

    Attributes:
        figures: Short name of a metric or cohort → title, no two alike.
        measures: Metric and measure → title.
    """

    figures: Mapping[str, str]
    measures: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, pack: Pack) -> Titles:
        """The titles of a publication: as its funnels are called, and as it defines the others."""
        cohorts = pack.tables["funnel"].select("cohort", "title").unique().iter_rows()
        defined = {
            str(one.get("metric") or one.get("cohort")): one["title"]
            for one in pack.definitions
            if one.get("title")
        }
        measures = pack.tables["outcomes"].select("metric", "measure", "title").unique()
        return cls(
            _told_apart(dict(cohorts) | defined),
            {(metric, measure): title for metric, measure, title in measures.iter_rows()},
        )

    def figure(self, name: str) -> str:
        """What a metric or cohort is called."""
        return self.figures.get(name) or in_words(name)

    def measure(self, name: str, measure: str) -> str:
        """What a metric's measure is called; a cohort's step has its title for a name."""
        return self.measures.get((name, measure)) or in_words(measure)

    def row(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of a table with words in the place of its codes.

        Args:
            table: The table's name.
            row: Its columns by name.
        """
        said = dict(row)
        figure = next((one for one in ("cohort", "metric", "name") if one in row), "")
        if figure:
            said[figure] = self.figure(row[figure])
        if figure and "measure" in row:
            said["measure"] = self.measure(row[figure], row["measure"])
        if "split" in row:
            said["split"] = split_name(row["split"])
        if row.get("unit"):
            said["unit"] = unit_name(row["unit"])
        if table == "data_quality":
            said["source"] = row["source"].replace("_", " ")
        if table == "changes":
            said["table"] = _TABLES.get(row["table"], row["table"])
        return said


def _told_apart(titles: Mapping[str, str]) -> dict[str, str]:
    """Titles by short name, which follows those that several bear."""
    borne = Counter(titles.values())
    return {
        name: title if borne[title] == 1 else f"{title} ({name})" for name, title in titles.items()
    }


_TABLES: Final = {one.name: one.title for one in described()}
