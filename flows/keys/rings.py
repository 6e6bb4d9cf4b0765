"""The partnership's keys as flows use them: rings from their custody, data keys from beside stores.

Whoever runs a command needs only the ring that the command opens: an analyst the release ring, a
hub fed by sealed files no identifier ring at all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from flows.files import write_text
from flows.settings import Settings
from schemas.errors import KeyProblem, StoreError

if TYPE_CHECKING:
    from governance.keys.envelope import DataKeys
    from governance.keys.ring import KeyRing, Kind
    from governance.keys.root import PurposeKey
    from governance.keys.sources import KeySource

STORES = ("identity", "staging")
SUPPRESSION = "suppression"
"""The store of the tokens of people who objected or were erased."""

NEXT = "next_"
"""Before the name of a store of the key epoch that the partnership is crossing into."""

RELEASE = "warehouse"
CERTIFICATE = "certificate"
STORE_KEYS = "keys.json"
RELEASE_KEY = "key.json"
LEDGER, LEDGER_KEY = "ledger", "ledger-key.json"
REGISTER, REGISTER_ENTRY = "erasures", "erasure"


def ring_of(settings: Settings, kind: Kind) -> KeyRing:
    """A key ring of the partnership.

    Raises:
        KeyProblem: partnership.yaml names none of that kind, or it cannot be used.
    """
    from governance.keys.custody import load_ring

    return load_ring(source_of(settings, kind), kind)


def source_of(settings: Settings, kind: Kind) -> KeySource:
    """Where a key of the partnership is kept.

    Raises:
        KeyProblem: partnership.yaml names none of that kind.
    """
    source = settings.keys.source(kind)
    if source is None:
        raise KeyProblem(
            f"partnership.yaml names no {kind} key.",
            f"Add `{kind}` under `keys` and make it with `journeys keys new`.",
        )
    return source


def check_rings(settings: Settings) -> None:
    """Check every key that partnership.yaml names, and that no two are the same.

    Raises:
        KeyProblem: One cannot be used, is an old copy of a half, or two are the same.
    """
    from governance.keys.custody import refuse_stale
    from governance.keys.ring import refuse_shared

    for kind in settings.keys.named:
        refuse_stale(source_of(settings, kind), kind)
    refuse_shared([ring_of(settings, kind) for kind in settings.keys.named])


def key_check(key: PurposeKey) -> str:
    """A value that tells one identifier key from another and gives nothing else away."""
    return key.derive("key-check").hex()[:16]


def keyed_digest(settings: Settings, digest: str) -> str:
    """A digest of an extract that only who holds the store key can compare with a guess.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: The ledger key cannot be written.
    """
    return "keyed:" + hmac.new(_ledger_key(settings), digest.encode(), hashlib.sha256).hexdigest()


def clock_key(settings: Settings) -> bytes:
    """The secret by which each person's days are moved before their week is told.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: The ledger key cannot be written.
    """
    return hmac.digest(_ledger_key(settings), b"people's own clocks", "sha256")


def keep_ledger_key(settings: Settings) -> None:
    """Make the ledger key in the first run, before there is anything that it could have keyed.

    Raises:
        KeyProblem: It is missing from a partnership that has run, or the store key cannot be used.
        StoreError: It cannot be written.
    """
    _ledger_key(settings)


def _ledger_key(settings: Settings) -> bytes:
    """A random key, made in the first run and kept wrapped by the store key.

    So it is the same in every run, and after a rotation. It is never made anew: under another no
    extract would be known again, no entry of the register could be read, and weeks would move.
    """
    path = settings.folder / LEDGER_KEY
    if path.exists():
        keys = _open(path, LEDGER, "store", settings)
    elif settings.stores.is_dir() and any(settings.stores.iterdir()):
        raise KeyProblem(
            f"The file {LEDGER_KEY} is missing from the partnership folder.",
            "Put it back from a backup of this folder; nothing was changed.",
        )
    else:
        keys = _new(path, LEDGER, (LEDGER,), "store", settings)
    return bytes.fromhex(keys[LEDGER])


def new_store_keys(
    settings: Settings, run_id: str, carried: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Make the data keys of a run's stores and keep them, wrapped, beside where the stores go.

    Args:
        settings: The partnership.
        run_id: The run.
        carried: The data keys of stores that are carried over from another run, by name.
    """
    names = (*STORES, SUPPRESSION, *(f"{NEXT}{name}" for name in STORES))
    path = settings.stores / run_id / STORE_KEYS
    return _new(path, _stores_place(run_id), names, "store", settings, carried)


def store_keys(settings: Settings, run_id: str) -> Mapping[str, str]:
    """The data keys of a run's stores, by name, as DuckDB takes them.

    Raises:
        KeyProblem: The store key cannot be used, or is not the one they were wrapped with.
        StoreError: They are missing.
    """
    path = settings.stores / run_id / STORE_KEYS
    return _open(path, _stores_place(run_id), "store", settings)


def new_release_key(settings: Settings, run_id: str) -> str:
    """Make the data key of a run's release and keep it, wrapped, beside where the release goes."""
    path = settings.releases / run_id / RELEASE_KEY
    return _new(path, _release_place(run_id), (RELEASE,), "release", settings)[RELEASE]


