"""Retention: what is kept, until when and under what, and what of it is due for deletion on a day.

What is due is decided by `governance.retention`, what there is is told by `flows.retention.held`,
and it is deleted by `flows.retention.deleting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flows.clock import Clock, local_day, utc_now
from flows.context import open_control
from flows.retention.contribution import PERIOD
from flows.retention.held import everything
from flows.rights.register import ERASE_AGAIN, WAS_PUT_BACK, unknown
from flows.rights.register_files import NoRegister
from flows.settings import Settings
from governance.agreements import load_agreement
from governance.control import Control
from governance.retention import Line, Term, own_terms, partner_terms, plan
from schemas.errors import AgreementError, StoreError


def due(
    settings: Settings, on: date | None = None, clock: Clock = utc_now, *, inside: bool = True
) -> list[Line]:
    """Everything that is kept, until when and under what, and whether it is due.

    Args:
        settings: The partnership.
        on: The day; today if not given.
        clock: The clock.
        inside: Whether stores are opened, which takes the store key.

    Raises:
        StoreError: A store cannot be opened.
        KeyProblem: Its key cannot be used.
    """
    with open_control(settings) as control:
        return planned(settings, control, on or local_day(clock()), inside=inside)


def warnings(settings: Settings, control: Control, on: date) -> list[str]:
    """What a run and `journeys status` tell of retention; no store is opened for it.

    A folder that cannot be read, such as one of backups whose disk is not mounted, is told and
    keeps nobody from the rest.
    """
    said, lines = [], []
    try:
        lines = planned(settings, control, on, inside=False)
    except StoreError as error:
        said.append(f"What has been kept for long enough cannot be told. {error}")
    ours, away = len(to_delete(lines)), sum(line.due and line.told for line in lines)
    if ours:
        said.append(
            f"{ours} thing(s) have been kept for as long as may be: look with `journeys retention "
            "due`, and delete them with `journeys retention apply`."
        )
    periods = [line for line in to_delete(lines) if line.held.what.startswith(PERIOD)]
    for partner in sorted({name for line in periods for name in line.held.partners}):
        said.append(
            f"Periods that {partner} sent are to be deleted, and no extract can be put together "
            "without them: have it send its whole extract, or agree on a longer term."
        )
    if away:
        said.append(
            f"{away} thing(s) elsewhere have been kept for as long as may be: `journeys retention "
            "due` says whom to ask."
        )
    try:
        if unknown(settings, control):
            said.append(f"{WAS_PUT_BACK} {ERASE_AGAIN}")
    except NoRegister as error:
        said.append(str(error))
    if settings.retention.erasures is None and (control.removals() or control.rights_requests()):
        said.append(
            "partnership.yaml names no register of erasures, so a folder put back from a backup "
            "would bring people back: give `erasures` under `retention`."
        )
    return said


def terms_of(settings: Settings, on: date) -> dict[tuple[str, str], Term]:
    """Every term there is on a day: the hub's own, and those of each agreement that can be read.

    An agreement that cannot be read, or was changed after it was signed, lets nothing of its
    partner go; `journeys agreements` says why. An expired or unsigned one still says how long.
    """
    terms = own_terms(settings.retention.days)
    for partner in settings.partners:
        try:
            agreement = load_agreement(settings.partner(partner).agreement, on)
        except AgreementError:
            continue
        if agreement.changed_since_signed:
            continue
        terms |= partner_terms(
            partner, agreement.version, agreement.retention_days, agreement.retention
        )
    return terms


def planned(settings: Settings, control: Control, on: date, *, inside: bool = True) -> list[Line]:
    """All that is held, with its term and whether it is due on a day."""
    return plan(everything(settings, control, inside=inside), terms_of(settings, on), on)


def to_delete(lines: Sequence[Line]) -> list[Line]:
    """The lines that are due and ours to delete."""
    return [line for line in lines if line.due and not line.told]
