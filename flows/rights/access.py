"""Subject access: what is held of one person, in an encrypted file for who answers the person.

It is for the officer of the controller that answers, never for the partner that passed the request
on: that one would learn where else the person is known. The rows of other people of a household are
left out, and so is all of a partner that declares a ground for withholding it. Nothing is written
but the encrypted file, and its key beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from flows.clock import Clock, utc_now
from flows.committed import opened_store
from flows.context import actor, open_control, run_lock
from flows.files import flush, make_folder, write_private
from flows.readers.role_files import check_place, key_path, recipient, unless_given
from flows.rights.cases import opened_case, terms_of
from flows.rights.finding import find, persons_met, records_of
from flows.rights.register import check_not_put_back
from flows.rights.requests import current_run, problem_of, read_asked, repeated, request_tokens
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import AuditEntry, Control, RightsCase, Run
from governance.rights import law
from schemas.errors import ConfigError, ExtractRejected

if TYPE_CHECKING:
    import polars as pl

    from governance.agreements import Agreement

ACCESS = "access"

LINKED = ["record_id_l", "record_id_r", "match_weight"]
BY_ALL = "all that is known of both"
BY_INITIALS = "initials, date of birth, sex and area: the one person whom they clearly fit"
"""How a link was found. The second is of the whole of what one has with the whole of the other, so
it stands between the first record of each."""

ABOUT = (
    "This is what the partnership holds of one person, for the officer who answers the person.",
    "Identifiers such as names were replaced with keyed encodings when the records came in, and "
    "were not kept. The encodings and keys that stand for them mean nothing outside the hub.",
    "That records are one person's was found by automated means; the table link says how sure. No "
    "decision about the person is made by it: the data serve statistics and planning.",
    "Rows of other people of a household are left out. The table withheld says what else is, on "
    "which ground; whether the person may be told that is for the officer (DPA 2018 section 45).",
    "The person may have wrong records or links put right, may ask for erasure or object where the "
    "law gives that right, and may complain to the Information Commissioner.",
)


@dataclass(frozen=True)
class Answer:
    """An answer to a subject access request.

    Attributes:
        request_id: Its id.
        file: The encrypted file.
        key: Its key, in a file of its own.
        due_on: The last day on which the person may be given it.
        tables: Staging table → rows in the file.
        withheld: Partner → the code of the ground on which its records are left out.
    """

    request_id: str
    file: Path
    key: Path
    due_on: date
    tables: dict[str, int]
    withheld: dict[str, str]


def answer(
    settings: Settings,
    partner: str,
    path: Path,
    to: str,
    out: Path,
    *,
    withhold: Mapping[str, str] | None = None,
    received: date | None = None,
    clock: Clock = utc_now,
) -> Answer:
    """Write what is held of one person into an encrypted file, and its key beside it.

    Args:
        settings: The partnership.
        partner: Whose officer passed the request on.
        path: Its file: one line, with identifiers of the person.
        to: The officer who is given the answer.
        out: Where the file is to be; in a folder that is there it has the request's id for a name.
        withhold: Partner → the ground on which it has its records left out.
        received: The day on which the person asked, today if None.
        clock: The clock.

    Raises:
        ExtractRejected: The file cannot be used or is not of one person, nobody is known by it, or
            it is not sure that all that is linked is theirs.
        ConfigError: There is no such partner or ground, or no such place to write to.
        KeyProblem: A file is there already, or a key cannot be used.
        StoreError: There is no run to look in, or a store cannot be read.
        PutBack: The folder was put back from before an erasure.
    """
    given_to, grounds = recipient(to), _grounds(settings, partner, withhold or {})
    in_folder = out.is_dir()
    if not in_folder:
        _check_places(out)
    with run_lock(settings), open_control(settings) as control:
        check_not_put_back(settings, control)
        current = current_run(control)
        request_id, asked = read_asked(settings, partner, path, clock)
        if in_folder:
            out = out / f"answer-{request_id[:8]}.duckdb"
            _check_places(out)
        case = opened_case(request_id, ACCESS, partner, received, None, clock)
        tokens = request_tokens(request_id, asked, current.key_epoch)
        found = find(settings, current, partner, asked.people, tokens)
        problem = problem_of(found, False) or repeated(control, request_id) or _not_one(found)
        if problem is not None:
            control.add_audit(_entry(settings, case, current, clock, {"said": "refused"}))
            raise problem
        persons = persons_met(settings, current.run_id, current.key_epoch or 0, tokens)
        shown = [one for one in settings.partners if one not in grounds]
        held = _held(settings, current, persons, shown)
        told = _told(settings, control, request_id, current, shown, grounds, clock())
        key = token_bytes(32).hex()
        with unless_given(out):
            _write(out, key, told | held)
            detail: dict[str, int | str] = {"said": "answered"}
            detail["rows"] = sum(one.height for one in held.values())
            detail["file"] = "sha256:" + hashlib.sha256(out.read_bytes()).hexdigest()
            control.add_audit(_entry(settings, case, current, clock, {"said": "looked up"}))
            entry = _entry(settings, case, current, clock, detail, "disclosure", given_to)
            control.add_request(None, entry, case)
            write_private(key_path(out), f"{key}\n".encode())
    tables = {name: frame.height for name, frame in held.items()}
    return Answer(request_id, out, key_path(out), case.due_on, tables, grounds)


def _check_places(out: Path) -> None:
    for place in (out, key_path(out)):
        check_place(place)


def _grounds(settings: Settings, partner: str, withhold: Mapping[str, str]) -> dict[str, str]:
    """The grounds on which partners have their records left out, each checked.

    Raises:
        ConfigError: There is no such partner, or it is no ground to withhold its records.
    """
    if {partner, *withhold} - set(settings.partners):
        raise ConfigError(
            "There is no such partner.", f"Name one of {', '.join(settings.partners)}."
        )
    for name, code in withhold.items():
        regime = law.regime_of(under_part_3=terms_of(settings, name).under_part_3)
        if code not in law.grounds_for(ACCESS, regime):
            raise ConfigError(
                f"There is no such ground to withhold the records of {name}.",
                f"Name one of {', '.join(law.grounds_for(ACCESS, regime))}.",
            )
    return dict(withhold)


def _not_one(found: Any) -> ExtractRejected | None:
    """Why an answer would not be of one person and nobody else."""
    if found.people != 1 or found.known != 1:
        return ExtractRejected(
            "An answer is of one person.",
            "Give one line for the person, and each person's request by itself.",
        )
    if found.mixed:
        return ExtractRejected(
            "Linked records differ in a strong id, so somebody else's may be among them.",
            "Have the links looked at, and wrong ones put apart with `journeys rights rectify "
            "--what link`; run; then answer.",
        )
    return None


def _held(
    settings: Settings, current: Run, persons: pl.DataFrame, shown: Iterable[str]
) -> dict[str, pl.DataFrame]:
    """The rows of the shown partners' tables, and how the records in them were linked."""
    import polars as pl

    from linkage import erasure, store
    from warehouse.erasure import read_rows, rows_about, staged_keys

    with opened_store(settings, current.run_id, "identity") as connection:
        marked = erasure.read_marks(connection).select("record_id", "partner")
        theirs = records_of(settings, current.run_id, persons).join(marked, on="record_id")
        kept, attached = store.read_kept(connection), store.read_attached(connection)
    theirs = theirs.filter(pl.col("partner").is_in(list(shown)))
    records = theirs["record_id"]
    found: dict[str, pl.DataFrame] = {}
    with opened_store(settings, current.run_id, "staging") as connection:
        for partner in shown:
            keys = staged_keys(connection, partner)
            found |= read_rows(connection, rows_about(partner, keys, records))
    if kept is not None:
        compared = kept.pairs.filter("linked").select(LINKED)
        links = [
            frame.select(LINKED).with_columns(found_by=pl.lit(how))
            for frame, how in ((compared, BY_ALL), (attached, BY_INITIALS))
        ]
        found["link"] = _links(pl.concat(links), theirs)
    return found


