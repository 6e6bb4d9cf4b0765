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

from linkage import clear_text
from schemas.contract import validate_extract
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.tables import TABLES
from synthetic import write_extracts

AS_AT = date(2026, 6, 30)
STRONG = ("pnc_id", "cro_number", "nino", "nhs_number", "noms_number")
UNSEEN = 1e-7  # u of agreement that no two different people showed

IDS = (*STRONG, "local_id")
BLOCKS = (*clear_text.BLOCKS[:9], *((name,) for name in IDS))
"""Its composites that an encoded record has too, and the identifiers that it does without."""

PEOPLE, SEED = 5_000, 1  # what `make demo` makes
OTHERS, OTHER_SEED = 5_000, 1001  # whom the model is trained on


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
    known_sex = frame.with_columns(sex=pl.col("sex").replace("U", None))
    rest = frame.select("partner", "person", *IDS)
    return pl.concat([clear_text.comparable(known_sex), rest], how="horizontal")


def comparisons() -> list[dict[str, Any]]:
    """The comparisons of names, dates, postcodes and sex, and two of identifiers."""
    same_id = " OR ".join(f"{name}_l = {name}_r" for name in STRONG)
    no_ids = " AND ".join(f"({name}_l IS NULL OR {name}_r IS NULL)" for name in STRONG)
    no_local = "local_id_l IS NULL OR local_id_r IS NULL OR partner_l <> partner_r"
    return [
        *clear_text.comparisons(),
        _comparison("strong_id", no_ids, same_id),
        _comparison("local_id", no_local, "local_id_l = local_id_r"),
    ]


def _comparison(name: str, missing: str, agrees: str) -> dict[str, Any]:
    """A comparison that is missing, agrees or does not."""
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True},
            {"sql_condition": agrees, "label_for_charts": "same"},
            {"sql_condition": "ELSE", "label_for_charts": "different"},
        ],
    }


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
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in BLOCKS],
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
        scored = linker.inference.predict(threshold_match_weight=clear_text.KEEP_FROM)
        pairs = scored.as_duckdbpyrelation().pl()
    return Linked(
        pairs.select("record_id_l", "record_id_r", "match_weight"),
        records.select("record_id", "partner", "person"),
    )


def make_identities(people: int, seed: int, folder: Path) -> pl.DataFrame:
    """Write a population's extracts into a folder and return its identities."""
    write_extracts(people, seed, folder, AS_AT)
    return identities(folder)


def make_backtest(folder: Path) -> None:
    """Make the people that linkage is judged on, and the pairs that clear text finds among them."""
    people = make_identities(PEOPLE, SEED, folder / "people")
    settings = train(make_identities(OTHERS, OTHER_SEED, folder / "others"))
    people.write_parquet(folder / "people.parquet")
    clear_text_model(people, settings).pairs.write_parquet(folder / "pairs.parquet")


def read_backtest(folder: Path) -> tuple[pl.DataFrame, Linked]:
    """What `make_backtest` made: the people, and what clear text makes of them."""
    people = pl.read_parquet(folder / "people.parquet")
    pairs = pl.read_parquet(folder / "pairs.parquet")
    return people, Linked(pairs, people.select("record_id", "partner", "person"))
