"""The certified releases that a publication rests on, as the public file ``release.json``.

It has every release that was public when the publication was made, in the order of publication, and
then its own. Whoever has that file can check what it says without a key and without a solver.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.disclosure.release import Release, read_release
from governance.disclosure.rules import DisclosureError

RELEASE_FILE = "release.json"
ON_ITS_OWN = "table "
"""How the name of the population of an analyst's own table begins."""

FORMAT = 1
TABLES = 2
"""How the tables of counts are read off releases. It goes up when that changes, and never with the
software: a publication is checked as it was made.

1: who was reached by a day is what rounding leaves of who still waits. 2: it never differs from the
funnel, which says the same of the step."""


@dataclass(frozen=True)
class Releases:
    """The releases of a publication.

    Attributes:
        releases: All that were public with it, in the order of publication, its own last.
        new: Its own.
        shown: The digests of those whose counts it shows.
        tables: How its tables were read off them.
    """

    releases: tuple[Release, ...]
    new: tuple[Release, ...]
    shown: frozenset[str]
    tables: int = TABLES

    def before(self, release: Release) -> tuple[Release, ...]:
        """The releases that were public when one was made, in the order that it names them.

        Raises:
            DisclosureError: One of them is not there.
        """
        there = {one.digest: one for one in self.releases}
        if not set(release.earlier) <= there.keys():
            raise DisclosureError(
                "A publication does not hold every release that its own was checked against.",
                "Use the whole publication, unchanged.",
            )
        return tuple(there[digest] for digest in release.earlier)


def is_on_its_own(release: Release) -> bool:
    """Whether a release is of an analyst's table, which no pack shows."""
    return all(one.population.name.startswith(ON_ITS_OWN) for one in release.populations)


def releases_document(
    releases: Sequence[Release], new: Sequence[str], shown: Sequence[str]
) -> dict[str, Any]:
    """The releases as plain data.

    Args:
        releases: All that are public with the publication, in order.
        new: The digests of its own.
        shown: The digests of those whose counts it shows.
    """
    return {
        "format": FORMAT,
        "tables": TABLES,
        "new": list(new),
        "shown": list(shown),
        "releases": [one.document() for one in releases],
    }


def read_releases(folder: Path) -> Releases:
    """The releases of a publication.

    Raises:
        DisclosureError: It is missing, cannot be read, or does not name its own releases.
    """
    try:
        document: Mapping[str, Any] = json.loads((folder / RELEASE_FILE).read_text("utf-8"))
        if document["format"] != FORMAT:
            raise ValueError("format")
        releases = tuple(read_release(one) for one in document["releases"])
        there = {one.digest: one for one in releases}
        new = tuple(there[str(digest)] for digest in document["new"])
        tables = int(document.get("tables", 1))  # the first publications do not say
        return Releases(releases, new, frozenset(map(str, document["shown"])), tables)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise DisclosureError(
            "The certified releases of a publication cannot be read.",
            "Use the whole publication, as it was published.",
        ) from None
