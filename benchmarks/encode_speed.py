"""Records encoded a second, beside clkhash on the same fields and cores in one run.

    make bench-encode

The records are custody records of made-up people: forename, surname, date of birth, postcode and
sex, as spread and as often repeated as in the synthetic extracts. clkhash pins an old cryptography,
so it has an environment of its own, whose Python is given. It is timed on fewer records (its time
grows in proportion), ours on 100,000 and on a million, to show how the time grows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from read_speed import best_of, extract

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from schemas.encoded import STRONG_IDS
from schemas.standardise import iso_date, person_name, sex

SIZES = (100_000, 1_000_000)
CLKHASH_RECORDS = 20_000
GOES = 3
LEAST_RATIO = 10.0
FIELDS = ("forename", "surname", "dob", "postcode", "sex")
CLKHASH = Path(__file__).with_name("clkhash_speed.py")


def records(size: int) -> pl.DataFrame:
    """Standardised identities of custody records of made-up people, strong ids left out."""
    custody = extract(size)["custody"]
    nothing = dict.fromkeys(STRONG_IDS, pl.lit(None, pl.String))
    return custody.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record_id"),
        pl.lit("police").alias("partner"),
        person_name(pl.col("forename")).alias("forename"),
        person_name(pl.col("surname")).alias("surname"),
        iso_date(pl.col("dob")).alias("dob"),
        pl.col("postcode").str.to_uppercase().str.replace_all(" ", "").alias("postcode"),
        sex(pl.col("sex")).alias("sex"),
        **nothing,
    )


def ours(identity: pl.DataFrame, goes: int) -> float:
    """Our records a second."""
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="benchmark", epoch=1)
    return identity.height / best_of(goes, lambda: encode(identity, key_of))


def clkhash(identity: pl.DataFrame, goes: int, python: Path) -> float:
    """The records a second of clkhash, in the environment of the Python given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        identity.select(FIELDS).with_columns(pl.col("dob").dt.strftime("%Y%m%d")).fill_null(
            ""
        ).write_csv(path)
        done = subprocess.run(
            [python, CLKHASH, path, str(goes)], capture_output=True, text=True, check=True
        )
    return identity.height / float(done.stdout)


def main() -> int:
    """Print records a second, the ratio and the growth; 1 if under the least ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clkhash", type=Path, required=True, help="a Python that has clkhash")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--goes", type=int, default=GOES)
    given = parser.parse_args()
    most = records(max(given.sizes))
    ours(most.head(1_000), 1)  # imports and first calls are not encoding
    theirs = clkhash(most.head(CLKHASH_RECORDS), given.goes, given.clkhash)
    speeds = {size: ours(most.head(size), given.goes) for size in sorted(given.sizes)}
    distinct = most.select(FIELDS).n_unique() / most.height
    print(f"{os.cpu_count()} cores; {distinct:.0%} of the identities are distinct")
    print(f"{'clkhash':<24}{theirs:>12,.0f} records a second")
    for size, speed in speeds.items():
        print(f"{f'ours, {size:,} records':<24}{speed:>12,.0f} records a second")
    fewest, largest = min(speeds), max(speeds)
    print(f"growth of the time per record {speeds[fewest] / speeds[largest]:.2f}")
    ratio = min(speeds.values()) / theirs
    print(f"ratio to clkhash at the slower size {ratio:.1f}; at least {LEAST_RATIO:.0f} is asked")
    return int(ratio < LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
