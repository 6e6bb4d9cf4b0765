"""The `journeys` command in a process of its own, with a slight warehouse and a small draft."""

from __future__ import annotations

import sys

import pytest
from few_counts import few_counts
from slight import MARTS, in_this_process, make_slight

if __name__ == "__main__":
    from flows.cli import main

    with pytest.MonkeyPatch.context() as patch, few_counts():
        make_slight(patch, {*MARTS, "linkage_quality"})
        in_this_process(patch)
        sys.argv[0] = "journeys"
        main()
