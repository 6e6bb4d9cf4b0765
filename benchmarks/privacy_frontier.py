"""What each encoding costs in linkage and gives away: one table, and a chart if asked.

    python benchmarks/privacy_frontier.py [PEOPLE] [--chart OUT.svg]

Every encoding is linked by a Splink model on its columns, trained on other made-up people, over the
same blocking rules; the shipped encoding by its own model. The leak is the share of surnames named
beyond chance by the best attack of the suite, by somebody who knows a fifth of the people.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from flows.cli.attack import made_up_people
from flows.linking.train import labelled_identities
from governance.attacks import shipped, weak, weak_targets
from governance.attacks.bits import Words, distances
from governance.attacks.result import judge_column
from governance.attacks.scenario import VALUES, Scenario, make_scenario, own_encoding, smaller
from governance.encoding.shared import kept
from linkage.blocking import BLOCKING_COLUMNS
from linkage.match import score
from linkage.model import load_model
from schemas.encoded import STRONG_IDS, token_column
from synthetic import write_extracts

PEOPLE, SEED, OVERLAP = 2_000, 5, 0.2
ATTACKED = "surname"
GIVEN = "given"  # in the name of an attack that is granted what it would have to find
NEAR = (0.25, 0.6)  # shares of unequal values of one person within each level of nearness
LABEL_WIDTH, LINE = 220, 14  # of the chart's labels, in its units

LOCAL = token_column("local_id")
STRONG = tuple(token_column(name) for name in STRONG_IDS if token_column(name) != LOCAL)
# What every model has beside the encoding's columns: blocks, strong ids, partner and sex.
KEPT = tuple(dict.fromkeys((*BLOCKING_COLUMNS, *STRONG, LOCAL, "partner", "sex")))

Encode = Callable[[pl.Series, bytes], Words]


@dataclass(frozen=True)
class Point:
    """One encoding: its pair F1, and the share of surnames named."""

    name: str
    f1: float
    leak: float


def encodings() -> dict[str, Encode]:
    """The column encodings by name; a key gives the same words for the same text."""

    def bare(values: pl.Series, key: bytes) -> Words:
        tokens = weak.bare_token(values, key).fill_null(0)
        return tokens.to_numpy().view(np.uint64).reshape(-1, 1)

    def plain(hashes: int) -> Encode:
        return lambda values, key: weak.bloom_filters([values], key, hashes)

    def diffused(hashes: int) -> Encode:
        return lambda values, key: weak.diffused(plain(hashes)(values, key), key)

    return {
        "bare tokens": bare,
        "plain filters, 10 hashes": plain(10),
        **{f"diffused, {hashes} hashes": diffused(hashes) for hashes in (5, 10, 15)},
    }


def words_frame(people: pl.DataFrame, encode: Encode, key: bytes) -> pl.DataFrame:
    """Each column's words as numbered integer columns, null where the value is."""
    made = []
    for column in VALUES:
        words = encode(people[column], key).view(np.int64)
        present = people[column].is_not_null()
        made += [
            pl.select(pl.when(present).then(pl.Series(words[:, at])))
            .to_series()
            .alias(f"{column}_{at}")
            for at in range(words.shape[1])
        ]
    return pl.DataFrame(made)


def distance_sql(column: str, words: int) -> str:
    """The share of differing bits as SQL."""
    differing = " + ".join(
        f"bit_count(xor({column}_{at}_l, {column}_{at}_r))::INTEGER" for at in range(words)
    )
    return f"({differing}) / {64 * words}.0"


def near_distances(people: pl.DataFrame, encode: Encode, key: bytes, column: str) -> list[float]:
    """Distances within which unequal values of one person often lie."""
    named = people.select("person", column).drop_nulls().unique()
    pairs = named.join(named, on="person", suffix="_r").filter(
        pl.col(column) < pl.col(f"{column}_r")
    )
    if pairs.is_empty():
        return []
    apart = distances(encode(pairs[column], key), encode(pairs[f"{column}_r"], key))
    return [float(np.quantile(apart, share)) for share in NEAR]


