"""A release handed out as a file: what a role may read, encrypted under a key of its own.

In the file there is no lock-down and no record of who looks: the file is the only boundary. So it
holds no record of a partner whose data stay under Part 3 of the Data Protection Act 2018, of which
every consultation must be logged, and issuing its key is recorded as a disclosure.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.agreements.notices import agreements_told
from flows.agreements.readable import check_readable
from flows.agreements.terms import agreement_in_force
from flows.build import given_of
from flows.clock import Clock, local_day, utc_now
from flows.committed import opened_store
from flows.context import actor, open_control, run_lock
from flows.files import flush, is_kept, make_folder, write_private
from flows.keys.rings import store_keys
from flows.readers.reasons import checked_reason
from flows.rights.register import check_not_put_back
from flows.settings import Role, Settings
from governance.agreements import check_may_receive
from governance.audit import Recorder
from governance.control import AuditEntry, Control
from schemas.errors import ConfigError, KeyProblem, NotReadable, StoreError

if TYPE_CHECKING:
    from governance.agreements import Agreement
    from governance.control import Run

LONGEST_NAME = 100


@dataclass(frozen=True)
class RoleFile:
    """A file that was handed out: where it and its key are, and what is in it.

    Attributes:
        file: The encrypted release.
        key: Its key, in a file of its own, to be sent another way.
        run_id: The run whose release it is of.
        partners: Whose records are in it.
        left_out: The role's partners whose data stay under Part 3.
        tables: Mart → number of rows.
    """

    file: Path
    key: Path
    run_id: str
    partners: tuple[str, ...]
    left_out: tuple[str, ...]
    tables: dict[str, int]


def issue(
    settings: Settings, role: str, to: str, reason: str, out: Path, clock: Clock = utc_now
) -> RoleFile:
    """Write a release file for a role, and its key, and record the disclosure before the key.

    Args:
        settings: The partnership.
        role: A role of partnership.yaml.
        to: Who is given it.
        reason: Why, for the record.
        out: Where the file is to be; the key is written beside it.
        clock: The clock.

    Raises:
        ConfigError: There is no such role, or no such place to write to.
        NotReadable: All its records stay under Part 3, people read an earlier release, a rights
            request waits for the next run, or the release was made on other terms than today's.
        AgreementError: An agreement of its partners is not in force, or names other recipients.
        KeyProblem: A file is there already.
        StoreError: A store cannot be read, or the file not be written.
        Busy: If a run is at work.
    """
    said, given_to, terms = checked_reason(reason), recipient(to), _role(settings, role)
    for path in (out, key_path(out)):
        check_place(path)
    with run_lock(settings), open_control(settings) as control:
        check_not_put_back(settings, control)
        run = _run(control)
        today = local_day(clock())
        agreements = [agreement_in_force(settings, one, today) for one in sorted(terms.partners)]
        shared = tuple(one.partner for one in agreements if not one.under_part_3)
        left_out = tuple(one.partner for one in agreements if one.under_part_3)
        for one in agreements:
            if not one.under_part_3:
                check_may_receive(one, role)
        if not shared:
            raise NotReadable(
                f"Everything that {role} may read stays under Part 3, and no file may hold it.",
                "Have it read with `journeys sql`, which records each consultation.",
            )
        check_readable(settings, run, today, shared)
        key = secrets.token_bytes(32).hex()
        with unless_given(out):
            every = agreements_told(settings, today)[0].values()
            tables = _write(settings, run, terms, shared, every, out, key, clock)
            made = RoleFile(out, key_path(out), run.run_id, shared, left_out, tables)
            control.add_audit(_entry(settings, role, given_to, said, made, clock))
            write_private(made.key, f"{key}\n".encode())
    return made


def key_path(file: Path) -> Path:
    """Where the key of a role's file is written."""
    return file.with_name(f"{file.name}.key")


def _role(settings: Settings, role: str) -> Role:
    if role not in settings.roles:
        raise ConfigError(
            "partnership.yaml has no such role.",
            f"Name one of {', '.join(sorted(settings.roles)) or 'those you add under `roles`'}.",
        )
    terms = settings.roles[role]
    missing = sorted(terms.partners - settings.partners.keys())
    if missing:
        raise ConfigError(
            f"The role {role} names {', '.join(missing)}, which is no partner of the partnership.",
            "Correct `roles` in partnership.yaml.",
        )
    return terms


def recipient(to: str) -> str:
    """The name of whoever is given a file.

    Raises:
        ConfigError: It is none.
    """
    name = to.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"Whoever is given a file has a name of at most {LONGEST_NAME} characters.",
            "Give --to NAME.",
        )
    return name


def check_place(path: Path) -> None:
    """Check that a file may be written there.

    Raises:
        ConfigError: It would lie among the partnership's own.
        KeyProblem: There is one already.
    """
    if is_kept(path):
        raise ConfigError(
            "The file would lie among the files that the partnership keeps.",
            "Name a file in another folder: it is to be sent and then removed.",
        )
    if os.path.lexists(path):
        raise KeyProblem(
            f"There is a file at {path} already.", "Role files overwrite nothing; name another."
        )


def _run(control: Control) -> Run:
    """The run of the release that may be handed out.

    Raises:
        StoreError: There is none yet.
        NotReadable: It is not what people read, or people in it are about to go.
    """
    newest = control.current_run()
    if newest is None:
        raise StoreError("There is no release yet.", "Run `journeys run` to make one.")
    if control.held() is not None:
        raise NotReadable(
            "People read an earlier release, and a file can be made of the newest only.",
            "End the rollback with `journeys release rollback --newest` first.",
        )
    if any(one.applied_run is None for one in control.rights_requests()):
        raise NotReadable(
            "A rights request waits, so people who are about to go would be in the file.",
            "Run `journeys run`, which applies it, then make the file.",
        )
    return newest


def _write(
    settings: Settings,
    run: Run,
    terms: Role,
    shared: tuple[str, ...],
    agreements: Iterable[Agreement],
    out: Path,
    key: str,
    clock: Clock,
) -> dict[str, int]:
    """Build the file from the stores of a run by the very models of the release."""
    from linkage.registry import record_person
    from warehouse.release import build_release
    from warehouse.restrict import Restriction

    with opened_store(settings, run.run_id, "identity") as identity:
        persons = record_person(identity)
    make_folder(out.parent)
    summary = build_release(
        settings.stores / run.run_id / "staging.duckdb",
        store_keys(settings, run.run_id)["staging"],
        persons,
        out,
        key,
        run_id=run.run_id,
        built_at=clock(),
        given=given_of(settings, agreements),
        restriction=Restriction(partners=frozenset(shared), marts=terms.tables),
    )
    flush([out])
    return dict(summary.tables)


@contextmanager
def unless_given(file: Path) -> Iterator[None]:
    """Take a file away again whose key was not written."""
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _entry(
    settings: Settings, role: str, to: str, reason: str, made: RoleFile, clock: Clock
) -> AuditEntry:
    return Recorder(actor(), settings.purpose, made.run_id).entry(
        "disclosure",
        clock(),
        recipients=f"{to}, {role}",
        detail={
            "role": role,
            "reason": reason,
            "partners": ", ".join(made.partners),
            "tables": len(made.tables),
            "rows": sum(made.tables.values()),
            "file": "sha256:" + hashlib.sha256(made.file.read_bytes()).hexdigest(),
        },
    )
