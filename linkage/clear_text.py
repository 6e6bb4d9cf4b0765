"""A strong clear-text Splink model over names, date, postcode and sex: the mark to come near.

It sees every value as it is, adjusts for how common names and postcodes are, and knows exchanged
names and dates, nicknames as beginnings, and slips of one key. It is trained as Splink's users
train theirs: *u* by random sampling, *m* by expectation maximisation. It is for benchmarks on
made-up or public people only; nothing in a run uses it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import duckdb
import polars as pl

FIELDS: Final = ("forename", "surname", "dob", "postcode", "sex")
LINK_AT: Final = 2.0
"""The match weight that clear-text links are taken from without labels (2026-11-22)."""
KEEP_FROM: Final = -10.0  # pairs below this match weight are never the best answer

# Version 3's composites in clear text, and five more that only clear text can afford: with them F1
# is best on made-up partners, FEBRL4 and historical people alike (docs/adr/0012).
BLOCKS: Final = (
    ("dob", "surname"),
    ("dob", "sector"),
    ("postcode", "surname"),
    ("postcode", "forename"),
    ("postcode", "initial", "surname_initial"),
    ("forename", "surname", "birth_year"),
    ("dob", "names_in_order"),
    ("forename", "surname", "day_month"),
    ("dob", "initial"),
    ("forename", "surname"),
    ("postcode", "birth_year"),
    ("sector", "surname", "initial"),
    ("sector", "forename", "surname_initial"),
    ("surname", "birth_year", "initial"),
)
# Rules that hardly ever join two people, and the share of matches that they find together.
CERTAIN: Final = (
    ("forename", "surname", "dob"),
    ("surname", "dob", "postcode"),
    ("forename", "dob", "postcode"),
)
CERTAIN_RECALL: Final = 0.7
LEARNT_IN: Final = (("dob", "initial"), ("dob", "sector"), ("forename", "surname"))
"""Pairs that expectation maximisation takes; between them they learn every comparison."""
U_PAIRS: Final = 5e6


def comparable(people: pl.DataFrame) -> pl.DataFrame:
    """Add what blocking and comparisons need to ``record_id`` and the columns of `FIELDS`."""
    return people.select("record_id", *FIELDS).with_columns(
        dob=pl.col("dob").dt.to_string("%Y-%m-%d"),
        birth_year=pl.col("dob").dt.year(),
        day_month=pl.col("dob").dt.to_string("%m-%d"),
        day_month_exchanged=pl.col("dob").dt.to_string("%Y-%d-%m"),
        sector=pl.col("postcode").str.head(-2),
        district=pl.col("postcode").str.head(-3),
        initial=pl.col("forename").str.head(1),
        surname_initial=pl.col("surname").str.head(1),
        names_in_order=pl.concat_str(
            pl.min_horizontal("forename", "surname"),
            pl.max_horizontal("forename", "surname"),
            separator=" ",
        ),
    )


class ClearText:
    """The model over one set of people, trained on it and then asked for its pairs."""

    def __init__(self, people: pl.DataFrame) -> None:
        """Make the people ready; the model still has to be trained.

        Args:
            people: ``record_id`` and the columns of `FIELDS`; one that is all null is left out.
        """
        self._frame = comparable(people)
        self._there = {
            c for c in self._frame.columns if self._frame[c].null_count() < people.height
        }
        self._connection = duckdb.connect(":memory:")
        self._linker = self._made()

    def __enter__(self) -> ClearText:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def train(self, *, seed: int) -> None:
        """Estimate the prior, *u* and *m* from the people themselves, with no labels."""
        from splink import block_on

        training = self._linker.training
        certain = self._possible(CERTAIN)
        if certain:
            training.estimate_probability_two_random_records_match(
                [block_on(*rule) for rule in certain], recall=CERTAIN_RECALL
            )
        training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=seed)
        for rule in self._possible(LEARNT_IN):
            training.estimate_parameters_using_expectation_maximisation(
                block_on(*rule), fix_u_probabilities=True
            )

    def pairs(self) -> pl.DataFrame:
        """The pairs that share a block: ``record_id_l`` < ``record_id_r``, ``match_weight``."""
        scored = self._linker.inference.predict(
            threshold_match_weight=KEEP_FROM, warning_mode="never"
        )
        return self._connection.execute(
            f"""
            SELECT least(record_id_l, record_id_r) AS record_id_l,
                greatest(record_id_l, record_id_r) AS record_id_r, match_weight
            FROM {scored.physical_name}
            """
        ).pl()

    def _possible(self, rules: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
        return [rule for rule in rules if set(rule) <= self._there]

    def _made(self) -> Any:
        from splink import Linker, SettingsCreator, block_on
        from splink.backends.duckdb import DuckDBAPI

        logging.getLogger("splink").setLevel(logging.CRITICAL)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name="record_id",
            comparisons=[c for c in comparisons() if c["output_column_name"] in self._there],
            blocking_rules_to_generate_predictions=[
                block_on(*rule) for rule in self._possible(BLOCKS)
            ],
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=False,
        )
        api = DuckDBAPI(self._connection)
        table = api.register(self._frame.to_arrow(), table_name="people")
        return Linker(table, settings, log_level=logging.CRITICAL)


def comparisons() -> list[dict[str, Any]]:
    """The comparisons, each with its levels from the most to the least telling."""
    return [
        _name("forename", "surname"),
        _name("surname", "forename"),
        _comparison(
            "dob",
            _level("dob_l = dob_r", "same"),
            _level("dob_l = day_month_exchanged_r", "day and month exchanged"),
            _level("damerau_levenshtein(dob_l, dob_r) <= 1", "one digit"),
            _level("day_month_l = day_month_r", "another year"),
            _level("damerau_levenshtein(dob_l, dob_r) <= 2", "two digits"),
            _level("birth_year_l = birth_year_r", "same year"),
        ),
        _comparison(
            "postcode",
            _level("postcode_l = postcode_r", "same", frequency_of="postcode"),
            _level("sector_l = sector_r", "same sector"),
            _level("district_l = district_r", "same district"),
        ),
        _comparison("sex", _level("sex_l = sex_r", "same")),
    ]


def _name(column: str, other: str) -> dict[str, Any]:
    return _comparison(
        column,
        _level(f"{column}_l = {column}_r", "same", frequency_of=column),
        _level(
            f"{column}_l = {other}_r AND {column}_r = {other}_l", "exchanged with the other name"
        ),
        _level(f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.92", "close"),
        _level(
            f"(length({column}_l) > 2 AND starts_with({column}_r, {column}_l))"
            f" OR (length({column}_r) > 2 AND starts_with({column}_l, {column}_r))",
            "one begins with the other",
        ),
        _level(f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.8", "near"),
        _level(
            f"{column}_l = {other}_r OR {column}_r = {other}_l", "one is the other's other name"
        ),
    )


def _level(condition: str, label: str, frequency_of: str | None = None) -> dict[str, Any]:
    level: dict[str, Any] = {"sql_condition": condition, "label_for_charts": label}
    if frequency_of:
        level |= {"tf_adjustment_column": frequency_of, "tf_adjustment_weight": 1.0}
    return level


def _comparison(name: str, *levels: dict[str, Any]) -> dict[str, Any]:
    nothing = {
        "sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL",
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    return {
        "output_column_name": name,
        "comparison_levels": [nothing, *levels, _level("ELSE", "different")],
    }