def comparison(column: str, words: int, near: list[float]) -> dict[str, Any]:
    """Equal, near, less near, or else."""
    apart = distance_sql(column, words)
    first = f"{column}_0"
    levels = [{"sql_condition": f"{apart} = 0", "label_for_charts": "same"}]
    levels += [
        {"sql_condition": f"{apart} <= {bound}", "label_for_charts": f"near {at}"}
        for at, bound in enumerate(near if words > 1 else [])
    ]
    missing = {
        "sql_condition": f"{first}_l IS NULL OR {first}_r IS NULL",
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    other = {"sql_condition": "ELSE", "label_for_charts": "different"}
    return {"output_column_name": column, "comparison_levels": [missing, *levels, other]}


def agreement(name: str, columns: tuple[str, ...], also: str = "TRUE") -> dict[str, Any]:
    """Whether any of the columns agrees; no evidence where none is on both sides."""
    known = " OR ".join(f"({c}_l IS NOT NULL AND {c}_r IS NOT NULL)" for c in columns)
    same = " OR ".join(f"{c}_l = {c}_r" for c in columns)
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": f"NOT ({known}) OR NOT ({also})",
            "label_for_charts": "missing",
            "is_null_level": True,
        },
        {"sql_condition": same, "label_for_charts": "same"},
        {"sql_condition": "ELSE", "label_for_charts": "different"},
    ]
    return {"output_column_name": name, "comparison_levels": levels}


def linker(frame: pl.DataFrame, settings: Any) -> Linker:
    """A Splink linker over a frame."""
    api = DuckDBAPI()
    return Linker(api.register(frame.to_arrow()), settings, log_level=None)


def scored_pairs(train_on: pl.DataFrame, judged: pl.DataFrame, encode: Encode) -> pl.DataFrame:
    """Pairs of the judged records with their match weight, from a model of the others."""
    key = weak.new_key()
    frames = [
        own.select("record_id", "person", *KEPT).hstack(words_frame(own, encode, key))
        for own in (train_on, judged)
    ]
    words = sum(name.startswith(f"{VALUES[0]}_") for name in frames[0].columns)
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[
            comparison(column, words, near_distances(train_on, encode, key, column))
            for column in VALUES
        ]
        + [
            agreement("strong_id", STRONG),
            agreement("local", (LOCAL,), also="partner_l = partner_r"),
            agreement("sex", ("sex",)),
        ],
        blocking_rules_to_generate_predictions=[block_on(name) for name in BLOCKING_COLUMNS],
        probability_two_random_records_match=1e-4,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    model = linker(frames[0], settings)
    model.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    model.training.estimate_m_from_label_column("person")
    trained = model.misc.save_model_to_json()
    scored = linker(frames[1], trained).inference.predict(threshold_match_weight=-10)
    return scored.as_duckdbpyrelation().pl().select("record_id_l", "record_id_r", "match_weight")


