"""Making a draft: what has become due, put through the gate and written as a pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from governance.disclosure.release import Release
from governance.disclosure.rules import Rule
from warehouse.publish.pack import Pack
from warehouse.publish.release_file import RELEASE_FILE

if TYPE_CHECKING:
    import duckdb

    from governance.disclosure.certify import Certified
    from warehouse.publish.certified import Beside, Reasons
    from warehouse.publish.one_off import Declared
    from warehouse.publish.windows import Window

Tell = Callable[[str], None]

REPORT_FILE, MASKS_FILE, TERMS_FILE = "report.json", "masks.csv", "terms.json"
PAGE_FILE, PAPER_FILE = "index.html", "board-pack.pdf"
PARTNERS = ("police", "probation", "treatment", "housing")
MOST_NAMED = 2  # windows in a title


@dataclass(frozen=True)
class Terms:
    """What a partnership says of its publications.

    Attributes:
        partnership: Its name.
        contact: Whom readers may ask.
        demonstration: Whether its people are made up.
        period: How long a window is: quarter, half-year or year.
        rule: The threshold and the rounding base.
        limit: Seconds that proving one draft safe may take.
        published: The file of indicators that others publish; None without.
    """

    partnership: str
    contact: str
    demonstration: bool
    period: str
    rule: Rule
    limit: float
    published: Path | None = None

    def as_file(self) -> bytes:
        """All that a draft hangs on, to tell whether it would be made again."""
        published = None if self.published is None else self.published.read_bytes()
        digest = None if published is None else hashlib.sha256(published).hexdigest()
        said = {**asdict(self), "published": digest}
        return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True)
class Public:
    """What readers have.

    Attributes:
        releases: Every release that is still public, in the order of publication.
        withdrawn: Digests of releases that are public no longer.
        closed: The withdrawn releases whose windows are not to be counted again.
        tables: The tables of analysts that are public, as they were declared.
    """

    releases: tuple[Release, ...] = ()
    withdrawn: tuple[str, ...] = ()
    closed: tuple[Release, ...] = ()
    tables: tuple[Declared, ...] = ()


@dataclass(frozen=True)
class Made:
    """A draft, before it is written.

    Attributes:
        title: What it is called.
        pack: What would be published.
        certified: The releases that it adds to what is public.
        files: The pack as files, by name.
        for_approvers: Files that approvers alone may see.
    """

    title: str
    pack: Pack
    certified: tuple[Certified, ...]
    files: Mapping[str, bytes] = field(repr=False)
    for_approvers: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class NothingDue:
    """Why there is nothing to draft, as a sentence."""

    said: str

    def __str__(self) -> str:
        return self.said


def make(
    con: duckdb.DuckDBPyConnection,
    draft_id: str,
    terms: Terms,
    public: Public,
    made_at: datetime,
    tell: Tell,
) -> Made | NothingDue:
    """Make a draft of what has become due.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        draft_id: The draft's id, which the publication will have too.
        terms: What the partnership says.
        public: What readers have.
        made_at: When (UTC).
        tell: Who is told how far it is.

    Returns:
        The draft, or why there is nothing to draft.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: It cannot be proved safe, or not in time.
    """
    from warehouse.publish.certified import certify_due, due, next_due

    as_at = data_as_at(con)
    shut = (*public.releases, *public.closed)
    dues = due(con, terms.period, shut)
    if not dues:
        reached = min(as_at.values())
        return NothingDue(_until(next_due(con, terms.period, shut, reached), reached))
    tell(f"{len(dues)} sets of counts have become due; they are being proved safe")
    certified, reasons = certify_due(
        con, draft_id, dues, beside(con, terms, public), _now_and_then(tell, len(dues))
    )
    after = next_due(con, terms.period, (*shut, certified.release), min(as_at.values()))
    pack = _packed(con, certified, terms, public, made_at, as_at, after)
    tell("Writing the pack")
    return Made(
        title=_title([one.window for one in dues]),
        pack=pack,
        certified=(certified,),
        files=pack_files(pack),
        for_approvers={
            **for_approvers(certified, reasons, pack.tables["changes"]),
            TERMS_FILE: terms.as_file(),
        },
    )


def beside(con: duckdb.DuckDBPyConnection, terms: Terms, public: Public) -> Beside:
    """What a draft is set beside: everything that readers have."""
    from warehouse.publish.certified import Beside
    from warehouse.publish.one_off import counted_again

    return Beside(
        earlier=public.releases,
        still_public=[one.digest for one in public.releases],
        withdrawn=public.withdrawn,
        also_public=counted_again(con, public),
        rule=terms.rule,
        limit=terms.limit,
    )


def pack_files(pack: Pack) -> dict[str, bytes]:
    """A pack as everything that the board is given, by name of file."""
    from warehouse.publish.data_files import data_files
    from warehouse.publish.report import render_page, render_paper

    files = data_files(pack)
    files[PAPER_FILE] = render_paper(pack)
    return {**files, PAGE_FILE: render_page(pack, sorted((*files, RELEASE_FILE))).encode()}


def for_approvers(
    certified: Certified, reasons: Reasons, changes: pl.DataFrame | None = None
) -> dict[str, bytes]:
    """What approvers see beside a pack and nobody is given: why each count is masked.

    Args:
        certified: The release.
        reasons: What the gate did.
        changes: The table of what differs from the last publication, if there is one.
    """
    said = [] if changes is None else changes.to_dicts()
    why = reasons.masks.group_by("reason").len().sort("len", "reason", descending=[True, False])
    report = {
        "cells": sum(finding.cells for finding in certified.findings),
        "masks": dict(why.iter_rows()),
        "left_out": list(reasons.left_out),
        "changes": [
            f"{one['table']} {one['what']}: {one['before']} → {one['now']}" for one in said
        ],
        "populations": reasons.findings.to_dicts(),
    }
    return {
        REPORT_FILE: (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode(),
        MASKS_FILE: reasons.masks.write_csv().encode(),
    }


def data_as_at(con: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """Partner → the day up to which its data reach, of those that sent any."""
    days = con.execute(
        f"SELECT {', '.join(f'{one}_as_at' for one in PARTNERS)} FROM release_info"
    ).fetchall()[0]
    return {name: day for name, day in zip(PARTNERS, days, strict=True) if day is not None}


def _packed(
    con: duckdb.DuckDBPyConnection,
    certified: Certified,
    terms: Terms,
    public: Public,
    made_at: datetime,
    as_at: Mapping[str, date],
    after: date | None,
) -> Pack:
    """Everything that is public, with the new release, as a pack."""
    from warehouse.publish.about import about_tables
    from warehouse.publish.assemble import assemble, tables_of
    from warehouse.publish.published import read_published

    releases = (*public.releases, certified.release)
    counts = tables_of(releases)
    about = about_tables(
        con, counts["outcomes"], counts["funnel"], read_published(terms.published), terms.rule
    )
    return assemble(
        releases,
        before=public.releases,
        partnership=terms.partnership,
        contact=terms.contact,
        demonstration=terms.demonstration,
        made_at=made_at,
        as_at=as_at,
        definitions=_definitions(con, counts),
        about=about,
        next_due=after,
        newest=certified,
    )


def _definitions(
    con: duckdb.DuckDBPyConnection, counts: Mapping[str, pl.DataFrame]
) -> list[dict[str, str]]:
    """The definitions of what is shown: metrics, funnels and transitions."""
    shown = {*counts["outcomes"]["metric"], *counts["funnel"]["cohort"]}
    every = con.execute("SELECT * FROM metric ORDER BY metric").pl().to_dicts()
    return [
        {name: "" if value is None else str(value) for name, value in one.items()}
        for one in every
        if one["metric"] in shown
        or (one["kind"] == "transitions" and not counts["transitions"].is_empty())
    ]


def _now_and_then(tell: Tell, many: int) -> Tell:
    """Tell of every tenth part of some sets of counts, instead of each."""
    done = 0

    def one_more(_: str) -> None:
        nonlocal done
        done += 1
        if done * 10 // many > (done - 1) * 10 // many:
            tell(f"{done} of {max(done, many)} audited")

    return one_more


def _title(windows: Iterable[Window]) -> str:
    """What a draft is called: the windows that it adds."""
    labels = [one.label for one in sorted(set(windows))]
    if len(labels) <= MOST_NAMED:
        return f"Counts of {' and '.join(labels)}"
    return f"Counts of {len(labels)} windows, the last of them {labels[-1]}"


def _until(day: date | None, reached: date) -> str:
    """Why there is nothing to draft, and up to which day data are needed for there to be.

    Not when there will be: data that stopped coming reach no day, however often it has passed.
    """
    if day is None:
        return "Nothing new to publish: the data tell of no window to come."
    return (
        f"Nothing new to publish: the next window is complete once every partner's data reach "
        f"{day:%-d %B %Y}; they reach {reached:%-d %B %Y}."
    )
