"""Sealed files that are signed as they should be, and hold or say something else than they may."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from at_source import Desk, deliver

from flows.clock import utc_now
from flows.ingest import agree, encode, pull
from flows.intake.encoding import Encoded
from flows.intake.payload import pack, unpack
from flows.keys.rings import ring_of
from flows.refresh import begun_run, run_refresh
from flows.safe_errors import Rejected
from governance.keys.bundle import Bundle
from governance.pseudonymise import Pseudonymised
from governance.sealing import payload_digest, read_manifest, seal, unseal

if TYPE_CHECKING:
    from conftest import Partnership

Make = Callable[[pl.DataFrame], pl.DataFrame]


def refused(partnership: Partnership, said: str, partner: str = "police") -> None:
    """The run is refused in one sentence about the partner, and nothing has changed."""
    before = partnership.kept()
    with pytest.raises(Rejected) as caught:
        run_refresh(partnership.settings)
    _is_told(caught.value, said, partner)
    assert partnership.kept() == before


def _is_told(refusal: Rejected, said: str, partner: str) -> None:
    assert set(refusal.problems) == {partner}
    (problem,) = refusal.problems[partner]
    assert said in str(problem), str(problem)


def each_refused(
    partnership: Partnership, cases: Iterable[tuple[Callable[[], object], str]]
) -> None:
    """Each of these is refused at intake, as `refused` says, and nothing has changed in the end.

    The police's file is put there by the first of each two and looked at as a run begins; after the
    first case all are looked at by one run, which then is refused for the last.
    """
    (put_there, said), *others = cases
    put_there()
    refused(partnership, said)
    before = partnership.kept()
    with pytest.raises(Rejected), begun_run(partnership.settings, None, utc_now) as run:
        for put_there, said in others:
            put_there()
            with pytest.raises(Rejected) as caught:
                encode(run, agree(run, pull(run)))
            _is_told(caught.value, said, "police")
        raise caught.value
    assert partnership.kept() == before


def resealed(
    partnership: Partnership,
    desk: Desk,
    *,
    change: Callable[[Encoded], Encoded] = lambda encoded: encoded,
    packed: Callable[[bytes], bytes] = lambda payload: payload,
    bundle: Bundle | None = None,
    **said: Any,
) -> Path:
    """A sealed file that is signed as it should be, but holds or says something else."""
    path, own = partnership.folder / "inbox" / desk.partner / "delivery.sealed", desk.bundle
    content = _sound(partnership.folder, desk)
    manifest = read_manifest(content, own.verifying)
    payload = unseal(content, manifest, ring_of(partnership.settings, "seal"))
    payload = packed(pack(change(unpack(payload))))
    manifest = replace(manifest, **{"digest": payload_digest(payload), "size": len(payload)} | said)
    used = bundle or own
    path.write_bytes(seal(payload, manifest, hub=used.hub, signing=used.signing))
    return path


@functools.cache
def _sound(folder: Path, desk: Desk) -> bytes:
    """What a desk sealed when it was first asked; it sends the same extract every time."""
    return (desk.sound if desk.sound.exists() else deliver(folder, desk)).read_bytes()


def part_of(encoded: Encoded) -> Pseudonymised:
    """Its encodings and events in the first epoch."""
    return next(iter(encoded.parts.values()))


def with_part(given: Encoded, **changed: Any) -> Encoded:
    """The extract with other encodings or events."""
    ((epoch, part),) = given.parts.items()
    return replace(given, parts={epoch: replace(part, **changed)})


def with_encodings(given: Encoded, make: Make) -> Encoded:
    """The extract with encodings that were changed."""
    return with_part(given, encoded=make(part_of(given).encoded))


def with_events(given: Encoded, table: str, make: Make) -> Encoded:
    """The extract with events of a table that were changed."""
    events = part_of(given).events
    return with_part(given, events=events | {table: make(events[table])})


def with_facts(given: Encoded, **changed: Any) -> Encoded:
    """The extract with something else told of it."""
    return replace(given, facts=replace(given.facts, **changed))
