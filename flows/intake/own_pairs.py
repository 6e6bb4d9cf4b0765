"""A partner's own records of the pairs that the hub asks about; it runs at the partner's desk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from schemas.errors import ExtractRejected

PAIRS_FILE = ("pair", "record_id_l", "record_id_r")
"""The columns of the file by which a partner finds its own records."""


def find_own(pairs: Path, own: Mapping[int, tuple[str, str]]) -> str:
    """A partner's own records of the pairs that it was asked of.

    Args:
        pairs: The file from the hub.
        own: From :func:`flows.intake.at_source.own_records`.

    Returns:
        CSV text: ``pair``, ``table`` and ``record_key``, two lines a pair. It is for the partner
        alone, since a record key can be an identifier.

    Raises:
        ExtractRejected: The file cannot be read, or no record of it is the partner's.
    """
    found: list[dict[str, str]] = []
    try:
        asked = pl.read_csv(pairs, schema_overrides={"pair": pl.String})
        for pair, *records in asked.select(PAIRS_FILE).iter_rows():
            known = [own[record] for record in records if record in own]
            found += [{"pair": pair, "table": table, "record_key": key} for table, key in known]
    except (OSError, pl.exceptions.PolarsError):
        found = []
    if not found:
        raise ExtractRejected(
            "No pair in the file is of records in this extract.",
            "Give the file that the hub made for you, and the extract that it was made from.",
        )
    return pl.DataFrame(found).write_csv()
