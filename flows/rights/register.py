"""The register of erasures: what was taken out, kept where a restored backup does not reach.

A partnership folder that is put back from before an erasure brings the people back, and its control
database knows of no erasure. So every erasure and every partner taken out is entered in a folder
outside, one file each: in the clear its id and when it was applied, and sealed, under a key that
only the store key opens, the request with its suppression tokens. Where an entry is there that the
control database does not know, releases are not read, and the next run applies it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.clock import Clock
from flows.context import actor
from flows.files import private_folder, write_private
from flows.keys.rings import REGISTER_ENTRY, SUPPRESSION, register_keys, store_keys
from flows.retention.contribution import finish_removals
from flows.retention.rewriting import rewritten
from flows.rights.suppressed import store_path, tokens_kept
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, Removal, RightsCase, RightsRequest
from schemas.errors import JourneysError, StoreError

if TYPE_CHECKING:
    import polars as pl

FORMAT = "cohort-journeys-erasure-1"


WAS_PUT_BACK = (
    "This folder was put back from before an erasure, so people who were erased are in it."
)
ERASE_AGAIN = "Run `journeys run`, which erases them again."


class PutBack(JourneysError):
    """The folder was put back from before an erasure: people who were erased are in it."""


@dataclass(frozen=True)
class Entry:
    """One entry of the register.

    Attributes:
        kind: `erasure`, or `removal` of a partner.
        id: The request's id; of a removal the partner and the moment it was begun.
        at: When it was applied or begun.
        ended: Whether it no longer holds: the request was lifted.
        sealed: The request with its tokens, encrypted; empty of a removal or where it ended.
    """

    kind: str
    id: str
    at: str
    ended: bool = False
    sealed: str = ""

    def text(self) -> str:
        """The entry as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"


def enter(settings: Settings, control: Control) -> int:
    """Enter what was applied or taken out and is not in the register; mark what no longer holds.

    Returns:
        How many entries were written.

    Raises:
        StoreError: One cannot be written, or the suppression tokens cannot be read.
        KeyProblem: The store key cannot be used.
    """
    folder = _folder(settings, control)
    if folder is None:
        return 0
    known, live = entries(settings, control), {one.request_id for one in control.live_requests()}
    applied = [one for one in control.rights_requests() if one.applied_run is not None]
    coming = [one for one in applied if one.request_id in live and one.request_id not in known]
    new = [_removal_entry(one) for one in control.removals() if _id_of(one) not in known]
    if coming:
        new += _erasure_entries(settings, control, coming)
    given = {one.request_id for one in applied}
    lifted = [one for one in known.values() if one.id in given - live and not one.ended]
    new += [Entry(one.kind, one.id, one.at, ended=True) for one in lifted]
    for one in new:
        private_folder(folder.parent)
        private_folder(folder)
        write_private(folder / f"{one.kind}-{one.id}.json", one.text().encode())
    return len(new)


def keep_folder(settings: Settings, control: Control) -> None:
    """Have the folder of the register there, empty too: a restore looks whether it is.

    Raises:
        StoreError: It cannot be made.
    """
    folder = _folder(settings, control)
    if folder is not None:
        private_folder(folder.parent)
        private_folder(folder)


def is_at_hand(settings: Settings, control: Control) -> bool:
    """Whether the register is where it belongs; a partnership that never ran needs none."""
    folder = _folder(settings, control)
    return folder is None or folder.is_dir()


def entries(settings: Settings, control: Control) -> dict[str, Entry]:
    """What is in the register, by its id.

    Raises:
        StoreError: An entry cannot be read.
    """
    folder = _folder(settings, control)
    if folder is None:
        return {}
    read = [_read(path) for kind in ("erasure", "removal") for path in _files(folder, kind)]
    return {one.id: one for one in read}


def unknown(settings: Settings, control: Control) -> list[Entry]:
    """The entries that the control database does not know to be applied, oldest first."""
    applied = {one.request_id for one in control.rights_requests() if one.applied_run is not None}
    applied |= {_id_of(one) for one in control.removals()}
    found = entries(settings, control).values()
    return sorted(
        (one for one in found if not one.ended and one.id not in applied), key=lambda one: one.at
    )


def check_not_put_back(settings: Settings, control: Control) -> None:
    """Refuse to read or hand out what was put back from before an erasure.

    Raises:
        PutBack: It was.
    """
    if unknown(settings, control):
        raise PutBack(WAS_PUT_BACK, ERASE_AGAIN)


def put_back(settings: Settings, control: Control, clock: Clock) -> int:
    """Have the next run apply again what the control database does not know. Hold the lock.

    Returns:
        How many entries it did not know.

    Raises:
        StoreError: The folder was put back from an earlier key epoch than the erasure was made in,
            or a store cannot be read or written.
        KeyProblem: The store key that the register is sealed with is not there.
    """
    missing = unknown(settings, control)
    erased = [_opened(settings, one) for one in missing if one.kind == "erasure"]
    if erased:
        _put_tokens(settings, control, erased)
        for request, case, _ in erased:
            entry = _entry(settings, clock, request.partner, {"request": request.request_id})
            control.put_back_request(request, case, entry)
    for one in missing:
        if one.kind == "removal":
            _take_out_again(settings, control, one, clock)
    return len(missing)


