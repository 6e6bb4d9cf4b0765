"""How much one pull from one source may take, so that none takes the night of the others."""

from __future__ import annotations

from datetime import date
from typing import Final

AS_OF: Final = date(2026, 11, 23)
"""When these were decided (ADR 0039)."""

LONGEST_MINUTES: Final = 60
"""Unless `longest_minutes` says otherwise; four sources that hang leave a night its run."""

MOST_MEGABYTES: Final = 20_000
"""Unless `most_megabytes` says otherwise: far more than an extract, and less than most disks."""

MOST_MEMORY: Final = 4 << 30
"""Bytes that its process may ask for: files go through it in pieces of a megabyte."""
