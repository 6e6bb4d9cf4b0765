"""Keys, agreements, backups and the register: what a partnership cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from flows.agreements.states import agreement_states
from flows.backup.named import own_backups
from flows.backup.recipient import read_recipient, recipient_path
from flows.clock import local_day
from flows.doctor.finding import Finding, Patient, fail, ok, warn
from flows.keys.destruction import unfinished
from flows.keys.rings import ring_of, source_of
from flows.rights.register import unknown
from flows.rights.register_files import NoRegister
from schemas.errors import JourneysError

ENDING_SOON = 60
"""Days before an agreement ends that a successor takes to be signed."""
OLDEST_BACKUP = timedelta(days=2)


def keys(patient: Patient) -> Iterator[Finding]:
    """Whether every key is there, private, whole and of its own."""
    from governance.keys.custody import epochs_apart, refuse_stale
    from governance.keys.ring import refuse_shared

    rings = []
    for kind in patient.settings.keys.named:
        try:
            source = source_of(patient.settings, kind)
            ring = ring_of(patient.settings, kind)
            refuse_stale(source, kind)
            rings.append(ring)
        except JourneysError as error:
            yield fail("keys", f"{kind}: {error.problem}", error.remedy)
            continue
        if epochs_apart(source, kind):
            yield warn(
                "keys",
                f"{kind}: one half has an epoch that the other lacks.",
                f"Give `journeys keys rotate {kind}` or `destroy` again, whichever was cut short.",
            )
        if unfinished(patient.settings, kind):
            yield warn(
                "keys",
                f"{kind}: a destruction was begun and not finished.",
                "Give the same `journeys keys destroy` again; `journeys keys status` says which.",
            )
        yield ok("keys", f"{kind}: epoch {ring.newest} of {len(ring.epochs)} is in use.")
    try:
        refuse_shared(rings)
    except JourneysError as error:
        yield fail("keys", error.problem, error.remedy)
    if patient.settings.keys.record is None:
        yield warn(
            "keys",
            "There is no record key, so checkpoints and backups are not signed.",
            "Add `record: keys/record.key` under `keys` and run `journeys keys new`.",
        )


def agreements(patient: Patient) -> Iterator[Finding]:
    """Whether every agreement is in force, and for how long."""
    states = agreement_states(patient.settings, local_day(patient.clock()))
    for partner, one in states.items():
        left = one["days_left"]
        if not one["in_force"]:
            yield fail(
                "agreements",
                f"{partner}: no agreement in force, so its data are left out. {one['said']}",
                "`journeys agreements` says what is missing; have it signed.",
            )
        elif left is not None and left <= ENDING_SOON:
            yield warn(
                "agreements",
                f"{partner}: the agreement ends in {left} days.",
                "Have its successor signed: docs/how-to/complete-an-agreement.md.",
            )
        else:
            yield ok("agreements", f"{partner}: in force for {left} more days.")


def backups(patient: Patient) -> Iterator[Finding]:
    """Whether there is a recent backup, and a key that it is sealed to."""
    settings, control = patient.settings, patient.control
    try:
        read_recipient(recipient_path(settings))
    except JourneysError:
        yield warn(
            "backups",
            "There is no backup key, so no backup can be made.",
            "Make one with `journeys backup key --out FILE` on its custodian's medium.",
        )
    folder = settings.retention.backups
    if folder is None:
        yield warn(
            "backups",
            "partnership.yaml does not say where backups are.",
            "Name their folder as `backups` under `retention`, on another machine.",
        )
        return
    if not folder.is_dir():
        yield fail(
            "backups",
            "The folder of backups is not there.",
            "Mount its disk, or correct `retention: backups`.",
        )
        return
    days = [made for _, made in own_backups(folder, control)] if control is not None else []
    today = local_day(patient.clock())
    if not days or today - max(days) > OLDEST_BACKUP:
        told = f"The last backup is {(today - max(days)).days} days old" if days else "No backup"
        yield warn(
            "backups",
            f"{told}{'.' if days else ' of this partnership is in the folder of backups.'}",
            "Run `journeys backup make`, and see why the schedule does not.",
        )
        return
    yield ok("backups", f"{len(days)} backups, the last of {max(days)}.")


def register(patient: Patient) -> Iterator[Finding]:
    """Whether a restore would know whom to erase again."""
    settings, control = patient.settings, patient.control
    if settings.retention.erasures is None:
        yield warn(
            "register",
            "There is no register of erasures, so a restored backup would bring people back.",
            "Give `erasures` under `retention` in partnership.yaml.",
        )
        return
    if control is None:
        return
    try:
        not_applied = unknown(settings, control)
    except NoRegister as error:
        yield fail("register", error.problem, error.remedy)
        return
    if not_applied:
        yield fail(
            "register",
            "This folder was put back from before an erasure, so people who were erased are in it.",
            "Run `journeys run`, which erases them again.",
        )
    else:
        yield ok("register", "The register of erasures is in line with the control database.")
