"""How long the publication gate takes, and what it masks, on made-up tables.

    python benchmarks/disclosure.py [linked | large | windows | large-windows | quarters ...]

Windows are five quarters that share no day, each with all before it public, as the partnership
publishes; quarters are cumulative, which the library can do as well. Prints a line a release:
cells, masked for themselves and to protect others, the error of rounding, tables of the
certificate, seconds of the whole gate and of the processor, seconds of the checker. Beside the
error of rounding is the least that any multiples of the base could have for the same counts. What
``advise`` would bring together is measured, too.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import date, timedelta

import polars as pl

from governance.disclosure.advice import advise, joint
from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.checker import check
from governance.disclosure.release import Release
from governance.disclosure.rules import MASKED
from governance.disclosure.timeline import Period

SMALL = {"age": 7, "sex": 2, "ethnicity": 6, "area": 10, "substance": 5}
LINKED = (
    ("age", "sex"),
    ("age", "area"),
    ("ethnicity", "area"),
    ("substance", "age"),
    ("substance", "area"),
)
LARGE = {"age": 8, "sex": 2, "ethnicity": 6, "area": 18, "substance": 5}
WIDE = (
    ("age", "area", "sex"),
    ("ethnicity", "area", "sex"),
    ("substance", "age", "area"),
    ("substance", "ethnicity", "age"),
)
QUARTERS = 5


def population(
    sizes: dict[str, int], tables: tuple[tuple[str, ...], ...], relation: str
) -> Population:
    """Linked tables of dimensions that are known of people."""
    dimensions = {
        name: Dimension(name, tuple(f"{name} {n}" for n in range(size)), known=True)
        for name, size in sizes.items()
    }
    crossed = (cross(" by ".join(by), *(dimensions[name] for name in by)) for by in tables)
    return Population("people", "people", relation, tuple(dimensions.values()), tuple(crossed))


def people(sizes: dict[str, int], number: int, seed: int) -> pl.DataFrame:
    """Made-up people, unevenly spread over categories, evenly over five quarters."""
    stream = random.Random(seed)
    columns: dict[str, list[object]] = {}
    for name, size in sizes.items():
        weights = [stream.gammavariate(2, 1) for _ in range(size)]
        places = stream.choices(range(size), weights, k=number)
        columns[name] = [f"{name} {place}" for place in places]
    columns["day"] = [quarter(stream.randrange(QUARTERS)).last for _ in range(number)]
    return pl.DataFrame(columns)


def quarter(number: int) -> Period:
    """A quarter, counted from the first of 2025."""
    first, after = (date(2025 + n // 4, 1 + 3 * (n % 4), 1) for n in (number, number + 1))
    return Period(first, after - timedelta(days=1))


def rounding_error(made: Certified, population: Population, rows: pl.DataFrame) -> float:
    """The median error of the shown counts, as a share of the true ones."""
    errors = []
    for where, shown in zip(population.cells, made.release.populations[0].shown, strict=True):
        if shown != MASKED:
            true = rows.filter(*(pl.col(name).is_in(list(chosen)) for name, chosen in where)).height
            errors.append(abs(int(shown) - true) / true)
    return sorted(errors)[len(errors) // 2]


def rounding_floor(made: Certified, population: Population, rows: pl.DataFrame) -> float:
    """The least median error that any multiples of the base have, for the counts that are shown.

    To the nearest multiple no count is off by more than half the base, and another is further off.
    """
    base, errors = made.release.rule.base, []
    for where, shown in zip(population.cells, made.release.populations[0].shown, strict=True):
        if shown != MASKED:
            true = rows.filter(*(pl.col(name).is_in(list(chosen)) for name, chosen in where)).height
            errors.append(min(true % base, -true % base) / true)
    return sorted(errors)[len(errors) // 2]


def measure(
    declared: Population, rows: pl.DataFrame, period: Period, earlier: list[Release]
) -> Release:
    """Put one release through the gate and print what it took."""
    clock, processor = time.perf_counter(), time.process_time()
    made = certify(
        f"release {len(earlier) + 1}",
        [Submission(declared, period, rows)],
        earlier=earlier,
        still_public=[one.digest for one in earlier],
        limit=7200,
    )
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    start = time.perf_counter()
    check(made.release, earlier, made.certificate)
    checked = time.perf_counter() - start
    (found,) = made.findings
    shown = sum(value != MASKED for value in made.release.populations[0].shown)
    inside = rows.filter(pl.col("day").is_between(period.first, period.last))
    print(
        f"{found.cells:6,} cells {inside.height:7,} people  small {found.small:5.1%}  "
        f"masked {found.primary:4} + {found.secondary:3} ({found.secondary / found.cells:.1%})  "
        f"rounding {rounding_error(made, declared, inside):.1%} "
        f"(least possible {rounding_floor(made, declared, inside):.1%})  shown {shown:,}  "
        f"tables {found.tables:5,}  "
        f"{clock:6.1f} s (processor {processor:6.1f})  checker {checked:5.1f} s",
        flush=True,
    )
    return made.release


def redesigned(declared: Population, rows: pl.DataFrame, period: Period) -> None:
    """Measure the same once categories are brought together as is advised."""
    told = advise(Submission(declared, period, rows))
    if not told.together:
        print("       as it is: nothing is advised to be brought together")
        return
    for name, first, second in told.together:
        both = {one: joint(first, second) for one in (first, second)}
        rows = rows.with_columns(pl.col(name).replace(both))
    print(f"       the same, {len(told.together)} times two categories brought together:")
    print(f"       {told.kept:.0%} of the entropy of its tables is kept")
    measure(told.population, rows, period, [])


def main() -> None:
    """Run the measurements named, or those that take minutes at most."""
    for name in sys.argv[1:] or ("linked", "large", "windows"):
        print(name)
        sizes, tables = (LARGE, WIDE) if "large" in name else (SMALL, LINKED)
        earlier: list[Release] = []
        if "quarters" in name or "windows" in name:
            cumulative = "quarters" in name
            declared = population(sizes, tables, "cumulative" if cumulative else "apart")
            each = 25_000 if "large" in name else 800
            rows = people(sizes, each if cumulative else each * QUARTERS, seed=1)
            for number in range(QUARTERS):
                period = Period(quarter(0 if cumulative else number).first, quarter(number).last)
                earlier.append(measure(declared, rows, period, earlier))
        else:
            declared = population(sizes, tables, "apart")
            for number in (25_000,) if name == "large" else (800, 1_500):
                rows = people(sizes, number, seed=1)
                period = Period(quarter(0).first, quarter(4).last)
                measure(declared, rows, period, [])
                if name == "linked":
                    redesigned(declared, rows, period)


if __name__ == "__main__":
    main()
