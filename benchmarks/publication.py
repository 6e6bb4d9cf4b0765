"""How long the publication of a real pack takes, window by window, and what it masks.

    python benchmarks/publication.py demo/partnership.yaml [windows]

Counts what the release that people read can publish, as if each window had been published when it
became complete: five by default, so that the last has four public before it. Each is certified a
second time as if nothing were public, to tell what is masked because of that. Prints a line a
publication: populations and cells; masked for themselves, for other tables and to protect others,
and how many because of what was public; small remainders that are kept; the median error of
rounding; seconds of the gate, of the processor, of the gate with nothing public, of the checker.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from flows.context import open_control
from flows.releases.kept import open_current
from flows.settings import load_settings
from governance.disclosure.certify import Certified
from governance.disclosure.checker import check
from governance.disclosure.release import Release
from governance.disclosure.rules import MASKED, Rule
from governance.disclosure.tally import tally
from warehouse.publish.certified import Beside, Due, certify_due, due
from warehouse.publish.counts import counted

WINDOWS = 5
LIMIT = 7200.0


def by_turn(dues: tuple[Due, ...]) -> list[list[Due]]:
    """What would have been due each time: the latest window of every index last."""
    latest: dict[str, list[Due]] = defaultdict(list)
    for one in sorted(dues, key=lambda one: one.window, reverse=True):
        latest[one.index.key].append(one)
    turns = max(len(windows) for windows in latest.values())
    return [
        [windows[turn] for windows in latest.values() if turn < len(windows)]
        for turn in reversed(range(turns))
    ]


def in_truth(made: Certified, con: object, dues: list[Due]) -> tuple[float, int]:
    """The median error of shown counts as a share of true ones; how many remainders are small."""
    errors: list[float] = []
    remainders = 0
    for one, shown in zip(dues, made.release.populations, strict=True):
        given = counted(con, one.index, one.window, Rule()).submission  # type: ignore[arg-type]
        told = tally(given.population, given.rows, (given.period,), np.ones(1, dtype=bool))
        true = given.population.matrix @ told.atoms[0]
        pairs = zip(shown.shown, true, strict=True)
        errors += [abs(int(v) - n) / n for v, n in pairs if v != MASKED and n]
        remainders += sum(
            true[total] - true[part] < Rule().threshold for part, total in given.population.totals
        )
    return float(np.median(errors)), remainders


def masked(made: Certified) -> int:
    """How many cells a release masks."""
    return sum(one.shown.count(MASKED) for one in made.release.populations)


def main() -> None:
    """Publish window by window, and print what it took."""
    config, windows = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else WINDOWS
    settings = load_settings(config)
    with open_control(settings) as control:
        _, con = open_current(settings, control)
    earlier: list[Release] = []
    for dues in by_turn(due(con, "quarter", [], windows)):
        clock, processor = time.perf_counter(), time.process_time()
        made, why = certify_due(
            con,
            f"release {len(earlier) + 1}",
            dues,
            Beside(earlier, [one.digest for one in earlier], limit=LIMIT),
        )
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        start = time.perf_counter()
        alone = made if not earlier else certify_due(con, "alone", dues, Beside(limit=LIMIT))[0]
        apart = time.perf_counter() - start if earlier else clock
        start = time.perf_counter()
        check(made.release, earlier, made.certificate)
        checked = time.perf_counter() - start
        cells, small, overlap, protecting = (
            int(why.findings.get_column(name).sum())
            for name in ("cells", "small", "overlap", "protecting")
        )
        rounding, remainders = in_truth(made, con, dues)
        print(
            f"{len(earlier)} public before: {len(dues):3} populations {cells:6,} cells  "
            f"masked {small:4} + {overlap:3} + {protecting:3} "
            f"({(overlap + protecting) / cells:.1%} for others)  "
            f"because of earlier {masked(made) - masked(alone):3}  remainders {remainders:4}  "
            f"rounding {rounding:.1%}  {clock:6.1f} s (processor {processor:6.1f}, "
            f"nothing public {apart:6.1f})  checker {checked:5.1f} s",
            flush=True,
        )
        earlier.append(made.release)


if __name__ == "__main__":
    main()