def carry_release_key(settings: Settings, before: str, run_id: str) -> None:
    """Keep the data key of a run's release beside where another run's goes that is the same.

    Raises:
        KeyProblem: The release key cannot be used, or is not the one it was wrapped with.
        StoreError: The data key is missing, or cannot be written.
    """
    kept = {RELEASE: release_key(settings, before)}
    path = settings.releases / run_id / RELEASE_KEY
    _keep(path, _release_place(run_id), kept, "release", settings)


def release_key(settings: Settings, run_id: str) -> str:
    """The data key of a run's release, as DuckDB takes it.

    Raises:
        KeyProblem: The release key cannot be used, or is not the one it was wrapped with.
        StoreError: It is missing.
    """
    path = settings.releases / run_id / RELEASE_KEY
    return _open(path, _release_place(run_id), "release", settings)[RELEASE]


def new_certificate_keys(settings: Settings, draft_id: str) -> DataKeys:
    """Make the data key of a draft's certificates and keep it, wrapped by the release key."""
    from governance.keys.envelope import DataKeys

    place = _certificates_place(draft_id)
    path = settings.certificates / draft_id / RELEASE_KEY
    return DataKeys(place, _new(path, place, (CERTIFICATE,), "release", settings))


def certificate_keys(settings: Settings, draft_id: str) -> DataKeys:
    """The data key of a draft's certificates.

    Raises:
        KeyProblem: The release key cannot be used, or is not the one it was wrapped with.
        StoreError: It is missing.
    """
    from governance.keys.envelope import DataKeys

    place = _certificates_place(draft_id)
    path = settings.certificates / draft_id / RELEASE_KEY
    return DataKeys(place, _open(path, place, "release", settings))


def register_keys(settings: Settings) -> DataKeys:
    """The key of the register of erasures: the same in every backup of the partnership folder.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: The ledger key cannot be written.
    """
    from governance.keys.envelope import DataKeys

    key = hmac.digest(_ledger_key(settings), b"register of erasures", "sha256")
    return DataKeys(REGISTER, {REGISTER_ENTRY: key.hex()})


def rewrap(settings: Settings, kind: Kind, run_ids: Iterable[str]) -> int:
    """Wrap the data keys of runs anew with the newest root of their ring.

    Args:
        settings: The partnership.
        kind: `store` or `release`.
        run_ids: The runs whose stores or releases there are.

    Returns:
        How many files were written.

    Raises:
        KeyProblem: A file cannot be opened with any root of the ring.
    """
    from governance.keys.envelope import unwrap, wrap

    ring, written = ring_of(settings, kind), 0
    for path, place in _kept(settings, kind, run_ids):
        write_text(path, wrap(unwrap(path.read_text("utf-8"), place, ring), ring))
        written += 1
    return written


def wrapped_in(settings: Settings, kind: Kind, run_ids: Iterable[str]) -> set[int]:
    """The epochs that the data keys of runs are wrapped in."""
    from governance.keys.envelope import wrapped_in

    kept = _kept(settings, kind, run_ids)
    return {wrapped_in(path.read_text("utf-8")) for path, _ in kept}


def _kept(settings: Settings, kind: Kind, run_ids: Iterable[str]) -> list[tuple[Path, str]]:
    """The files of data keys that a ring wraps, and the place each belongs to."""
    kept: list[tuple[Path, str]] = []  # the other kinds wrap nothing that is kept
    if kind == "store":
        kept = [(settings.stores / one / STORE_KEYS, _stores_place(one)) for one in run_ids]
        kept.append((settings.folder / LEDGER_KEY, LEDGER))
    elif kind == "release":
        kept = [(settings.releases / one / RELEASE_KEY, _release_place(one)) for one in run_ids]
        keys = sorted(settings.certificates.glob(f"*/{RELEASE_KEY}"))
        kept += [(path, _certificates_place(path.parent.name)) for path in keys]
    return [(path, place) for path, place in kept if path.is_file()]


def _stores_place(run_id: str) -> str:
    return f"stores/{run_id}"


def _release_place(run_id: str) -> str:
    return f"releases/{run_id}"


def _certificates_place(draft_id: str) -> str:
    return f"certificates/{draft_id}"


def _new(
    path: Path,
    place: str,
    names: tuple[str, ...],
    kind: Kind,
    settings: Settings,
    carried: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    from governance.keys.envelope import new_data_keys

    keys = {**new_data_keys(place, names).keys, **carried}
    _keep(path, place, keys, kind, settings)
    return keys


def _keep(path: Path, place: str, keys: Mapping[str, str], kind: Kind, settings: Settings) -> None:
    from governance.keys.envelope import DataKeys, wrap

    write_text(path, wrap(DataKeys(place, keys), ring_of(settings, kind)))


def _open(path: Path, place: str, kind: Kind, settings: Settings) -> Mapping[str, str]:
    from governance.keys.envelope import unwrap

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise StoreError(
            f"The data keys of {place} are missing.",
            "Restore that folder from its backup: without its data keys a store cannot be opened.",
        ) from None
    return unwrap(text, place, ring_of(settings, kind)).keys
