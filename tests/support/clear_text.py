"""A good clear-text Splink model over the four partners' identities: the mark to come near.

It sees names, dates, postcodes and strong ids as they are. m comes from the labels of another
population, u from random pairs of that population's different people.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from schemas.contract import validate_extract
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.tables import TABLES
from synthetic import write_extracts

AS_AT = date(2026, 6, 30)
STRONG = ("pnc_id", "cro_number", "nino", "nhs_number", "noms_number")
UNSEEN = 1e-7  # u of agreement that no two different people showed
KEEP_FROM = -10.0  # pairs below this match weight are never the best answer

BLOCKING_RULES = [
    block_on("dob", "surname"),
    block_on("dob", "sector"),
    block_on("postcode", "surname"),
    block_on("postcode", "forename"),
    block_on("postcode", "initial", "surname_initial"),
    block_on("forename", "surname", "birth_year"),
    block_on("dob", "names_in_order"),
    block_on("forename", "surname", "day_month"),
    block_on("dob", "initial"),
    *[block_on(name) for name in (*STRONG, "local_id")],
]


@dataclass(frozen=True)
class Linked:
    """What a model makes of a population: scored pairs, and the truth to judge them by."""

    pairs: pl.DataFrame
    truth: pl.DataFrame


def identities(folder: Path, as_at: date = AS_AT) -> pl.DataFrame:
    """Return the identity frames of an extract's four partners, validated, with the person."""
    truth = pl.read_csv(folder / "truth" / "record.csv", schema_overrides={"person": pl.Int64})
    parts = []
    for partner, tables in TABLES.items():
        read = {
            table.name: read_table(path, table)
            for table in tables
            if (path := folder / "inbox" / partner / f"{table.name}.csv").exists()
        }
        validated = validate_extract(partner, read, as_at=as_at)
        parts.append(
            identity_frame(partner, validated.frames).with_columns(partner=pl.lit(partner))
        )
    return (
        pl.concat(parts)
        .join(truth, on=["partner", "table", "record_key"], maintain_order="left")
        .with_row_index("record_id")
        .with_columns(pl.col("record_id").cast(pl.Int64))
    )


def comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what the blocking rules and comparisons need."""
    return frame.with_columns(
        dob=pl.col("dob").dt.to_string("%Y-%m-%d"),
        birth_year=pl.col("dob").dt.year(),
        day_month=pl.col("dob").dt.to_string("%m-%d"),
        day_month_exchanged=pl.col("dob").dt.to_string("%Y-%d-%m"),
        sector=pl.col("postcode").str.head(-2),
        district=pl.col("postcode").str.head(-3),
        initial=pl.col("forename").str.head(1),
        surname_initial=pl.col("surname").str.head(1),
        names_in_order=pl.concat_str(
            pl.min_horizontal("forename", "surname"), pl.max_horizontal("forename", "surname")
        ),
    )


def _level(condition: str, label: str, frequency_of: str | None = None) -> dict[str, Any]:
    level: dict[str, Any] = {"sql_condition": condition, "label_for_charts": label}
    if frequency_of:
        level |= {"tf_adjustment_column": frequency_of, "tf_adjustment_weight": 1.0}
    return level


def _comparison(name: str, missing: str, *levels: dict[str, Any]) -> dict[str, Any]:
    nothing = {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    return {
        "output_column_name": name,
        "comparison_levels": [nothing, *levels, _level("ELSE", "different")],
    }


def _either_null(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _name(column: str, other: str) -> dict[str, Any]:
    return _comparison(
        column,
        _either_null(column),
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


def comparisons() -> list[dict[str, Any]]:
    """Return the comparisons, from the most to the least telling."""
    same_id = " OR ".join(f"{name}_l = {name}_r" for name in STRONG)
    no_ids = " AND ".join(f"({_either_null(name)})" for name in STRONG)
    return [
        _name("forename", "surname"),
        _name("surname", "forename"),
        _comparison(
            "dob",
            _either_null("dob"),
            _level("dob_l = dob_r", "same"),
            _level("dob_l = day_month_exchanged_r", "day and month exchanged"),
            _level("damerau_levenshtein(dob_l, dob_r) <= 1", "one digit"),
            _level("day_month_l = day_month_r", "another year"),
            _level("damerau_levenshtein(dob_l, dob_r) <= 2", "two digits"),
            _level("birth_year_l = birth_year_r", "same year"),
        ),
        _comparison(
            "postcode",
            _either_null("postcode"),
            _level("postcode_l = postcode_r", "same", frequency_of="postcode"),
            _level("sector_l = sector_r", "same sector"),
            _level("district_l = district_r", "same district"),
        ),
        _comparison("strong_id", no_ids, _level(same_id, "one agrees")),
        _comparison(
            "local_id",
            f"{_either_null('local_id')} OR partner_l <> partner_r",
            _level("local_id_l = local_id_r", "same"),
        ),
        _comparison(
            "sex",
            "sex_l IS NULL OR sex_r IS NULL OR sex_l = 'U' OR sex_r = 'U'",
            _level("sex_l = sex_r", "same"),
        ),
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Splink's advice to itself."""
    log = logging.getLogger("splink")
    before, log.disabled = log.level, True
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.disabled = False
        log.setLevel(before)


def _linker(frame: pl.DataFrame, settings: Any, database: duckdb.DuckDBPyConnection) -> Linker:
    database.execute("SET enable_progress_bar = false")
    api = DuckDBAPI(connection=database)
    table = api.register(frame.to_arrow(), table_name="identities")
    return Linker(table, settings, log_level=None)


def _settings() -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=comparisons(),
        blocking_rules_to_generate_predictions=BLOCKING_RULES,
        probability_two_random_records_match=1e-4,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )


def train(labelled: pl.DataFrame) -> dict[str, Any]:
    """Return the settings of a model trained on a labelled population.

    u comes from one record of each person, so that no random pair is of one person.
    """
    frame = comparable(labelled)
    one_each = frame.unique("person", keep="first", maintain_order=True)
    with _quiet():
        linker = _linker(frame, _settings(), duckdb.connect())
        linker.training.estimate_m_from_label_column("person")
        settings = linker.misc.save_model_to_json()
        strangers = _linker(one_each, _settings(), duckdb.connect())
        strangers.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
        other = strangers.misc.save_model_to_json()
    for mine, theirs in zip(settings["comparisons"], other["comparisons"], strict=True):
        levels = zip(mine["comparison_levels"], theirs["comparison_levels"], strict=True)
        for level, by_chance in levels:
            if not level.get("is_null_level"):
                level["m_probability"] = max(level.get("m_probability", 0.0), 1e-6)
                level["u_probability"] = max(by_chance.get("u_probability", 0.0), UNSEEN)
    return settings


def clear_text_model(records: pl.DataFrame, settings: dict[str, Any]) -> Linked:
    """Score a population with a trained model.

    Args:
        records: The result of `identities`.
        settings: The result of `train`, on another population.

    Returns:
        pairs (record_id_l, record_id_r, match_weight) and truth (record_id, partner, person).
    """
    with _quiet():
        linker = _linker(comparable(records), settings, duckdb.connect())
        scored = linker.inference.predict(threshold_match_weight=KEEP_FROM)
        pairs = scored.as_duckdbpyrelation().pl()
    return Linked(
        pairs.select("record_id_l", "record_id_r", "match_weight"),
        records.select("record_id", "partner", "person"),
    )


def make_identities(people: int, seed: int, folder: Path) -> pl.DataFrame:
    """Write a population's extracts into a folder and return its identities."""
    write_extracts(people, seed, folder, AS_AT)
    return identities(folder)
