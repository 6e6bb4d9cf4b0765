"""Certified releases, drafts and publications of made-up people, made in no time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pack as packs
import polars as pl

from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.release import Release
from governance.disclosure.timeline import Period
from warehouse.publish.folder import Approval, write_draft, write_publication

AREA = Dimension("area", ("North", "South", "East"), known=True)
SEX = Dimension("sex", ("Female", "Male"), known=True)
SPRING = Period(date(2026, 4, 1), date(2026, 6, 30))
SUMMER = Period(date(2026, 7, 1), date(2026, 9, 30))
MADE = datetime(2026, 10, 12, 9, tzinfo=UTC)


def certified(
    period: Period, earlier: Sequence[Release] = (), seed: int = 1, name: str = "release_need"
) -> Certified:
    """A release of 90 people in a window."""
    table = cross(f"{name} by area and sex", AREA, SEX)
    people_of = Population(name, "people", "apart", (AREA, SEX), (table,))
    chance = random.Random(seed)
    people = [
        (chance.choices(AREA.categories, (6, 3, 1))[0], chance.choice(SEX.categories))
        for _ in range(90)
    ]
    rows = pl.DataFrame(people, schema=["area", "sex"], orient="row")
    return certify(
        f"{period.first}-to-{period.last}",
        [Submission(people_of, period, rows)],
        earlier=earlier,
        still_public=[one.digest for one in earlier],
    )


def drafted(folder: Path, made: Sequence[Certified], public: Sequence[Release] = ()) -> str:
    """Write a draft of certified releases; its digest."""
    releases = (*public, *(one.release for one in made))
    pack = packs.pack(releases=releases, release_id=releases[-1].release_id)
    files = {"index.html": b"<!doctype html><title>Pack</title>", "data/funnel.csv": b"people\n5\n"}
    kept = {"masks.csv": b"population,reason\n"}
    return write_draft(folder, pack, made, public, files, kept, title="Spring 2026")


def published(folder: Path, draft: Path, digest: str) -> Path:
    """Publish a draft that two officers approved."""
    approvals = [Approval(name, digest, MADE) for name in ("A. Officer", "B. Officer")]
    write_publication(draft, folder, approvals, publication_id=folder.name, published_at=MADE)
    return folder
