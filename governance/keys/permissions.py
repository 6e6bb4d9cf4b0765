"""Who but its owner may read a key file, by POSIX mode or by Windows access-control list."""

from __future__ import annotations

import os
import re
import stat
import subprocess
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


def others_may_access(path: Path, handle: int) -> bool:
    """Whether anybody but the owner and the machine's administrators may read or write a file.

    Args:
        path: The file.
        handle: The same file, opened: on POSIX it is what is judged, so that the file cannot be
            exchanged after the check.
    """
    if WINDOWS:
        return sddl_lets_others_in(_security_descriptor(path))
    status = os.fstat(handle)
    strange = os.geteuid() != 0 and status.st_uid not in (0, os.geteuid())
    return strange or bool(status.st_mode & OTHERS_MAY_ACCESS)


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
