"""Who but its owner may read a key file, by POSIX mode or by Windows access-control list."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OTHERS_MAY_ACCESS = stat.S_IRWXG | stat.S_IRWXO
WINDOWS = os.name == "nt"

# Trustees that own the machine anyway: the system, the administrators, and whoever owns the file.
OWNERS_OF_THE_MACHINE = frozenset({"SY", "BA", "OW", "S-1-5-18", "S-1-5-32-544", "S-1-3-4"})
# Parts of a security descriptor in SDDL: the owner, and each entry of the access-control list as
# (type;flags;rights;object;inherited object;trustee).
SDDL_OWNER = re.compile(r"O:(S-[0-9-]+|[A-Z]{2})")
SDDL_LIST = re.compile(r"D:([A-Z]*)((?:\([^)]*\))*)")
ALLOWING = ("A", "OA", "XA", "ZA")


@dataclass(frozen=True)
class Exposure:
    """How a private file is open to others, to follow its name in a sentence, and what to do."""

    what: str
    remedy: str


def exposure(path: Path, handle: int) -> Exposure | None:
    """How anybody but the owner and the machine's administrators may get at a file; None if not.

    Root too is refused a file that another user owns: its owner reads it and may exchange it. In a
    container that mounts one, run as that user.

    Args:
        path: The file.
        handle: The same file, opened: on POSIX it is what is judged, so that the file cannot be
            exchanged after the check.

    Raises:
        OSError: It or its folder cannot be judged.
    """
    name = path.name
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        return Exposure("is not a plain file", "Put the file back from its custodian.")
    if status.st_nlink > 1:
        return Exposure(
            "has a second name (a hard link)",
            f"Find it with `find -inum {status.st_ino}` on its disk and remove it, and consider "
            "whether the key has leaked.",
        )
    if WINDOWS:
        open_to_others = sddl_lets_others_in(_security_descriptor(path))
    else:
        open_to_others = bool(status.st_mode & OTHERS_MAY_ACCESS)
    if open_to_others:
        return Exposure(
            "can be read by others",
            f"Run `chmod 600 {name}` in its folder (on Windows, let only its owner read it), "
            "and consider whether the key has leaked.",
        )
    if not WINDOWS and status.st_uid not in (0, os.geteuid()):
        return Exposure(
            "belongs to another user",
            f'Run the command as its owner, or make the file your own: `chown "$(id -u)" {name}`.',
        )
    if not WINDOWS and any(map(_anybody_may_exchange, {path.parent, path.resolve().parent})):
        return Exposure(
            "is in a folder where anybody may exchange it",
            f"Run `chmod o-w` on the folder of {name}, and check that the key is the right one.",
        )
    return None


def _anybody_may_exchange(folder: Path) -> bool:
    """Whether others may rename files in a folder; a sticky one, as /tmp is, does not let them."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def keep_from_others(path: Path) -> None:
    """Let only the present user read and write a file.

    On Windows a new file inherits who may read its folder, so the inherited entries are removed.
    """
    if WINDOWS:
        user = f"{os.environ['USERDOMAIN']}\\{os.environ['USERNAME']}"
        subprocess.run(  # noqa: S603
            ["icacls", str(path), "/inheritance:r", "/grant:r", f"{user}:F"],  # noqa: S607
            check=True,
            capture_output=True,
        )
    else:
        path.chmod(0o600)


def sddl_lets_others_in(descriptor: str) -> bool:
    """Whether a Windows security descriptor allows anybody but the owner and administrators.

    Args:
        descriptor: In the security descriptor definition language (Microsoft [MS-DTYP] 2.5.1),
            with owner and access-control list, such as ``O:S-1-5-21-1-2-3-1001D:P(A;;FA;;;SY)``.

    Returns:
        True too where there is no list, which allows everybody, or it cannot be read.
    """
    owner, listed = SDDL_OWNER.search(descriptor), SDDL_LIST.search(descriptor)
    if owner is None or listed is None or "NO_ACCESS_CONTROL" in descriptor:
        return True
    known = OWNERS_OF_THE_MACHINE | {owner.group(1)}
    entries = [entry.split(";") for entry in re.findall(r"\(([^)]*)\)", listed.group(2))]
    return any(
        len(entry) < 6 or (entry[0] in ALLOWING and entry[5] not in known) for entry in entries
    )


def _security_descriptor(path: Path) -> str:
    """A file's owner and access-control list as Windows keeps them."""
    import ctypes

    windows: Any = ctypes
    owner_and_list = 0x1 | 0x4
    descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
    failed = windows.windll.advapi32.GetNamedSecurityInfoW(
        str(path), 1, owner_and_list, None, None, None, None, ctypes.byref(descriptor)
    )
    if failed:
        return ""
    windows.windll.advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
        descriptor, 1, owner_and_list, ctypes.byref(text), None
    )
    return text.value or ""
