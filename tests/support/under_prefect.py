"""Processes that Prefect is part of: what they may reach, and what they must not have left."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from partnerships import Partnership

CLEARED = ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE", "JOURNEYS_CONFIG")
SUPPORT = Path(__file__).parent


def environment(partnership: Partnership) -> dict[str, str]:
    """The environment of a process that can reach nothing but this machine."""
    kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
    path = [str(SUPPORT / "no_way_out"), kept.get("PYTHONPATH", ""), *sys.path]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(one for one in path if one),
        "REFUSED": str(partnership.folder.parent / "refused"),
    }


def assert_no_value_in(partnership: Partnership, folder: Path) -> None:
    custody = pl.read_csv(partnership.inbox("police", "custody"), infer_schema=False)
    columns = ("pnc_id", "custody_ref", "postcode", "dob")
    values = {v for c in columns for v in custody[c].drop_nulls().to_list() if len(v) > 6}
    values |= {v for v in custody["surname"].drop_nulls().to_list() if len(v) > 7}
    values.discard("1970-01-01")  # the beginning of time to a computer, and a dummy to us
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found = [value for value in values if value.encode() in content]
            assert found == [], f"{path.name} holds {len(found)} values"
