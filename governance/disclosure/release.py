"""A release as it is published: what it declares and what it shows. All of it is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from governance.disclosure.catalogue import Population, Where, as_document, digest, from_document
from governance.disclosure.rules import DisclosureError, Rule
from governance.disclosure.timeline import Period

FORMAT = 1
PEOPLE_COLUMN = "count"


@dataclass(frozen=True)
class Published:
    """What a release shows of a population.

    Attributes:
        population: What is declared.
        period: The days whose units are counted.
        shown: By cell: a multiple of the base, ``[c]``, or 0 where nobody can be.
    """

    population: Population
    period: Period
    shown: tuple[str, ...]

    def value(self, cell: Where) -> str:
        """What is shown of a cell.

        Raises:
            DisclosureError: If it is not in the catalogue.
        """
        place = self.population.position.get(cell)
        if place is None:
            raise DisclosureError(
                "A count that is not in the catalogue was asked for.",
                "Declare every published count before the gate counts it.",
            )
        return self.shown[place]

    def tables(self) -> dict[str, pl.DataFrame]:
        """The published tables, by name: a column of each label, and ``count`` as text."""
        return {
            table.name: pl.DataFrame(
                [(*row.labels, self.value(row.where)) for row in table.rows],
                schema=dict.fromkeys((*table.columns, PEOPLE_COLUMN), pl.String),
                orient="row",
            )
            for table in self.population.tables
        }


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        release_id: Its id.
        rule: The threshold and the base.
        populations: What it shows, by population.
        earlier: Digests of the releases that were public when it was made, oldest first.
        certificate: The SHA-256 of its certificate, which is confidential.
    """

    release_id: str
    rule: Rule
    populations: tuple[Published, ...]
    earlier: tuple[str, ...] = ()
    certificate: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of all that it says but the hash of its certificate, which names it."""
        return digest({**self.document(), "certificate": ""})

    def of(self, name: str) -> Published | None:
        """What it shows of a population, if it has it."""
        return next((one for one in self.populations if one.population.name == name), None)

    def document(self) -> dict[str, Any]:
        """The release as plain data."""
        return {
            "format": FORMAT,
            "release": self.release_id,
            "threshold": self.rule.threshold,
            "base": self.rule.base,
            "earlier": list(self.earlier),
            "certificate": self.certificate,
            "populations": [
                {
                    "declared": as_document(one.population),
                    "period": [one.period.first.isoformat(), one.period.last.isoformat()],
                    "shown": list(one.shown),
                }
                for one in self.populations
            ],
        }


def read_release(document: Mapping[str, Any]) -> Release:
    """The release that plain data tell of.

    Raises:
        DisclosureError: If they tell of none.
    """
    try:
        if document["format"] != FORMAT:
            raise ValueError("format")
        rule = Rule(document["threshold"], document["base"])
        populations = tuple(
            Published(
                from_document(one["declared"]),
                Period(*(date.fromisoformat(day) for day in one["period"])),
                tuple(str(value) for value in one["shown"]),
            )
            for one in document["populations"]
        )
        names = [one.population.name for one in populations]
        if len(set(names)) < len(names):
            raise ValueError("names")
        for one in populations:
            if len(one.shown) != len(one.population.cells):
                raise ValueError("cells")
            for value in one.shown:
                rule.says(value)
        return Release(
            str(document["release"]),
            rule,
            populations,
            tuple(document["earlier"]),
            str(document["certificate"]),
        )
    except (KeyError, TypeError, ValueError):
        raise DisclosureError(
            "A release cannot be read.", "Use the file that the gate wrote, unchanged."
        ) from None
