"""The `journeys` command in a process of its own, with a slight warehouse and a small draft."""

from __future__ import annotations

import sys

import deeds
from slight import MARTS

if __name__ == "__main__":
    from flows.cli import main

    deeds.prepare({*MARTS, "linkage_quality"})
    sys.argv[0] = "journeys"
    main()