def best_f1(pairs: pl.DataFrame, truth: pl.DataFrame) -> float:
    """The best F1 of pairs over all thresholds."""
    sizes = truth.group_by("person").agg(n=pl.len().cast(pl.Int64))["n"]
    real = int((sizes * (sizes - 1) // 2).sum())
    whose = truth.select("record_id", "person")
    curve = (
        pairs.join(whose, left_on="record_id_l", right_on="record_id")
        .join(whose, left_on="record_id_r", right_on="record_id", suffix="_r")
        .sort("match_weight", descending=True)
        .select(
            right=(pl.col("person") == pl.col("person_r")).cum_sum(),
            n=pl.int_range(1, pl.len() + 1),
        )
    )
    return float(curve.select((2 * pl.col("right") / (pl.col("n") + real)).max()).item() or 0)


def weak_leak(scenario: Scenario, name: str, encode: Encode) -> float:
    """The share of surnames that the better of two attacks names."""
    within, among = (pl.repeat("", len(p), eager=True) for p in (scenario.target, scenario.public))
    codes = pl.Series(encode(scenario.target[ATTACKED], weak.new_key())[:, 0].view(np.int64))
    guess = weak_targets.frequency.align_by_rank(codes, scenario.public[ATTACKED], within, among)
    leaks = [judge_column("frequency", scenario, ATTACKED, [guess], name)]
    if not name.startswith("bare"):
        root = weak_targets.DIFFUSED_ROOT if name.startswith("diffused") else 1.0
        some = smaller(scenario, shipped.MOST_NODES)
        leaks.append(
            weak_targets.match_column(
                some, ATTACKED, name, lambda values: encode(values, weak.new_key()), root
            )
        )
    return max(result.score.reidentified for result in leaks)


def anchored_leak(scenario: Scenario) -> float:
    """The share of surnames that any attack on the shipped encoding names, with nothing given."""
    results = shipped.attack(scenario, shipped.store_of(scenario.target), lambda step: None)
    return max(
        r.score.reidentified for r in results if r.part == ATTACKED and GIVEN not in r.attack
    )


def encoded_records(people: int, seed: int) -> pl.DataFrame:
    """Labelled identities of made-up partners, and beside them what the hub keeps of each."""
    with TemporaryDirectory() as folder:
        write_extracts(people, seed, Path(folder))
        labelled = labelled_identities(Path(folder))
    return labelled.hstack(kept(own_encoding(labelled)).drop("record_id", "partner"))


def measure(people: int) -> list[Point]:
    """Every encoding's point, the shipped one's last."""
    train_on, judged = (encoded_records(people, SEED + at) for at in range(2))
    scenario = make_scenario(*(made_up_people(5 * people, at) for at in range(3)), OVERLAP, SEED)
    points = [
        Point(
            name,
            best_f1(scored_pairs(train_on, judged, encode), judged),
            weak_leak(scenario, name, encode),
        )
        for name, encode in encodings().items()
    ]
    # Every pair: linking itself compares of records that are alike the first only.
    ours = best_f1(score(judged, load_model().settings()), judged)
    return [*points, Point("anchored (shipped)", ours, anchored_leak(scenario))]


def chart(points: list[Point]) -> str:
    """The points as an SVG drawing: F1 upwards, surnames named to the right."""
    low, high = min(p.f1 for p in points) - 0.01, max(p.f1 for p in points) + 0.01
    widest = max(p.leak for p in points) or 1.0
    marks = []
    labels: list[tuple[float, float]] = []
    for p in sorted(points, key=lambda p: -p.f1):
        x, y = 80 + 420 * p.leak / widest, 300 - 260 * (p.f1 - low) / (high - low)
        # From the top down, so each label need only keep clear of those above it.
        beside = [above for left, above in labels if abs(left - x) < LABEL_WIDTH]
        line = max([y + 4, *(above + LINE for above in beside)])
        labels.append((x, line))
        marks.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="#1f5c99"/>'
            f'<text x="{x + 9:.0f}" y="{line:.0f}">{p.name} ({p.leak:.1%}, {p.f1:.3f})</text>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 360" '
        'font-family="sans-serif" font-size="12" role="img">'
        "<title>Pair F1 against the share of surnames named</title>"
        '<path d="M80 20V300H520" fill="none" stroke="#444"/>'
        '<text x="80" y="330">Surnames named beyond chance, 20 % of people known</text>'
        '<text x="20" y="14">Pair F1</text>' + "".join(marks) + "</svg>\n"
    )


def main() -> None:
    """Print the table; write the chart where one was asked for."""
    logging.getLogger("splink").setLevel(logging.CRITICAL)
    numbers = [int(given) for given in sys.argv[1:] if given.isdigit()]
    points = measure(numbers[0] if numbers else PEOPLE)
    table = Table("Encoding", "Pair F1", "Surnames named")
    for point in points:
        table.add_row(point.name, f"{point.f1:.4f}", f"{point.leak:.1%}")
    Console().print(table)
    if "--chart" in sys.argv:
        Path(sys.argv[sys.argv.index("--chart") + 1]).write_text(chart(points), encoding="utf-8")


if __name__ == "__main__":
    main()