def _links(pairs: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """The links between a person's records, how each was found, and how sure it is."""
    import polars as pl

    whose = theirs.select("record_id", "partner")
    odds = 2.0 ** pl.col("match_weight").clip(-50, 50)
    return (
        pairs.join(whose, left_on="record_id_l", right_on="record_id")
        .join(whose, left_on="record_id_r", right_on="record_id", suffix="_r")
        .select(
            "record_id_l",
            pl.col("partner").alias("partner_l"),
            "record_id_r",
            "partner_r",
            "match_weight",
            "found_by",
            odds_to_one=odds,
        )
        .sort("record_id_l", "record_id_r")
    )


def _told(
    settings: Settings,
    control: Control,
    request_id: str,
    current: Run,
    shown: Iterable[str],
    grounds: Mapping[str, str],
    now: datetime,
) -> dict[str, pl.DataFrame]:
    """What is said beside the rows: why they are held, from and for whom, and what is left out."""
    import polars as pl

    words = ("made_at", f"{now:%Y-%m-%d}"), ("request", request_id), ("run", current.run_id)
    about = [*words, *(("said", sentence) for sentence in ABOUT)]
    sources = [_source(settings, terms_of(settings, partner)) for partner in shown]
    withheld = [
        (partner, code, law.grounds()[code].provision, law.grounds()[code].label)
        for partner, code in grounds.items()
    ]
    disclosed = [
        (f"{one.at:%Y-%m-%d}", one.recipients, one.purpose)
        for one in control.audit_entries("disclosure")
        if one.detail.get("right") != ACCESS
    ]
    return {
        "about": pl.DataFrame(about, schema=_texts("item", "words"), orient="row"),
        "source": pl.DataFrame(sources, schema=_texts(*SOURCE), orient="row"),
        "withheld": pl.DataFrame(
            withheld, schema=_texts("partner", "ground", "provision", "words"), orient="row"
        ),
        "may_have_been_disclosed": pl.DataFrame(
            disclosed, schema=_texts("day", "recipients", "purpose"), orient="row"
        ),
    }


SOURCE = (
    "partner",
    "from_whom",
    "shared_with",
    "purpose",
    "law",
    "lawful_basis",
    "kept_for_days",
)


def _source(settings: Settings, agreement: Agreement) -> tuple[str, ...]:
    by_role: dict[bool, list[str]] = {True: [], False: []}
    for party in agreement.parties:
        by_role[party.role == "sharing_controller"].append(party.name)
    roles = [name for name, one in settings.roles.items() if agreement.partner in one.partners]
    shared_with = [*by_role[False], *(f"role {name}" for name in sorted(roles))]
    return (
        agreement.partner,
        ", ".join(by_role[True]),
        ", ".join(shared_with),
        agreement.purpose_in_words,
        law.IN_WORDS[law.regime_of(under_part_3=agreement.under_part_3)],
        agreement.legal_gateway.lawful_basis,
        str(agreement.retention_days),
    )


def _texts(*names: str) -> dict[str, Any]:
    import polars as pl

    return dict.fromkeys(names, pl.String)


def _write(out: Path, key: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """Write tables into an encrypted file."""
    from warehouse.connect import open_store

    make_folder(out.parent)
    connection = open_store(out, key)
    try:
        for name, frame in tables.items():
            connection.register("arriving", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arriving")
            connection.unregister("arriving")
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    flush([out])


def _entry(
    settings: Settings,
    case: RightsCase,
    current: Run,
    clock: Clock,
    detail: Mapping[str, int | str],
    action: str = "consultation",
    recipients: str = "the officer who answers",
) -> AuditEntry:
    return Recorder(actor(), settings.purpose, current.run_id).entry(
        action,
        clock(),
        recipients=recipients,
        partner=case.partner,
        detail={"request": case.request_id, "right": ACCESS, **detail},
    )
