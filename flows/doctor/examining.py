"""Every check there is, and looking a partnership over with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from flows.clock import Clock, utc_now
from flows.context import open_control
from flows.doctor import above, custody, folder, machine, outside, record, releases, secrecy
from flows.doctor.finding import Check, Finding, Patient, fail
from flows.safe_errors import guarded
from flows.settings import Settings
from schemas.errors import JourneysError

CHECKS: Final[Mapping[str, Check]] = {
    "control-database": record.control_database,
    "record": record.record,
    "runs": record.runs,
    "releases": releases.releases,
    "leftovers": folder.leftovers,
    "keys": custody.keys,
    "agreements": custody.agreements,
    "register": custody.register,
    "backups": custody.backups,
    "disk": machine.disk,
    "clock": machine.clock,
    "versions": machine.versions,
    "encryption": machine.encryption,
    "permissions": folder.permissions,
    "folders-above": above.folders_above,
    "file-system": folder.file_system,
    "swap": secrecy.swap,
    "core-dumps": secrecy.core_dumps,
    "environment": secrecy.environment,
    "prefect": outside.prefect,
}
"""Code → what is looked at, in the order in which it is told."""

SOURCES: Final = "sources"


def examine(
    settings: Settings, *, sources: bool = False, digests: bool = False, clock: Clock = utc_now
) -> list[Finding]:
    """Look a partnership and the machine it is on over. Nothing is changed.

    Args:
        settings: The partnership.
        sources: Whether partners' sources are called too.
        digests: Whether the files of releases are read to the end however large they are.
        clock: The clock.
    """
    checks = dict(CHECKS) | ({SOURCES: outside.sources} if sources else {})
    try:
        control = guarded("control-database", open_control, settings)
    except JourneysError as error:
        told = [fail("control-database", error.problem, error.remedy)]
        return told + list(_looked(Patient(settings, None, clock, digests), checks))
    with control:
        return list(_looked(Patient(settings, control, clock, digests), checks))


def _looked(patient: Patient, checks: Mapping[str, Check]) -> Iterator[Finding]:
    """What each check finds; one that breaks is a finding itself, and hides no other."""
    for code, check in checks.items():
        try:
            yield from guarded(code, list, check(patient))
        except JourneysError as error:
            yield fail(code, f"This could not be looked at. {error.problem}", error.remedy)