def put_in_line(settings: Settings, control: Control, clock: Clock) -> None:
    """Before anything else is done with a folder: finish what was begun of taking partners out.

    What the register knows and the control database does not is taken up again first, and what the
    control database knows and the register does not is entered. Hold the lock.

    Raises:
        StoreError: A store or the register cannot be read or written.
        KeyProblem: The store key cannot be used.
    """
    put_back(settings, control, clock)
    finish_removals(settings, control, clock)
    enter(settings, control)


Opened = tuple[RightsRequest, RightsCase | None, "pl.DataFrame"]


def _take_out_again(settings: Settings, control: Control, entry: Entry, clock: Clock) -> None:
    """Record once more that a partner was taken out."""
    current, partner = control.current_run(), entry.id.split("-", 1)[0]
    if current is not None:
        at, why = datetime.fromisoformat(entry.at), "taken out before the folder was put back"
        removal = Removal(partner, current.run_id, at, actor(), why)
        control.begin_removal(removal, _entry(settings, clock, partner, {"taken out": why}))


def _entry(settings: Settings, clock: Clock, partner: str, detail: Mapping[str, str]) -> Any:
    said = {**detail, "said": "put back, to be applied again"}
    return Recorder(actor(), settings.purpose).entry(
        "alteration", clock(), partner=partner, detail=said
    )


def _put_tokens(settings: Settings, control: Control, erased: list[Opened]) -> None:
    """Put the tokens of requests into the suppression store of the current run."""
    import polars as pl

    from governance.rights.tokens import add_tokens, create, keep_requests, read_tokens

    current = control.current_run()
    path = None if current is None else store_path(settings, current.run_id)
    if current is None or path is None or not path.is_file():
        raise StoreError(
            "This folder was put back from before an erasure, and has no store to apply it in.",
            "Put back a newer backup.",
        )
    behind = [one for one in erased if current.key_epoch not in set(one[2]["epoch"])]
    if behind:
        raise StoreError(
            f"This folder was put back from key epoch {current.key_epoch}, and {len(behind)} "
            "erasures were made in a newer one, so those people cannot be found in it.",
            "Put back a backup from after the last rotation of the identifier key.",
        )
    with rewritten(path, store_keys(settings, current.run_id)[SUPPRESSION]) as connection:
        create(connection)
        keep_requests(connection, [one.request_id for one in control.rights_requests()])
        there = read_tokens(connection)
        coming = pl.concat([tokens for _, _, tokens in erased]).unique(["value_id", "epoch"])
        add_tokens(connection, coming.join(there, on=["value_id", "epoch"], how="anti"))


def _erasure_entries(
    settings: Settings, control: Control, applied: list[RightsRequest]
) -> list[Entry]:
    """Entries of requests that were applied; those that keep nobody out have no tokens and none."""
    from governance.keys.envelope import encrypt

    tokens, cases = tokens_kept(settings, control), control.rights_cases()
    keys, made = register_keys(settings), []
    for request in applied:
        own = tokens.filter(request_id=request.request_id)
        if own.is_empty() or request.applied_run is None:
            continue
        case = cases.get(request.request_id)
        said = {
            "request": asdict(request),
            "case": None if case is None else asdict(case),
            "tokens": own.to_dict(as_series=False),
        }
        content = json.dumps(said, default=lambda one: one.isoformat()).encode()
        run = control.run(request.applied_run)
        at = request.received_at if run is None else run.started_at
        sealed = encrypt(content, keys, REGISTER_ENTRY).hex()
        made.append(Entry("erasure", request.request_id, at.isoformat(), sealed=sealed))
    return made


def _opened(settings: Settings, entry: Entry) -> Opened:
    """A request as it is to be put back, with its legal side and its tokens."""
    import polars as pl

    from governance.keys.envelope import decrypt
    from governance.rights.suppression import TOKEN_SCHEMA

    said = json.loads(decrypt(bytes.fromhex(entry.sealed), register_keys(settings), REGISTER_ENTRY))
    waiting = {**_moments(said["request"]), "applied_run": None, "records": None}
    case = None if said["case"] is None else RightsCase(**_moments(said["case"]))
    return RightsRequest(**waiting), case, pl.DataFrame(said["tokens"], schema=TOKEN_SCHEMA)


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


def _removal_entry(removal: Removal) -> Entry:
    return Entry("removal", _id_of(removal), removal.begun_at.isoformat())


def _id_of(removal: Removal) -> str:
    return f"{removal.partner}-{removal.begun_at:%Y%m%d-%H%M%S-%f}"


def _folder(settings: Settings, control: Control) -> Path | None:
    """Where the register of this partnership is, whose first run every backup of it knows.

    Another partnership that is begun in the folder of an old one has a register of its own.
    """
    first = control.first_run()
    if settings.retention.erasures is None or first is None:
        return None
    return settings.retention.erasures / first


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*.json"))


def _read(path: Path) -> Entry:
    try:
        said = json.loads(path.read_text("utf-8"))
        if said.pop("format") == FORMAT:
            return Entry(**said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StoreError(
        "An entry of the register of erasures cannot be read.",
        "Put the folder that `retention: erasures` names back from its own backup.",
    ) from None
