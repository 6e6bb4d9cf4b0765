"""How much pulls from sources may take, so that none takes the night of the others."""

from __future__ import annotations

from datetime import date
from typing import Final

AS_OF: Final = date(2026, 11, 23)
"""When these were decided (ADR 0039)."""

LONGEST_MINUTES: Final = 60
"""One pull from one source, unless `longest_minutes` says otherwise."""

TOGETHER_MINUTES: Final = 120
"""All pulls of one run together, unless one source alone may take longer. Sources that hang leave a
night its run: it begins at 02:00 and is over before people come."""

ARCHIVING_MINUTES: Final = 15
"""Moving what was taken in at all sources together, once a run is committed."""

MOST_MEGABYTES: Final = 20_000
"""Unless `most_megabytes` says otherwise: far more than an extract, and less than most disks."""

MOST_MEMORY: Final = 4 << 30
"""Bytes that its process may ask for: files go through it in pieces of a megabyte."""
