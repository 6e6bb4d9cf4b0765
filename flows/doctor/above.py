"""The folders above the partnership's and above inboxes: who may write there may swap them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding, Patient, fail, ok
from flows.settings import Settings
from governance.keys.permissions import WINDOWS

CODE = "folders-above"
ROOT = 0


def folders_above(patient: Patient) -> Iterator[Finding]:
    """Whether others may put another folder in the place of an inbox or of the partnership folder.

    Who may write into the folder that an inbox is in may also lay a plan beside it that the next
    pull would carry out (`flows.sources.landing`).
    """
    if WINDOWS:
        yield ok(CODE, "On Windows the access-control list of each key is judged instead.")
        return
    loose = [
        str(one) for one, next_to in _above(patient.settings).items() if _is_loose(one, next_to)
    ]
    if loose:
        yield fail(
            CODE,
            "Others may put another folder in the place of an inbox, or of the partnership folder, "
            f"since they may write into what is above it: {', '.join(loose)}.",
            "Give each to the account that runs the journey, or to root (`chown`), and take "
            "writing from others (`chmod go-w`); whoever delivers needs to write into the inbox "
            "alone. Check what lies there.",
        )
    else:
        yield ok(CODE, "Nobody else may change what is above the inboxes.")


def _above(settings: Settings) -> dict[Path, bool]:
    """Every folder above, and whether it is the very one that something of ours lies in."""
    named = [settings.folder, *(part.inbox for part in settings.partners.values())]
    # A link may lead elsewhere: then both its own place and where it leads count.
    ours = [place for one in named for place in (one.absolute(), one.resolve())]
    above = {folder: False for place in ours for folder in place.parents}
    above |= {place.parent: True for place in ours}
    return {folder: next_to for folder, next_to in sorted(above.items()) if folder.is_dir()}


def _is_loose(folder: Path, next_to: bool) -> bool:
    """Whether others may rename what is in a folder or, next to ours, lay something beside it."""
    found = folder.stat()
    me = os.geteuid()
    # As root whose folders are another's cannot be told from a container's own accounts.
    if found.st_uid not in (ROOT, me) and me != ROOT:
        return True
    # Where the sticky bit is set, others rename only what is theirs.
    if found.st_mode & stat.S_ISVTX and not next_to:
        return False
    by_all = bool(found.st_mode & stat.S_IWOTH)
    return by_all or (bool(found.st_mode & stat.S_IWGRP) and _has_others(found.st_gid))


def _has_others(group: int) -> bool:
    """Whether a group is of others than root and this account alone."""
    if group == ROOT or sys.platform == "win32":
        return False
    import grp
    import pwd

    if group != os.getegid():
        return True
    try:
        return bool(set(grp.getgrgid(group).gr_mem) - {pwd.getpwuid(os.geteuid()).pw_name})
    except KeyError:
        return True
