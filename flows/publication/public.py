"""What is public: the certified releases of every publication, in the order of publication."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.settings import Settings
from governance.control import Control, DraftRelease, Publication
from schemas.errors import JourneysError, StoreError

if TYPE_CHECKING:
    from governance.disclosure.release import Release
    from warehouse.publish.making import Public
    from warehouse.publish.one_off import Declared


PREFIX = "table-"
"""How the ids of single tables begin."""


def place(settings: Settings, publication: Publication) -> Path:
    """Where a publication is."""
    return settings.publications / publication.publication_id


def what_is_public(settings: Settings, control: Control) -> Public:
    """Every release that is still public, and what was withdrawn.

    Raises:
        StoreError: A publication is missing, was changed, or was made without certified releases:
            nothing can be set beside it then.
    """
    from warehouse.publish.making import Public

    withdrawn = control.withdrawn_releases()
    closed = {one.publication_id for one in control.withdrawals() if not one.count_again}
    return Public(
        releases=tuple(
            release
            for publication in reversed(control.publications())
            for release in _released(
                place(settings, publication), control.draft_releases(publication.run_id)
            )
        ),
        withdrawn=tuple(release.digest for _, release in withdrawn),
        tables=_tables(settings, control),
        closed=tuple(
            release
            for one in sorted(closed)
            for release in _released(
                settings.withdrawn / one, [row for said, row in withdrawn if said == one]
            )
        ),
    )


def _tables(settings: Settings, control: Control) -> tuple[Declared, ...]:
    """The tables of analysts that are public, as their drafts declare them."""
    from warehouse.publish.folder import FOR_APPROVERS
    from warehouse.publish.one_off import DECLARED_FILE, Declared

    tables = []
    for publication in control.publications():
        if not publication.publication_id.startswith(PREFIX):
            continue
        path = settings.drafts / publication.run_id / FOR_APPROVERS / DECLARED_FILE
        try:
            tables.append(Declared.model_validate_json(path.read_text("utf-8")))
        except (OSError, ValueError):
            raise StoreError(
                f"What the published table {publication.publication_id} counts is not known any "
                "more, so nothing can be published beside it.",
                f"Put drafts/{publication.run_id} back from its backup, or withdraw the table.",
            ) from None
    return tuple(tables)


def public_digests(control: Control) -> list[str]:
    """The digests of every release that is still public, in the order of publication."""
    return [one.digest for _, one in control.public_releases()]


def _released(folder: Path, rows: Sequence[DraftRelease]) -> tuple[Release, ...]:
    """The releases that a publication added, as its folder tells of them."""
    from warehouse.publish.release_file import read_releases

    new: tuple[Release, ...] = ()
    try:
        new = read_releases(folder).new
    except JourneysError:
        new = ()
    if not rows or [one.digest for one in new] != [one.digest for one in rows]:
        raise StoreError(
            f"The publication {folder.name} is missing, was changed, or holds no certified "
            "release, so nothing can be published beside it.",
            "Put it back from its backup, or withdraw it with `journeys publish --withdraw ID "
            "--reason WHY --count-again`.",
        )
    return new


def is_fresh(settings: Settings, control: Control, draft_id: str) -> bool:
    """Whether a draft was set beside all that is public now, and of nobody who went since.

    One that was made before another publication, or before one was withdrawn, can never be
    published: it was not checked against what a reader has today.
    """
    from warehouse.publish.folder import PACK
    from warehouse.publish.release_file import read_releases

    try:
        told = read_releases(settings.drafts / draft_id / PACK)
    except JourneysError:
        return False
    counted = {one.counted_run for one in control.draft_releases(draft_id)}
    if counted & control.runs_of_the_past():
        return False
    before = [one.digest for one in told.releases[: len(told.releases) - len(told.new)]]
    return before == public_digests(control)
