"""What the register of erasures says of requests: sealed once they are applied, opened again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from flows.committed import opened_store
from flows.keys.rings import REGISTER_ENTRY, register_keys
from flows.rights.register_files import Entry
from flows.rights.requests import LINK
from flows.rights.suppressed import tokens_kept
from flows.settings import Settings
from governance.control import Control, RightsCase, RightsRequest

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Opened:
    """A request as it is to be put back.

    Attributes:
        request: The request, as one that waits.
        case: Its legal side.
        epochs: The key epochs that it can be applied in.
        tokens: Its suppression tokens; None where it put links right.
        pairs: The records that it put apart, lower id first.
        officer: Who decided that they are of different people.
    """

    request: RightsRequest
    case: RightsCase | None
    epochs: frozenset[int]
    tokens: pl.DataFrame | None = field(default=None, repr=False)
    pairs: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    officer: str = ""


def sealed_entries(
    settings: Settings, control: Control, applied: Sequence[RightsRequest]
) -> list[Entry]:
    """Entries of requests that were applied.

    One that keeps nobody out and put nothing apart has none.

    Raises:
        StoreError: A store cannot be read.
        KeyProblem: The store key cannot be used.
    """
    tokens, cases = tokens_kept(settings, control), control.rights_cases()
    made = []
    for request in applied:
        own = tokens.filter(request_id=request.request_id)
        if request.right == LINK:
            kind, said = "apart", _put_apart(settings, control, request)
        else:
            kind, said = (
                "erasure",
                {} if own.is_empty() else {"tokens": own.to_dict(as_series=False)},
            )
        if said:
            case = cases.get(request.request_id)
            said |= {"request": asdict(request), "case": None if case is None else asdict(case)}
            made.append(_sealed(settings, control, kind, request, said))
    return made


def opened_entry(settings: Settings, entry: Entry) -> Opened:
    """A request as it is to be put back.

    Raises:
        KeyProblem: The store key that the register is sealed with is not there.
    """
    import polars as pl

    from governance.keys.envelope import decrypt
    from governance.rights.suppression import TOKEN_SCHEMA

    said = json.loads(decrypt(bytes.fromhex(entry.sealed), register_keys(settings), REGISTER_ENTRY))
    request = RightsRequest(**{**_moments(said["request"]), "applied_run": None, "records": None})
    case = None if said["case"] is None else RightsCase(**_moments(said["case"]))
    if "tokens" not in said:
        pairs = tuple((one, other) for one, other in said["pairs"])
        return Opened(request, case, frozenset({said["epoch"]}), None, pairs, said["officer"])
    tokens = pl.DataFrame(said["tokens"], schema=TOKEN_SCHEMA)
    return Opened(request, case, frozenset(tokens["epoch"]), tokens)


def decided_at(request: RightsRequest) -> datetime:
    """When the pairs of a request were decided, as the identity store has it."""
    return request.received_at.astimezone(UTC).replace(tzinfo=None)


def _put_apart(settings: Settings, control: Control, request: RightsRequest) -> dict[str, Any]:
    """The pairs that a request put apart, in the epoch of the stores; nothing if none is left."""
    from linkage.review_store import rectified_at

    current = control.current_run()
    if current is None:
        return {}
    with opened_store(settings, current.run_id, "identity") as connection:
        pairs = rectified_at(connection, decided_at(request))
    if not pairs:
        return {}
    said = [(one, other) for one, other, _ in pairs]
    return {"pairs": said, "officer": pairs[0][2], "epoch": current.key_epoch}


def _sealed(
    settings: Settings,
    control: Control,
    kind: str,
    request: RightsRequest,
    said: Mapping[str, Any],
) -> Entry:
    from governance.keys.envelope import encrypt

    content = json.dumps(said, default=lambda one: one.isoformat()).encode()
    run = control.run(request.applied_run or "")
    at = request.received_at if run is None else run.started_at
    sealed = encrypt(content, register_keys(settings), REGISTER_ENTRY).hex()
    return Entry(kind, request.request_id, at.isoformat(), sealed=sealed)


def _moments(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it was, with its days, moments and tuples."""

    def one(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)
        if isinstance(value, str) and name.endswith("_at"):
            return datetime.fromisoformat(value)
        return (
            date.fromisoformat(value) if isinstance(value, str) and name.endswith("_on") else value
        )

    return {name: one(name, value) for name, value in row.items()}
