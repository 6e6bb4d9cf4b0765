"""Train a linkage model on made-up people whose truth is known, through our own encoding."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from flows.files import write_text
from flows.settings import load_settings, locate
from governance.encoding.anchored import encode, encode_under_one_salt, encoding_keys
from governance.encoding.crowded import without_crowds
from governance.encoding.kept import kept
from governance.keys import RootKey
from linkage.model import Model, load_model
from linkage.train import train
from linkage.train_reduced import train_reduced
from schemas.contract import validate_extract
from schemas.encoded import ENCODING_VERSION
from schemas.errors import ModelError
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.tables import TABLES
from synthetic import write_extracts

TRUTH_KEY = ["partner", "table", "record_key"]


def labelled_identities(folder: Path) -> pl.DataFrame:
    """The identities in a folder of synthetic extracts as they are encoded, and who each is.

    Args:
        folder: What ``synthetic.write_extracts`` wrote.

    Returns:
        As :func:`identities_as_sent`, with made-up postcodes and ``lone``.
    """
    parts = identities_as_sent(folder).partition_by("partner")
    return pl.concat(map(without_crowds, parts))


def identities_as_sent(folder: Path) -> pl.DataFrame:
    """The identities in a folder of synthetic extracts as partners sent them, and who each is.

    Args:
        folder: What ``synthetic.write_extracts`` wrote.

    Returns:
        ``record_id`` (a row number), ``partner``, ``person`` and the identity columns.
    """
    parts = []
    for partner, tables in TABLES.items():
        inbox = folder / "inbox" / partner
        raw = {
            table.name: read_table(path, table)
            for table in tables
            if (path := inbox / f"{table.name}.csv").exists() or not table.optional
        }
        frames = validate_extract(partner, raw).frames
        parts.append(identity_frame(partner, frames).with_columns(partner=pl.lit(partner)))
    truth = pl.read_csv(folder / "truth" / "record.csv", infer_schema=False)
    return (
        pl.concat(parts)
        .join(truth.select(*TRUTH_KEY, "person"), on=TRUTH_KEY, how="left")
        .with_row_index("record_id")
        .with_columns(pl.col("record_id").cast(pl.Int64))
    )


def train_on_synthetic(
    people: int, seed: int, *, name: str, approved_by: str, trained: date
) -> dict[str, Any]:
    """Train a model on a synthetic partnership.

    Args:
        people: How many made-up people.
        seed: Of the people and of the sampling. Take another than any you will judge it on.
        name: The model's name.
        approved_by: Who has reviewed it.
        trained: The day of training.

    Returns:
        The model as its file holds it.
    """
    with TemporaryDirectory() as folder:
        write_extracts(people, seed, Path(folder))
        labelled = labelled_identities(Path(folder))
    # A key for made-up people may be public, and makes training repeatable.
    root = RootKey(hashlib.sha256(f"training {seed}".encode()).digest())
    key_of = encoding_keys(root, purpose="training", epoch=1)
    persons = labelled.select("record_id", "person")
    # As the hub keeps them, since that is what is linked.
    initials = kept(encode(with_initials_only(labelled, "treatment"), key_of))
    reduced = train_reduced(initials, persons)
    estimates = train(
        kept(encode(labelled, key_of)),
        encode_under_one_salt(labelled.unique("person", maintain_order=True), key_of),
        persons,
        seed=seed,
    )
    return {
        "name": name,
        "view": "full",
        "trained": trained.isoformat(),
        "encoding_version": ENCODING_VERSION,
        "trained_on": {
            "source": "synthetic",
            "people": people,
            "seed": seed,
            "records": persons.height,
            "fingerprint": fingerprint(labelled),
        },
        "approved_by": approved_by,
        **estimates,
        "reduced": reduced,
    }


def with_initials_only(identities: pl.DataFrame, partner: str) -> pl.DataFrame:
    """The identities as they are when one partner sends initials and sectors, as NDTMS has them.

    Args:
        identities: As :func:`labelled_identities` gives them.
        partner: Who sends no names, whole postcodes or NHS numbers.
    """
    whose = pl.col("partner") == partner
    kept = {
        "forename_initial": pl.coalesce("forename_initial", pl.col("forename").str.head(1)),
        "surname_initial": pl.coalesce("surname_initial", pl.col("surname").str.head(1)),
        "sector": pl.coalesce(pl.col("postcode").str.head(-2), "sector"),
    }
    gone = ("forename", "surname", "postcode", "nhs_number")
    return identities.with_columns(
        *(pl.when(whose).then(kept[name]).otherwise(name).alias(name) for name in kept)
    ).with_columns(pl.when(~whose).then(name).alias(name) for name in gone)


def model_in_force(config: Path | None) -> Model | None:
    """The model that a new one takes the place of: the partnership's, else the packaged one.

    Args:
        config: Where partnership.yaml is, if it is not where commands look for it.

    Returns:
        The model; None where the partnership's own cannot be read any more.
    """
    path = locate(config)
    try:
        return load_model(load_settings(path).model if path.exists() else None)
    except ModelError:
        return None


def fingerprint(frame: pl.DataFrame) -> str:
    """SHA-256 over a frame's rows, so that a model can be traced to what it was trained on."""
    return "sha256:" + hashlib.sha256(frame.write_csv().encode()).hexdigest()


def write_model(model: dict[str, Any], path: Path) -> None:
    """Write a model file for a person to review."""
    write_text(path, json.dumps(model, indent=2) + "\n")
